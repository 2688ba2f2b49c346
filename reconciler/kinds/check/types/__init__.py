"""The types of checks, a file each: what is read, and how it is decided."""
