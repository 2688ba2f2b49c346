"""What brings a setting to its declaration, and what stands in the way."""
