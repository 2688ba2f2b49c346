"""Where something is declared, as file and line."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.reports.characters import visible


class Place(NamedTuple):
    """`file` is empty where something is declared nowhere; `line` is a number in digits, or empty."""

    file: str
    line: str


def place(declared_at: str) -> Place:
    """The place in `desired/postgres/tasks.yaml:7:7`."""
    file, _, rest = declared_at.partition(":")
    line = rest.split(":")[0]
    return Place(visible(file), line if line.isascii() and line.isdigit() else "")
