"""A declared index: its SQL, taken apart, and what no index can hold."""
