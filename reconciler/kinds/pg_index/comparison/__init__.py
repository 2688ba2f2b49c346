"""Whether two definitions are the same, by the server's own reading of both."""
