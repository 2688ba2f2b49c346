"""Patterns of names, as people write them: `*` stands for any letters, and nothing else has a meaning of its own."""

from __future__ import annotations


def fits(pattern: str, name: str) -> bool:
    """Whether `name` is made of the parts of `pattern` with any letters where it has a `*`. Each part is taken where it
    comes first, so that no pattern takes long."""
    first, *others = pattern.split("*")
    if not others:
        return name == first
    *middle, last = others
    if not name.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - at >= len(last) and name.endswith(last)
