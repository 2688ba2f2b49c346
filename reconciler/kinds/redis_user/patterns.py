"""Patterns of keys beside one another: which is a part of which, so that a user without it may the same as before."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

_TOKEN = re.compile(r"\\(.)|\[[^]]*\]?|.", re.DOTALL)

MOST = 100
"""Patterns that are held against each other; more are taken as they are, since every pair is looked at."""


def covers(wide: str, narrow: str) -> bool:
    """Whether every key that fits `narrow` fits `wide`. Of classes ([ab]) only an equal one is known to be covered."""
    return _follows(_tokens(wide), _tokens(narrow), both=False)


def overlap(first: str, second: str) -> bool:
    """Whether a key may fit both; rather so where classes leave it open."""
    return _follows(_tokens(first), _tokens(second), both=True)


def without_parts(patterns: Collection[str]) -> frozenset[str]:
    """`patterns` without those that another one covers."""
    if len(patterns) > MOST:
        return frozenset(patterns)
    return frozenset(each for each in patterns if not any(_is_strictly_in(each, other) for other in patterns))


def _is_strictly_in(narrow: str, wide: str) -> bool:
    return covers(wide, narrow) and not covers(narrow, wide)


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[str, ...]:
    """Signs of the pattern: `*`, `?`, classes as they are, and letters behind an equals sign."""
    found: list[str] = []
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text == "*" and found[-1:] == ["*"]:
            continue
        found.append(text if text in "*?" or text.startswith("[") else f"={token[1] or text}")
    return tuple(found)


def _follows(wide: tuple[str, ...], other: tuple[str, ...], *, both: bool) -> bool:
    """Whether the signs of `wide` can stand for those of `other`; `both`: and the other way round.

    Row by row of `wide`: whether its signs so far can stand for the first n of `other`.
    """
    before = [not n or (both and other[:n] == ("*",)) for n in range(len(other) + 1)]
    for sign in wide:
        row = [before[0] and sign == "*"]
        for n, theirs in enumerate(other, 1):
            if sign == "*" or (both and theirs == "*"):
                row.append(before[n] or row[n - 1])
            else:
                row.append(before[n - 1] and _stands_for(sign, theirs, both=both))
        before = row
    return before[-1]


def _stands_for(sign: str, theirs: str, *, both: bool) -> bool:
    if both:
        return sign == theirs or not (sign.startswith("=") and theirs.startswith("="))
    return theirs != "*" and sign in ("?", theirs)
