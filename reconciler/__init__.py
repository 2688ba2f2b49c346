"""Performance tuning as code for PostgreSQL and Redis."""

__version__ = "0.1.0"
