"""One thing changed in the declaration of an index: its direction, its class, a constant, a column more, …"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pg_index.corpus.spelled import OPEN, StatementText
from psycopg import sql

Section = dict[str, Any]

OPTIONS = {
    "btree": ("fillfactor", "37"),
    "hash": ("fillfactor", "37"),
    "gist": ("fillfactor", "37"),
    "spgist": ("fillfactor", "37"),
    "brin": ("pages_per_range", "9"),
    "gin": ("fastupdate", "off"),
    "bloom": ("length", "33"),
}
"""By access method, a storage parameter and a value that nobody writes."""


class Shape(NamedTuple):
    """What the server knows of an index beside its text.

    `indexed` and `others`: columns of its table, those in it and those that are not, in SQL. `collated`: for each key,
    whether it has a collation. `classes`: for each key, another operator class of its type; empty: there is none.
    """

    indexed: tuple[str, ...]
    others: tuple[str, ...]
    collated: tuple[bool, ...]
    classes: tuple[str, ...]


class Key(NamedTuple):
    """A key in its pieces, as they are written; all but the first may be empty."""

    expression: str
    collation: str
    operator_class: str
    order: str

    @property
    def text(self) -> str:
        return " ".join(filter(None, self))


def key_of(text: str) -> Key:
    """Takes a key of `columns` apart."""
    spelled = StatementText(text)
    last = len(spelled.tokens)

    def name_end(at: int) -> int:
        while at + 1 < last and spelled.name(at + 1) == "ASCII_46":
            at += 2
        return at + 1

    def closed(at: int) -> int:
        return spelled.closing(at) + 1 if at < last and spelled.name(at) == OPEN else at

    def cut(begin: int, end: int) -> str:
        return spelled.cut(begin, end) if end > begin else ""

    expression = closed(0) or closed(name_end(0))
    collation = expression
    if collation < last and spelled.name(collation) == "COLLATE":
        collation = name_end(collation + 1)
    operator_class = collation
    if operator_class < last and spelled.name(operator_class) not in ("ASC", "DESC", "NULLS_P"):
        operator_class = closed(name_end(operator_class))
    return Key(
        cut(0, expression), cut(expression, collation), cut(collation, operator_class), cut(operator_class, last)
    )


def edits(section: Section, method: str, shape: Shape) -> Iterator[tuple[str, Section]]:
    """What was changed, and the changed `section` of an index in the short form."""
    for label, parts in _edits(section, method, shape):
        changed = {name: value for name, value in {**section, **parts}.items() if value is not None}
        if changed != section:
            yield label, changed


def _edits(section: Section, method: str, shape: Shape) -> Iterator[tuple[str, Section]]:
    keys = [key_of(text) for text in section["columns"]]
    if method == "btree":
        yield from _ordered(keys)
        yield "unique", {"unique": None if "unique" in section else "true"}
        if "unique" in section:
            yield "nulls not distinct", {"nulls_not_distinct": None if "nulls_not_distinct" in section else "true"}
    yield from _options(section.get("with"), method)
    yield from _conditions(section.get("where"), shape)
    yield from _columns(section, method, shape)
    yield from _refined(keys, shape)
    for place, text in enumerate(section["columns"]):
        if other := another_constant(text):
            columns = section["columns"]
            yield "constant of a key", {"columns": [*columns[:place], other, *columns[place + 1 :]]}
            break


def _ordered(keys: list[Key]) -> Iterator[tuple[str, Section]]:
    first, last = keys[0], keys[-1]
    words = first.order.lower().split()
    turned = "" if "desc" in words else "desc"
    yield "direction", _with(keys, 0, first._replace(order=turned))
    words = last.order.lower().split()
    direction = "desc" if "desc" in words else ""
    # Behind everything else where that is not so by itself: in descending order nulls come first.
    are_first = "first" in words or (direction and "nulls" not in words)
    yield "nulls", _with(keys, -1, last._replace(order=f"{direction} nulls {'last' if are_first else 'first'}".strip()))


def _options(options: Mapping[str, str] | None, method: str) -> Iterator[tuple[str, Section]]:
    if method in OPTIONS:
        name, value = OPTIONS[method]
        by_name = {key.strip('"').lower(): said for key, said in (options or {}).items()}
        # FALSE and 'no' are printed as they were written, and are the same as off.
        is_off = by_name.get(name, "").lower().startswith(("of", "f", "n", "0"))
        yield "parameter", {"with": by_name | {name: "on" if value == "off" and is_off else value}}
    if options:
        yield "no parameters", {"with": None}


def _conditions(where: str | None, shape: Shape) -> Iterator[tuple[str, Section]]:
    if where is None:
        yield from ((f"where {column}", {"where": f"{column} is not null"}) for column in shape.indexed[:1])
        return
    if other := another_constant(where):
        yield "constant of the condition", {"where": other}
    yield "opposite condition", {"where": f"not ({where})"}
    yield "no condition", {"where": None}


def _columns(section: Section, method: str, shape: Shape) -> Iterator[tuple[str, Section]]:
    columns = section["columns"]
    if "include" in section:
        yield "nothing included", {"include": None}
    elif method in ("btree", "gist"):
        yield from (("something included", {"include": [column]}) for column in shape.others[:1])
    if len(columns) > 1:
        yield "order of keys", {"columns": columns[::-1]}
        yield "fewer keys", {"columns": columns[:-1]}
    if method in ("btree", "gin", "brin"):
        yield from (("more keys", {"columns": [*columns, column]}) for column in shape.others[:1])


def _refined(keys: list[Key], shape: Shape) -> Iterator[tuple[str, Section]]:
    """Of the first key that has one: another collation, another operator class."""
    for place, key in enumerate(keys):
        if shape.collated[place]:
            yield "collation", _with(keys, place, key._replace(collation="" if key.collation else 'collate "POSIX"'))
            break
    for place, key in enumerate(keys):
        if shape.classes[place]:
            other = "" if key.operator_class else shape.classes[place]
            yield "operator class", _with(keys, place, key._replace(operator_class=other))
            break


def _with(keys: list[Key], place: int, key: Key) -> Section:
    changed = list(keys)
    changed[place] = key
    return {"columns": [each.text for each in changed]}


def another_constant(text: str) -> str:
    """The text with its first number or word one further; empty where there is none."""
    spelled = StatementText(text)
    for at, (kind, begin, end) in enumerate(spelled.tokens):
        word = spelled.cut(at, at + 1)
        if kind == "ICONST" and word.isdigit():
            other = str(int(word) + 1)
        elif kind == "SCONST" and re.fullmatch(r"'[A-Za-z][A-Za-z0-9 ]*'", word):
            other = f"{word[:-1]}x'"
        else:
            continue
        return (spelled.bytes[:begin] + other.encode() + spelled.bytes[end:]).decode()
    return ""


def literal(value: str) -> str:
    return sql.Literal(value).as_string(None)


def statement(section: Section, name: str, schema: str, table: str) -> str:
    """What a person gives to psql for the short form."""
    unique = "unique " if "unique" in section else ""
    place = sql.Identifier(schema, table).as_string(None)
    parts = [f"create {unique}index {name} on {place} using {section.get('using', 'btree')}"]
    parts.append(f"({', '.join(section['columns'])})")
    if "include" in section:
        parts.append(f"include ({', '.join(section['include'])})")
    if "nulls_not_distinct" in section:
        parts.append("nulls not distinct")
    if "with" in section:
        parts.append(f"with ({', '.join(f'{key} = {literal(value)}' for key, value in section['with'].items())})")
    if "tablespace" in section:
        parts.append(f"tablespace {sql.Identifier(section['tablespace']).as_string(None)}")
    if "where" in section:
        parts.append(f"where {section['where']}")
    return " ".join(parts)
