"""Sessions to Redis and Valkey."""
