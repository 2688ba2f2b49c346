"""The only place that writes to a live system.

permission (gates) → one apply at a time (lock) → each change: observe again, run, verify (run) → receipt (apply)
"""
