"""Which index can answer what another one answers: the prefix rule for btree.

An index covers another where the other's keys are its first ones, in the same directions or all of them turned round,
with the same collations and operator classes, its predicate is the same or absent, and it carries all columns that the
other includes. A unique index is covered by none: it is a rule about the data, too.

Decided: docs/decisions.md#successors-that-answer-less
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.sql_tree import SyntaxProblem, canonical


def covers(wide: Definition, narrow: Definition) -> bool:
    """Whether an index of the definition `wide` can answer what one of the definition `narrow` answers. Pure."""
    return wide.method == narrow.method == "btree" and not narrow.unique and not lost(wide, narrow)


def lost(new: Definition, old: Definition) -> str:
    """What an index of the definition `old` answers and one of `new` in its place does not; empty for nothing. Pure.

    Of methods other than btree, where the order of keys hardly matters, a key that is missing is what is lost.
    """
    if new.method != old.method:
        return f"{new.method} answers other queries than {old.method}"
    if new.predicate and spelled(new.predicate) != spelled(old.predicate):
        return "its predicate is written otherwise, and may leave out rows that queries find by the old one"
    if old.unique and not new.unique:
        return "it is no longer unique"
    if old.unique and (old.nulls_not_distinct > new.nulls_not_distinct or len(new.keys) > len(old.keys)):
        return "more rows are unique to it"
    if old.method == "btree":
        pairs = list(zip(new.keys, old.keys, strict=False))
        forward = all(_order(one) == _order(other) for one, other in pairs)
        backward = all(_order(one) == (not other.descending, not other.nulls_first) for one, other in pairs)
        if len(new.keys) < len(old.keys):
            return "it has fewer keys"
        if any(_bare(one) != _bare(other) for one, other in pairs) or not (forward or backward):
            return "its leading keys are others, or are written otherwise"
    elif not {_bare(key) for key in old.keys} <= {_bare(key) for key in new.keys}:
        return "it has other keys"
    if not set(old.include) <= {*new.include, *(key.column for key in new.keys)}:
        return "it carries fewer columns"
    return ""


class Covering:
    """Some definitions by name, each to be found by what it covers and by what covers it: never one by one, since a
    table may have hundreds."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = {name: each for name, each in definitions.items() if each.method == "btree"}
        self._wide: dict[_Keys, list[str]] = {}
        self._whole: dict[_Keys, list[str]] = {}
        for name, each in self._definitions.items():
            keys = _ordered(each)
            for count in range(1, len(keys) + 1):
                self._wide.setdefault((spelled(each.predicate), keys[:count]), []).append(name)
            for predicate in {"", spelled(each.predicate)}:
                self._whole.setdefault((predicate, keys), []).append(name)

    def of(self, narrow: Definition) -> list[str]:
        """The names of those that cover `narrow`, sorted."""
        keys = _ordered(narrow)
        likely = {
            name
            for predicate in {"", spelled(narrow.predicate)}
            for direction in (keys, _turned(keys))
            for name in self._wide.get((predicate, direction), ())
        }
        return sorted(name for name in likely if covers(self._definitions[name], narrow))

    def by(self, wide: Definition) -> list[str]:
        """The names of those that `wide` covers, sorted."""
        keys = _ordered(wide)
        likely = {
            name
            for count in range(1, len(keys) + 1)
            for direction in (keys[:count], _turned(keys[:count]))
            for name in self._whole.get((spelled(wide.predicate), direction), ())
        }
        return sorted(name for name in likely if covers(wide, self._definitions[name]))


_Key = tuple[tuple[object, ...], tuple[bool, bool]]
_Keys = tuple[str, tuple[_Key, ...]]
"""A predicate, and keys with their directions."""


def _ordered(definition: Definition) -> tuple[_Key, ...]:
    return tuple((_bare(key), _order(key)) for key in definition.keys)


def _turned(keys: tuple[_Key, ...]) -> tuple[_Key, ...]:
    return tuple((bare, (not descending, not nulls_first)) for bare, (descending, nulls_first) in keys)


def _bare(key: Element) -> tuple[object, ...]:
    return key.column, spelled(key.expression), key.collation, key.opclass, key.opclass_options


def _order(key: Element) -> tuple[bool, bool]:
    return key.descending, key.nulls_first


@lru_cache(maxsize=50_000)
def spelled(expression: str) -> str:
    """An expression as the parser spells it; as it is, where only the server, which may be newer, can read it."""
    try:
        return canonical(expression) if expression else ""
    except SyntaxProblem:
        return expression
