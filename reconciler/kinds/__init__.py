"""The kinds: one folder each, and one line each in `registry.py`."""
