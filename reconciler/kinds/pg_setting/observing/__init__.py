"""What a server shows of its settings: values, files, and what is around it."""
