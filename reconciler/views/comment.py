"""A comment of bounded size: what is added first has room first, and what is left out is counted and said."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.reports.labels import listed

RESERVED = 600
"""Bytes kept for saying what was left out, and for closing what is open."""


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode(errors="replace"))


def row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


class Comment:
    """Markdown that grows block by block until it is full; `limit` in bytes, 0 for none."""

    def __init__(self, limit: int = 0, marker: str = "") -> None:
        self._blocks: list[str] = [f"<!-- reconciler:plan:{marker} -->"] if marker else []
        self._room: float = limit - RESERVED - sum(map(size, self._blocks)) if limit else float("inf")
        self._left_out: list[str] = []

    @property
    def room(self) -> float:
        """Bytes that are left."""
        return self._room

    def add(self, block: str) -> bool:
        """Takes `block`, unless the comment would be too long; says whether it did."""
        if size(block) + 2 > self._room:
            return False
        self._blocks.append(block)
        self._room -= size(block) + 2
        return True

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> None:
        """Takes as many rows as fit; `what` they are is said of those that do not."""
        lines = [row(head), row(["---"] * len(head))]
        room = self._room - sum(map(size, lines)) - 10
        for taken, each in enumerate(rows):
            line = row(each)
            if size(line) + 1 > room:
                self.left_out(len(rows) - taken, what)
                break
            room -= size(line) + 1
            lines.append(line)
        if len(lines) > 2:
            self.add("\n".join(lines))

    def folded(self, title: str, blocks: Sequence[str], what: str) -> None:
        """Takes as many blocks as fit, behind a triangle to click on; nothing where not one does."""
        if not blocks:
            return
        opening, closing = f"<details><summary>{title}</summary>", "</details>"
        if size(opening) + size(closing) + size(blocks[0]) + 6 > self._room or not self.add(opening):
            self.left_out(len(blocks), what)
            return
        self._room -= size(closing) + 2
        taken = 0
        while taken < len(blocks) and self.add(blocks[taken]):
            taken += 1
        self.left_out(len(blocks) - taken, what)
        self._blocks.append(closing)

    def left_out(self, count: int, what: str) -> None:
        """Remembers that `count` of `what` had no room."""
        if count:
            self._left_out.append(f"{count} {what}")

    def text(self) -> str:
        """The comment."""
        blocks = list(self._blocks)
        if self._left_out:
            shown = listed(self._left_out[:8])
            more = " and more" if len(self._left_out) > 8 else ""
            blocks.append(f"**Too long for a comment: {shown}{more} left out. See the plan file.**")
        return "\n\n".join(blocks) + "\n"
