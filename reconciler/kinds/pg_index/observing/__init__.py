"""What a database shows of its indexes, and which of them are the declared ones."""
