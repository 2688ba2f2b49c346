"""The only place that writes to a live system."""
