"""Configuration and ACL files of Redis, taken apart as the server does it.

No command of Redis reads these files. What they say is handed to whoever compares it, and kept nowhere: passwords may
stand in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.untrusted_files import NotReadable, read_regular

LARGEST_FILE = 4 << 20
"""Bytes. A configuration is some ten thousand; an ACL file with thousands of users still fits."""

DEEPEST_INCLUDE = 16

_BLANKS = " \t\n\v\f\r"
"""What C's isspace takes for one; Python's takes more."""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}


@dataclass(frozen=True, slots=True)
class Line:
    """One directive: its words, the first in lower case, and where it stands (`/etc/redis/redis.conf:12`).

    `included`: not in the main file, so that CONFIG REWRITE leaves it as it is. `argument`: in no file at all, but on
    the server's command line.
    """

    words: tuple[str, ...] = field(repr=False)
    at: str
    included: bool = False
    argument: bool = False


class Unreadable(Exception):
    """A file that cannot be understood whole: then nothing is said of it. Its text says why."""


def read_file(path: str) -> tuple[Line, ...]:
    """The directives of a configuration file in their order, those of included files where they are included.

    Raises Unreadable, OSError.
    """
    return tuple(_read(path, 0))


def _read(path: str, depth: int) -> Iterator[Line]:
    if depth > DEEPEST_INCLUDE:
        raise Unreadable(f"files include one another more than {DEEPEST_INCLUDE} deep")
    for number, words in enumerate(map(words_of, _text(path).split("\n")), 1):
        name = words[0].lower() if words else ""
        if name == "include" and len(words) == 2:
            for included in _matching(words[1]):
                yield from _read(included, depth + 1)
        elif words:
            yield Line((name, *words[1:]), f"{path}:{number}", included=depth > 0)


def _text(path: str) -> str:
    try:
        return read_regular(Path(path), LARGEST_FILE).decode(errors="surrogateescape")
    except NotReadable as why:
        raise Unreadable(f"{path} {why}") from None


def _matching(pattern: str) -> list[str]:
    """The files that an include names: 7.0 and later take patterns, sorted."""
    if not pattern.startswith("/"):
        raise Unreadable(f"it includes {pattern}, counted from where the server was started, which nothing tells")
    if not set("*?[") & set(pattern):
        return [pattern]
    return sorted(str(found) for found in Path("/").glob(pattern.lstrip("/")))


def read_users(path: str) -> tuple[Line, ...]:
    """The `user` lines of an ACL file, split at blanks as the server does. Raises Unreadable, OSError."""
    lines = ((number, text.strip(_BLANKS)) for number, text in enumerate(_text(path).split("\n"), 1))
    return tuple(
        Line(tuple(word for word in text.split(" ") if word), f"{path}:{number}")
        for number, text in lines
        if text.startswith("user ")
    )


def defined_twice(lines: Sequence[Line]) -> str:
    """Where an included file defines a user; empty where none does.

    CONFIG REWRITE writes every user into the main file, and leaves the included one as it is. From 7.0 on a server
    does not start where a user is defined twice (seen on 7.0 and Valkey 9).
    """
    return next((line.at for line in lines if line.words[0] == "user" and line.included), "")


def words_of(line: str) -> list[str]:
    """A line taken apart as `sdssplitargs` of the server does. Empty for a blank one. Raises Unreadable."""
    words: list[str] = []
    at, line = 0, line.strip(" \t\r\n")
    if line.startswith("#"):
        return []
    while at < len(line):
        if line[at] in _BLANKS:
            at += 1
            continue
        word, at = _word(line, at)
        # A letter beyond ASCII may stand there byte by byte.
        words.append(word.encode(errors="surrogateescape").decode(errors="surrogateescape"))
    return words


def _word(line: str, at: int) -> tuple[str, int]:
    word, quote = "", ""
    while at < len(line):
        sign = line[at]
        if quote:
            if sign == quote:
                if at + 1 < len(line) and line[at + 1] not in _BLANKS:
                    raise Unreadable("something stands behind a closing quote")
                return word, at + 1
            if sign == "\\" and quote == '"' and at + 1 < len(line):
                escaped, at = _escaped(line, at + 1)
                word += escaped
                continue
            if sign == "\\" and line[at + 1 : at + 2] == "'":
                sign, at = "'", at + 1
        elif sign in _BLANKS:
            return word, at
        elif sign in "\"'":
            quote, at = sign, at + 1
            continue
        word, at = word + sign, at + 1
    if quote:
        raise Unreadable("a quote is never closed")
    return word, at


def _escaped(line: str, at: int) -> tuple[str, int]:
    sign = line[at]
    if sign == "x" and len(line) > at + 2:
        with suppress(ValueError):
            byte = bytes([int(line[at + 1 : at + 3], 16)])
            return byte.decode(errors="surrogateescape"), at + 3
    return _ESCAPES.get(sign, sign), at + 1


def read_arguments(words: Sequence[str]) -> tuple[Line, ...]:
    """The directives of a command line: `--port 6380`. Raises Unreadable."""
    found: list[list[str]] = []
    for word in words:
        if word.startswith("--"):
            found.append([word[2:].lower()])
        elif found:
            found[-1] += words_of(word) if " " in word and len(found[-1]) == 1 else [word]
    return tuple(Line(tuple(each), "its command line", included=True, argument=True) for each in found)
