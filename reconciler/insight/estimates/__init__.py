"""How large an index would be, and how long its build would take, before it is built."""
