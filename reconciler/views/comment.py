"""A comment of bounded size: what is added first has room first, and what is left out is counted and said."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.reports.labels import listed
from reconciler.views.markdown_text import code

RESERVED = 600
"""Bytes kept for saying what was left out, and for closing what is open."""


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode(errors="replace"))


def row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


class Comment:
    """Markdown that grows block by block until it is full.

    what    which of a pipeline's comments it is: `plan`, `drift`, `check`; with `marker` it is its first line.
    limit   in bytes; 0 for none.
    whole   the command, or the option, that shows all of it; said where something is left out.
    """

    def __init__(self, what: str, marker: str = "", *, limit: int, whole: str) -> None:
        self._whole = whole
        self._blocks: list[str] = [f"<!-- reconciler:{what}:{marker} -->"] if marker else []
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

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], what: str, *, kept: int = 0) -> None:
        """Takes the rows that fit, in their order, and leaves so many bytes (`kept`); `what` they are is said of those
        that do not fit."""
        lines = [row(head), row(["---"] * len(head))]
        room = self._room - sum(map(size, lines)) - 10 - kept
        for each in rows:
            line = row(each)
            if size(line) + 1 <= room:
                room -= size(line) + 1
                lines.append(line)
        self.left_out(len(rows) + 2 - len(lines), what)
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
        return "\n\n".join([*self._blocks, *self._missing()]) + "\n"

    def _missing(self) -> list[str]:
        """What had no room and where all of it is, in what was kept for that: of many things the first ones."""
        if not self._left_out:
            return []
        where = f" {code(self._whole)} shows all of it."
        for count in range(len(self._left_out), 0, -1):
            more = " and more" if count < len(self._left_out) else ""
            said = f"**Too long for a comment: {listed(self._left_out[:count])}{more} left out.**"
            if size(said + where) + 2 <= RESERVED:
                return [said + where]
        return [f"**Too long for a comment: much is left out.**{where}"]
