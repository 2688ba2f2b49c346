"""Names that go from one index to another: in a circle, or from an index of another table, which goes or is renamed.

Decided: docs/decisions.md#exchanged-names, docs/decisions.md#names-that-are-set-free
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.kinds.pg_index.changes.in_place import amend
from reconciler.kinds.pg_index.changes.statements import FRESH, OLD, temporary_name
from reconciler.kinds.pg_index.comparison.compare import changed_options
from reconciler.kinds.pg_index.model import PgIndex, TableName
from reconciler.kinds.pg_index.observed import LiveIndex, Renamed
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.model import Address

Name = tuple[str, str]
"""Schema and name of an index: two of different tables cannot have the same."""


Same = dict[tuple[Address, TableName, str], bool]
"""Whether an index (its table, its name) has the definition that is declared under an address."""


def holders_by_name(catalogue: Catalogue) -> dict[Name, tuple[TableName, LiveIndex]]:
    """The indexes that are there, and their tables, by schema and name."""
    return {
        (table[0], name): (table, live) for table, there in catalogue.indexes.items() for name, live in there.items()
    }


class Circles:
    """Declared indexes that are all there, each under the name of another one of them.

    `holders`: what holds the names that they need in between; it may become known later.
    """

    def __init__(
        self, catalogue: Catalogue, same: Same, indexes: Sequence[PgIndex], holders: Mapping[Name, str]
    ) -> None:
        self._holders = holders
        self._by_name: dict[Name, tuple[Renamed, ...]] = {}
        """The same circle for each of its names, beginning with the first by name."""
        declared = {(index.schema_name, index.name): index for index in indexes if index.definition}
        wants = {name: found for name, index in declared.items() if (found := _found(index, catalogue, same, declared))}
        for start in sorted(wants):
            path = list(_path(start, wants))
            if wants[path[-1]].was == start[1]:
                self._by_name.update(dict.fromkeys(path, tuple(wants[name] for name in path)))

    def __contains__(self, name: Name) -> bool:
        return name in self._by_name

    def free(self, name: Name) -> tuple[Renamed, ...]:
        """The circle that a name is in, where the names are free that its members need in between."""
        found = self._by_name.get(name)
        if found is None:
            return ()
        passing = (temporary_name(each.name, end) for each in found for end in (FRESH, OLD))
        return () if any((name[0], each) in self._holders for each in passing) else found

    def exchanges(self, table: TableName, name: str) -> bool:
        """Whether an index of `table` gets the name of another one, which gets its own."""
        return any((table[0], each.table) == table and each.was == name for each in self.free((table[0], name)))


def queues(catalogue: Catalogue, same: Same, indexes: Sequence[PgIndex]) -> dict[Name, int]:
    """By name: of a declared index that another one is renamed to, how many renames in a row, this one first, wait for
    each other's names. `a` of one table becomes `b`, `c` of another becomes `a`: two for `b`, one for `a`."""
    declared = {(index.schema_name, index.name): index for index in indexes if index.definition}
    frees: dict[Name, Name] = {}
    for name, index in declared.items():
        table = (index.schema_name, index.table)
        if index.name in catalogue.indexes.get(table, {}):
            continue
        for was in sorted(catalogue.indexes.get(table, {})):
            other = declared.get((table[0], was))
            if other and other.table != index.table and same.get((index.address, table, was)):
                frees[name] = (table[0], was)
                break
    found: dict[Name, int] = {}
    for name in frees:
        row, at = [], name
        while at in frees and at not in row:
            row.append(at)
            at = frees[at]
        found[name] = len(row)
    return found


def _path(start: Name, wants: Mapping[Name, Renamed]) -> Iterator[Name]:
    """From an index to the one that has its definition, and so on, each once."""
    seen: set[Name] = set()
    name = start
    while name in wants and name not in seen:
        yield name
        seen.add(name)
        name = (name[0], wants[name].was)


def _found(index: PgIndex, catalogue: Catalogue, same: Same, declared: Mapping[Name, PgIndex]) -> Renamed | None:
    """The index that is the declared one but for its name, where that is declared as well, as another index."""
    schema, table, definition = index.schema_name, (index.schema_name, index.table), index.definition
    if definition is None or same.get((index.address, table, index.name)):
        return None
    for name, live in sorted(catalogue.indexes.get(table, {}).items()):
        if not (name != index.name and (schema, name) in declared and same.get((index.address, table, name))):
            continue
        if not live.valid or live.builder is not None or live.is_of_constraint or live.parent:
            continue
        if changed_options(definition, live) or definition.tablespace not in ("", live.tablespace):
            continue
        if live.partitioned and amend(schema, live, definition, -1).steps:
            continue
        return Renamed(
            table=index.table, was=name, name=index.name, live=live, definition=definition,
            new_partitions=index.new_partitions, leaves=index.leaves,
        )  # fmt: skip
    return None
