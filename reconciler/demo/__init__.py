"""Embedded servers, sample data, and the tour that shows the whole road on them."""
