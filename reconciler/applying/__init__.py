"""The only place that writes to a live system.

permission (guard) → one apply at a time (lock) → each change: observe again, run, verify (run) → receipt (apply)
"""
