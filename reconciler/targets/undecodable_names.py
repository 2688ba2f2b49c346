"""Names of bytes that are no text: how they stand in text, and how they are recognised there.

Decided: docs/decisions.md#bytes-that-are-no-text
"""

from __future__ import annotations

import re

ESCAPES = range(0x10FF80, 0x110000)
"""The last characters for private use, which stand for the bytes 0x80 to 0xff. Where text has one of its own, its four
bytes stand there as well, so that no two names become one; such a name counts as one that nobody can write."""

ESCAPED = re.compile("([\U0010ff80-\U0010ffff])")


NO_TEXT = "its name is no text in UTF-8, so that no plan can hold it"
TO_GO = f"to be dropped, and {NO_TEXT}: drop it by hand"
"""Said of what is to go by a rule, whatever it is: it is there, it differs, and no step can mend it."""


def shown(char: str) -> str:
    """One of ESCAPES as the byte that it stands for; empty for any other character."""
    return f"\\x{ord(char) & 0xFF:02x}" if ord(char) in ESCAPES else ""


def is_unnamed(text: str) -> bool:
    """Whether there is a byte in `text` that no text has: nobody can write it in a file of UTF-8."""
    return not text.isascii() and ESCAPED.search(text) is not None
