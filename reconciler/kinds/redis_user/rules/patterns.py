"""Patterns of keys beside one another: which is a part of which, so that a user without it may the same as before.

Whoever may ACL SETUSER writes them, as many and as long as he likes: what comparing them may cost is bounded, and of
more only equal texts are known to be alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(r"\\(.)|\[[^]]*\]?|.", re.DOTALL)

MOST_STEPS = 500_000
"""Signs that are gone through to hold patterns against each other: a hundred patterns of thirty letters come to
440,000, which take a quarter of a second at worst."""


def are_few(patterns: Collection[str]) -> bool:
    """Whether all of `patterns` may be held against each other.

    Each sign of one is a step for every other one, and a step takes longer the longer those are.
    """
    letters = sum(map(len, patterns))
    return letters * (len(patterns) + letters // _LETTERS_A_STEP) <= MOST_STEPS


def covers(wide: str, narrow: str) -> bool:
    """Whether every key that fits `narrow` fits `wide`. Of classes ([ab]) only an equal one is known to be covered."""
    return _follows(_tokens(wide), _places(narrow), both=False)


def overlap(first: str, second: str) -> bool:
    """Whether a key may fit both; rather so where classes leave it open."""
    return _follows(_tokens(first), _places(second), both=True)


@lru_cache(maxsize=64)
def without_parts(patterns: frozenset[str]) -> frozenset[str]:
    """`patterns` without those that another one covers; all of them where they are not few."""
    if not are_few(patterns):
        return patterns
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


_LETTERS_A_STEP = 64
"""So many places in a pattern are gone through at once, as bits of a number."""


class _Places(NamedTuple):
    """Where the signs of a pattern stand: the bit n of a number is the place before the sign n.

    every   all places, the end included.
    by_sign, stars  those before each sign, and before a `*`; `open`: before those that may stand for several letters.
    """

    every: int
    by_sign: dict[str, int]
    stars: int
    open: int


@lru_cache(maxsize=1024)
def _places(pattern: str) -> _Places:
    signs = _tokens(pattern)
    found: dict[str, list[int]] = {}
    for n, sign in enumerate(signs):
        found.setdefault(sign, []).append(n)
    by_sign = {sign: _bits(places, len(signs)) for sign, places in found.items()}
    open_ = [n for sign, places in found.items() if not sign.startswith("=") for n in places]
    return _Places((2 << len(signs)) - 1, by_sign, by_sign.get("*", 0), _bits(open_, len(signs)))


def _bits(places: Collection[int], length: int) -> int:
    """In one go: bit by bit, a long pattern would take the square of its length."""
    digits = bytearray(b"0" * (length + 1))
    for n in places:
        digits[length - n] = ord("1")
    return int(digits, 2)


def _follows(wide: tuple[str, ...], other: _Places, *, both: bool) -> bool:
    """Whether the signs of `wide` can stand for those of `other`; `both`: and the other way round.

    `there` are the places in `other` up to which the signs of `wide` so far can stand for its own.
    """
    stars = other.stars if both else 0
    there = 1 | (1 & stars) << 1
    for sign in wide:
        if sign == "*":
            there = other.every & -(there & -there)  # from the first of them on
        else:
            there = (there & _stood_for(sign, other, both=both)) << 1 | there & stars
            there |= (there & stars) << 1  # a star stands for nothing, too; there are no two in a row
        if not there:
            return False
    return bool(there & (other.every + 1) >> 1)


def _stood_for(sign: str, other: _Places, *, both: bool) -> int:
    """The places before signs that `sign` stands for."""
    if both:
        # A star of the other one takes the sign, and stays where it is; what else is open may mean the same letter.
        alike = other.by_sign.get(sign, 0) | other.open if sign.startswith("=") else other.every
        return alike & ~other.stars
    return other.every & ~other.stars if sign == "?" else other.by_sign.get(sign, 0)
