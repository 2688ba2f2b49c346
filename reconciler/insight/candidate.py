"""An index that might be built, as a value: no more of it than its size, its build and its use depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Name = tuple[str, str]
"""Schema and name of a table or an index."""


class Key(NamedTuple):
    """One key: exactly one of `column` (a name) and `expression` (SQL) is set. `opclass` empty: the type's default."""

    column: str = ""
    expression: str = ""
    opclass: str = ""


class Candidate(NamedTuple):
    """An index on `table`. `predicate` is SQL, empty where all rows are indexed; `options` are storage parameters."""

    table: Name
    keys: tuple[Key, ...]
    method: str = "btree"
    unique: bool = False
    include: tuple[str, ...] = ()
    predicate: str = ""
    options: Mapping[str, str] = {}

    @property
    def columns(self) -> list[Key]:
        """All that an entry of it holds: the keys, and what is included."""
        return [*self.keys, *map(Key, self.include)]

    @property
    def expressions(self) -> tuple[str, ...]:
        """All SQL in it."""
        return tuple(text for text in (*(key.expression for key in self.keys), self.predicate) if text)
