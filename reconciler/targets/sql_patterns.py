"""What texts of SQL have in common that differ in their constants alone: what is read of one of them is known of all.

Tables that are alike have indexes that are alike but for a tenant, a date or a state. PostgreSQL's grammar knows a
string by its kind of token, whatever it holds, and a number likewise, but where it is the length of a type.

Decided: docs/decisions.md#texts-that-are-alike
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Self

_OTHER_QUOTES = re.compile(r'["$]|--|/\*')
"""What begins a name or a string in other quotes, or a comment, in which a quote may stand."""

_COMPARED = re.compile(r"([<>=] ?)\d{1,9}(?![\w.])")
"""A whole number that something is compared with, or is given by name."""


class Pattern(NamedTuple):
    """A text with nothing in its strings, each of which is `''`; and what they held, as it was written."""

    text: str
    strings: Sequence[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """The pattern of `text`; itself, without strings, where they cannot be told for certain."""
        if "'" not in text:
            return cls(text, ())
        parts = text.split("'")
        outside = parts[::2]
        # A letter before a quote makes another kind of string of it: E'', U&''.
        is_other_kind = any(part[-1:].isalpha() or part.endswith("&") for part in outside[:-1])
        if len(parts) % 2 == 0 or is_other_kind or "\0" in text or any(map(_OTHER_QUOTES.search, outside)):
            return cls(text, ())
        return cls("''".join(outside), parts[1::2])

    def filled(self, part: str) -> str | None:
        """A part of the pattern's text with the strings in it again; None where it does not hold all of them."""
        outside = part.split("''")
        if len(outside) != len(self.strings) + 1:
            return None
        filled = [f"{before}'{string}'" for before, string in zip(outside[:-1], self.strings, strict=True)]
        return "".join(filled) + outside[-1]


def without_constants(text: str) -> str:
    """A text whose tree is that of `text` but for some of its constants."""
    return _COMPARED.sub(r"\g<1>0", Pattern.of(text).text)
