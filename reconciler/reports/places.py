"""Where something is declared, as file and line."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from reconciler.reports.characters import visible


class Place(NamedTuple):
    """`file` is empty where something is declared nowhere; `line` is a number in digits, or empty."""

    file: str
    line: str

    @property
    def says(self) -> str:
        """`desired/postgres/tasks.yaml:7`."""
        return f"{self.file}:{self.line}" if self.line else self.file


def place(declared_at: str) -> Place:
    """The place in `desired/postgres/tasks.yaml:7:7`."""
    file, _, rest = declared_at.partition(":")
    line = rest.split(":")[0]
    return Place(visible(file), line if line.isascii() and line.isdigit() else "")


def url(place: Place, base: str) -> str:
    """Where it is to be seen, below `base`; empty where that is not known, or is nothing that a browser only shows."""
    if not base.lower().startswith(("http://", "https://")):
        return ""
    if not place.file or place.file.startswith("/") or ".." in place.file.split("/"):
        return ""
    line = f"#L{place.line}" if place.line else ""
    return f"{base.rstrip('/')}/{quote(place.file)}{line}"
