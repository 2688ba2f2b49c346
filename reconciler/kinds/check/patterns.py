"""Regular expressions of checks, by RE2: whatever the pattern, the time grows with the text and not faster.

Python's own engine goes back and forth: `(a+)+$` over thirty letters takes longer than anyone waits, and nothing can
interrupt it. What RE2 does not know (looking ahead or back, references to groups) is refused where it is written.

Decided: docs/decisions.md#patterns-by-re2
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LARGEST_PROGRAM = 500
"""Instructions of a pattern. RE2 goes through all of them for each letter of a text, at worst: 2 s for 1 MiB."""


def check(text: str) -> str:
    """`text`, where it is a pattern. Raises ValueError with why it is none."""
    _compiled(text, True)
    return text


def found(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """Whether the pattern is found anywhere in `text`."""
    return _compiled(pattern, not any_case).search(text) is not None


class Work:
    """What searching may take in all, in instructions times letters: the same on every machine."""

    def __init__(self, most: int) -> None:
        self._left = most

    def allows(self, pattern: str, text: str) -> bool:
        """Whether there is enough left for one more search, which is then taken off."""
        self._left -= _compiled(pattern, True).programsize * len(text)
        return self._left >= 0


@lru_cache(maxsize=1000)
def _compiled(text: str, case_sensitive: bool) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False  # it would write to standard error by itself
    options.case_sensitive = case_sensitive
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if error.args else "it cannot be read"
        raise ValueError(
            f"{text!r} is not a regular expression of RE2 ({said}), which knows no looking ahead or back, no \\1, "
            "no \\Z (\\z there) and no count over 1000"
        ) from None
    if pattern.programsize > LARGEST_PROGRAM:
        raise ValueError(f"this pattern is too large: its counts come to {pattern.programsize} instructions, at most "
                         f"{LARGEST_PROGRAM} are run")  # fmt: skip
    return pattern
