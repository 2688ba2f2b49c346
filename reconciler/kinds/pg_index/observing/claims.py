"""Which indexes of a table somebody has use for: those that are declared, our own temporary ones, and what was found to
be taken while one declared index after the other was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from reconciler.kinds.pg_index.changes.statements import FRESH, OLD, temporary_name
from reconciler.kinds.pg_index.model import PgIndex, TableName, table_and_name


class OfTable:
    """Names on one table: the `declared` ones, those that are declared `absent`, and `ours`, which nobody declares: the
    temporary names of both."""

    def __init__(self) -> None:
        self.declared: set[str] = set()
        self.absent: set[str] = set()
        self.ours: set[str] = set()
        self._together: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def add(self, index: PgIndex) -> None:
        """An index that is declared on it, and what it knows of others."""
        together = (index.listed, index.absent)
        if together != self._together:  # as a rule all of a table know the same
            self._together = together
            self.declared.update(index.listed)
            self.absent.update(index.absent)
        (self.declared if index.definition else self.absent).add(index.name)

    def settle(self) -> None:
        """After the last of them was added."""
        known = self.declared | self.absent
        self.ours = {temporary_name(name, end) for name in known for end in (FRESH, OLD)} - known

    def take(self, name: str) -> None:
        """One that becomes a declared one: neither another's twin, nor unlisted."""
        self.declared.add(name)
        self.__dict__.pop("listed", None)  # to be put in order once more

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The declared names, in order."""
        return tuple(sorted(self.declared))

    @cached_property
    def listed_absent(self) -> tuple[str, ...]:
        """Those that are declared absent, in order."""
        return tuple(sorted(self.absent))


class Claims:
    """Names by table, and what was found to be taken.

    renamed   indexes that the change of a declared one renames, or drops since it is to have their name.
    parts     indexes of partitions that an index of their partitioned table has use for.
    """

    def __init__(self, indexes: Sequence[PgIndex]) -> None:
        self._tables: dict[TableName, OfTable] = {}
        self.named: set[tuple[str, str]] = set()
        """Schema and name of all of them."""
        self.renamed: set[tuple[TableName, str]] = set()
        self.parts: set[tuple[TableName, str]] = set()
        for index in indexes:
            table, name = table_and_name(index)
            self._tables.setdefault(table, OfTable()).add(index)
            self.named.add((table[0], name))
        for names in self._tables.values():
            names.settle()

    def of(self, table: TableName) -> OfTable:
        """The names on `table`; none where nothing is declared on it."""
        return self._tables.get(table) or OfTable()
