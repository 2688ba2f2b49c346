"""Sessions to PostgreSQL."""
