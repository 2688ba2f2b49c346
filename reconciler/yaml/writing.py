"""Desired YAML as text: what is written here, the loader reads back letter by letter.

Written by hand rather than by PyYAML, whose emitter knows no comments and takes YAML 1.1's view of scalars. The rules
are those of YAML 1.2, and narrower where readers disagree: what some reader might take for a number, a boolean, a date
or an indicator is quoted, and what does not print is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

WIDTH = 120
"""Letters in a line, where that can be had: what fits stands in one line, in brackets or braces."""

_INDENT = 2
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Plain words that are something else than text, to us or to other readers."""

_BOOLEANS = frozenset({"true", "false"})
"""The two that every reader takes for what they are; quoted, they would look like names."""

_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]{0,17}|-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6})\Z")
"""Numbers that are written alike in every sort of YAML."""

_AMOUNT = re.compile(r"[1-9][0-9]{0,17}(?:B|[kMGT]B|[kmg]b|us|ms|s|min|h|d)\Z")
"""Which is text to every reader: `64MB`, `30s`."""

_PLAIN = re.compile(r"[^\W\d](?:.*\S)?\Z|\((?:.*\S)?\Z")
"""Begins with a letter, `_` or `(`, none of which means anything to YAML."""
_NOT_PLAIN = re.compile(r":(?:\s|\Z)|\s#")
_NOT_PLAIN_INSIDE = re.compile(r"[\[\]{},:?#]")
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class Template(str):
    """A text whose `${NAME}` stand for variables, and are written as they are."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Stands in a mapping for what is not declared: written as a comment with its reason, and read by nobody.

    `is_expected`: nobody looks for it, so that it stands behind what is declared, and not before.
    """

    reason: str
    is_expected: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """Stands in a mapping for `value` with a comment: behind it where one line holds both, else above it."""

    value: Any
    comment: str


def gathered(entries: Mapping[str, Any]) -> dict[str, Any]:
    """`entries` with what is left out first, or last where that is expected; those of one and the same reason are named
    together."""
    by_entry: dict[LeftOut, list[str]] = {}
    for name, entry in entries.items():
        if isinstance(entry, LeftOut):
            by_entry.setdefault(entry, []).append(name)
    first = {", ".join(names): entry for entry, names in by_entry.items() if not entry.is_expected}
    last = {", ".join(names): entry for entry, names in by_entry.items() if entry.is_expected}
    return first | {name: entry for name, entry in entries.items() if not isinstance(entry, LeftOut)} | last


def document(content: Mapping[str, Any], remarks: Sequence[str] = ()) -> str:
    """One YAML document of dicts, lists and texts, with `remarks` as comments on top.

    `content` is a mapping in the order in which it is to be written. A `${` of a text is written so that no variable is
    looked for, but for that of a Template. Values that are LeftOut become comments, and Noted ones get one.
    """
    lines = [line for remark in remarks for line in _comment(remark, 0)]
    lines += _block(content, 0)
    return "\n".join(lines) + "\n"


def _block(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, LeftOut):
            yield from _comment(f"{key}: {value.reason}", indent)
            continue
        head = f"{' ' * indent}{_scalar(key, inside=True)}:"
        if isinstance(value, Noted):
            yield from _noted(list(_entry(head, value.value, indent)), value.comment, indent)
        else:
            yield from _entry(head, value, indent)


def _noted(lines: list[str], comment: str, indent: int) -> Iterator[str]:
    """Behind the first line of an entry, since what follows is a part of it and may have comments of its own."""
    line = f"{lines[0]}  # {_printable(comment).strip()}"
    if len(line) <= WIDTH:
        yield from [line, *lines[1:]]
    else:
        yield from [*_comment(comment, indent), *lines]


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, str):
        yield f"{head} {_value(value, inside=False)}"
        return
    if _height(value) <= 2:
        line = f"{head} {_flow(value)}"
        if len(line) <= WIDTH or not value:
            yield line
            return
    yield head
    if isinstance(value, Mapping):
        yield from _block(value, indent + _INDENT)
        if all(isinstance(each, LeftOut) for each in value.values()):
            yield f"{' ' * (indent + _INDENT)}{{}}"  # comments alone would be read as nothing
    else:
        for item in value:
            text = _value(item, inside=False) if isinstance(item, str) else _flow(item)
            yield f"{' ' * (indent + _INDENT)}- {text}"


def _height(value: Any) -> int:
    """Levels of brackets and braces; what holds a comment is too high for any line."""
    if isinstance(value, LeftOut | Noted):
        return 99
    if isinstance(value, str):
        return 0
    inside = value.values() if isinstance(value, Mapping) else value
    return 1 + max((_height(each) for each in inside), default=0)


def _flow(value: Any) -> str:
    """`value` in one line."""
    if isinstance(value, str):
        return _value(value, inside=True)
    if isinstance(value, Mapping):
        entries = (f"{_scalar(key, inside=True)}: {_flow(each)}" for key, each in value.items())
        return "{" + ", ".join(entries) + "}"
    return "[" + ", ".join(map(_flow, value)) + "]"


def _value(text: str, *, inside: bool) -> str:
    return _scalar(text if isinstance(text, Template) else text.replace("${", "$${"), inside=inside)


def _scalar(text: str, *, inside: bool) -> str:
    """`text` in the plainest form that is read as this very text; `inside` of brackets and braces less is plain."""
    if not text.isprintable():
        return f'"{_escaped(text)}"'
    if _NUMBER.match(text) or _AMOUNT.match(text) or text in _BOOLEANS:
        return text
    plain = _PLAIN.match(text) and text.lower() not in _WORDS and not _NOT_PLAIN.search(text)
    if plain and not (inside and _NOT_PLAIN_INSIDE.search(text)):
        return text
    if not any(sign in text for sign in '"\\'):
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    """As between double quotes: what does not print is named by its number."""
    return "".join(_ESCAPES.get(sign) or (sign if sign.isprintable() else _numbered(sign)) for sign in text)


def _numbered(sign: str) -> str:
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str, indent: int) -> Iterator[str]:
    """As many lines as it takes, whatever `text` holds."""
    head = f"{' ' * indent}# "
    # A name is never cut in two: whoever searches for it finds it.
    lines = wrap(_printable(text), WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    yield from ((head + line).rstrip() for line in lines or [""])


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else _numbered(sign) for sign in text)
