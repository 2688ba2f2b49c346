"""The page that text is written on: its width, its colours, and where its lines break.

Decided: docs/decisions.md#commands-in-logs
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}
"""SGR codes (ECMA-48) of the sixteen colours that every terminal has, so that its theme decides how they look."""

NARROWEST = 40
"""Cells. A narrower page is written as if it were this wide: columns would leave no room for a word."""

WIDEST = 120
"""Cells. On a wider terminal, what stands at the right edge would be too far from what it belongs to."""


LIMIT = 65_000
"""Bytes of Markdown. GitHub takes a comment of 65,536 characters, and whoever posts it may add some."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a view is written on.

    width       in cells of a terminal.
    colour      whether SGR sequences may be written.
    verbose     of text: all that is known of each change.
    limit       of Markdown: bytes of UTF-8; 0 for all of it.
    marker      of Markdown: the name in its first line, by which a pipeline finds its own comment; empty: no such line.
    source_url  of Markdown and HTML: below which the declaring files are to be seen; empty: no links.
    policies    of Markdown and HTML of a plan: what policies will say when it is applied, a sentence each.
    seconds     of metrics: how long it took to find out what is told.
    """

    width: int = 100
    colour: bool = False
    verbose: bool = False
    limit: int = LIMIT
    marker: str = ""
    source_url: str = ""
    policies: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def columns(self) -> int:
        """The width that is written on."""
        return max(NARROWEST, min(self.width, WIDEST))

    def paint(self, text: str, style: str) -> str:
        """`text` in a style of STYLES, where colours may be written."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colour and text and style else text


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes, after `visible`: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def _cells_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


COMMAND = re.compile(r"^( *):(?=:.*::)|##(?=\[)", re.MULTILINE)
"""What a line of a pipeline's log must not be: GitHub's runner takes `::add-mask::x` for a command, whatever blanks are
before it, and `##[` wherever it stands (ActionCommand.cs of actions/runner)."""


def without_commands(text: str) -> str:
    """`text` in which no line is a command to whoever keeps the log: one sign of each is shown as its code."""
    return COMMAND.sub(lambda found: rf"{found[1]}\x3a" if found[1] is not None else r"#\x23", text)


def left(text: str, width: int) -> str:
    """`text` with spaces after it, up to `width` cells."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """`text` with spaces before it, up to `width` cells."""
    return " " * (width - cells(text)) + text


def wrap(text: str, width: int, *, hang: str = "") -> list[str]:
    """`text` in lines of at most `width` cells; `hang` stands before each but the first.

    Breaks at a space, before WHERE by preference, and inside a word only where the word alone is too long.
    """
    lines = []
    while cells(text) > width:
        fitting = _fitting(text, width)
        indent = len(text) - len(text.lstrip(" "))
        at = text.lower().rfind(" where ", indent, fitting + 1)
        if at <= indent:
            at = text.rfind(" ", indent + 1, fitting + 1)
        if at <= indent or text[indent:at] == hang.strip(" "):
            lines.append(text[:fitting])
            rest = text[fitting:]
        else:
            lines.append(text[:at])
            rest = text[at + 1 :]
        text = hang + rest
    return [*lines, text]


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` fit into `width` cells; at least one more than its indentation."""
    taken = 0
    for count, char in enumerate(text):
        taken += _cells_of(char)
        if taken > width:
            return max(count, len(text) - len(text.lstrip(" ")) + 1)
    return len(text)
