"""The text of synchronous_standby_names, as syncrep_gram.y and syncrep_scanner.l read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.kinds.pg_setting.values.units import InvalidValue

EXPECTED = 'it is names of standbys, like a, "b c", or so many of them: FIRST 2 (a, b, c), ANY 1 (a, b)'

_TOKEN = re.compile(
    r'[ \t\n\r\f\v]*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*|\*)'
    r"|(?P<number>[0-9]+)|(?P<sign>[,()]))",
    re.ASCII,
)
_MOST = 2**31 - 1
_LONGEST = 20
"""Digits of a number: of thousands of them, Python makes none."""


class StandbyNames(NamedTuple):
    """How many of which standbys a commit waits for; `*` is any."""

    least: int
    names: tuple[str, ...]


def parse(text: str) -> StandbyNames | None:
    """What `text` asks for; None for the empty one, which asks for nobody.

    Raises InvalidValue for what no server takes.
    """
    if not text:
        return None
    tokens = list(_tokens(text))
    kinds = "".join(kind for kind, _ in tokens)
    # k: FIRST or ANY, n: a number, w: a name; a name may be a number, too.
    listed = re.fullmatch(r"(k?)n\(((?:[nw],)*[nw])\)", kinds)
    if listed is None and not re.fullmatch(r"(?:[nw],)*[nw]", kinds):
        raise InvalidValue(EXPECTED)
    words = [word for kind, word in tokens if kind in "nw"]
    if listed is None:
        return StandbyNames(1, tuple(words))
    least, *names = words
    if len(least) > _LONGEST or not 0 < int(least) <= _MOST:
        raise InvalidValue(f"{least} is no number of standbys: at least 1")
    return StandbyNames(int(least), tuple(names))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip(" \t\n\r\f\v"))
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidValue(EXPECTED)
        at = found.end()
        match found.lastgroup:
            case "quoted":
                yield "w", found["quoted"].replace('""', '"')
            case "word" if found["word"].lower() in ("first", "any"):
                yield "k", found["word"]
            case "word":
                yield "w", found["word"]
            case "number":
                yield "n", found["number"]
            case _:
                yield found["sign"], found["sign"]
