"""Which new values have to be allowed by name, and which are refused."""
