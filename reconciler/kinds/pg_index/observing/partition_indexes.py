"""What the partitions of a partitioned table have of one of its indexes.

PostgreSQL cannot build such an index concurrently as a whole (0A000). So it is made of parts: the index of the table
alone, which is INVALID until all partitions have theirs, and one on each partition, attached to the one above it.

Decided: docs/decisions.md#attaching-a-part, docs/decisions.md#renaming-partitions
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from hashlib import sha256

from reconciler.kinds.pg_index.changes.partitioned_validity import stuck
from reconciler.kinds.pg_index.changes.statements import FRESH, partition_name, temporary_name
from reconciler.kinds.pg_index.comparison.compare import IN_PLACE, changed_options, identical
from reconciler.kinds.pg_index.model import LONGEST_NAME, Definition, PgIndex, TableName, full_name
from reconciler.kinds.pg_index.observed import LiveIndex, PartitionIndex
from reconciler.kinds.pg_index.observing.catalogue import Catalogue, Holders
from reconciler.kinds.pg_index.observing.partition_sizes import Sizes

Equal = Callable[[PgIndex, TableName, LiveIndex], bool]
"""Whether an index of a partition has the declared definition, by the server's reading."""

_TRIES = 4
"""Names that are tried for a partition's index; PostgreSQL itself also appends numbers to names that are taken. Last
comes one that nobody has."""


def candidates(catalogue: Catalogue, index: PgIndex) -> list[tuple[str, str]]:
    """Schema and name of all that the index of a partition may be called while it is built, and afterwards."""
    return [
        (schema, name)
        for schema, table in catalogue.below((index.schema_name, index.table))
        for fresh in (False, True)
        for name in _names(index, table, fresh)
    ]


def _names(index: PgIndex, partition: str, fresh: bool) -> list[str]:
    name = partition_name(index.name, index.table, partition)
    mark = sha256(f"{index.schema_name}.{index.table}.{index.name}".encode()).hexdigest()[:8]
    names = [name, *(_with_end(name, end) for end in (*map(str, range(1, _TRIES)), f"_{mark}"))]
    return [temporary_name(each, FRESH) for each in names] if fresh else names


def identities(catalogue: Catalogue, table: TableName, index: str) -> Iterator[str]:
    """The partitions below `table` whose replica identity is a part of its `index`."""
    for partition in catalogue.partitions.get(table, ()):
        for live in catalogue.indexes.get(partition, {}).values():
            if live.parent == (table[0], index):
                if live.replica_identity:
                    yield full_name(*partition)
                yield from identities(catalogue, partition, live.name)


def _with_end(name: str, end: str) -> str:
    """A longer name would be cut by the server without a word, and be the one that is taken."""
    return name.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end


class Trees:
    """The partitions of a declared index's table. `reserved`: names (with their schemas) that are not to be taken, nor
    the indexes that have them."""

    def __init__(
        self,
        catalogue: Catalogue,
        holders: Holders,
        equal: Equal,
        *,
        may_move: bool,
        sizes: Sizes,
        index: PgIndex,
        reserved: Collection[tuple[str, str]] = (),
    ) -> None:
        self._catalogue = catalogue
        self._sizes = sizes
        self._holders = holders
        self._index = index
        self._equal = equal
        self._may_move = may_move
        self._reserved = reserved
        self._table = (index.schema_name, index.table)

    def of(self, live: LiveIndex | None, old: LiveIndex | None) -> tuple[PartitionIndex, ...]:
        """What they have of `live`, an index of the partitioned table; None: of one that is still to be made.

        `old` is the one that it has replaced, and that has not gone yet.
        """
        return tuple(self._walk(self._table, live, old, live, fresh=False))

    def beside(self, live: LiveIndex, fresh: LiveIndex | None) -> tuple[PartitionIndex, ...]:
        """What they have of `fresh`, the index that is to replace `live`, under temporary names."""
        return tuple(self._walk(self._table, fresh, live, fresh, fresh=True))

    def is_stuck(self, table: TableName, live: LiveIndex, version_num: int = 0) -> bool:
        """Whether an index of `table`, which is partitioned, is INVALID and stays so, whatever is attached to it, or
        on a server of `version_num` a second time."""
        if not live.partitioned or live.valid:
            return False
        return stuck(table, live, list(self._walk(table, live, None, live, fresh=False)), version_num)

    def _walk(
        self,
        table: TableName,
        above: LiveIndex | None,
        going: LiveIndex | None,
        whole: LiveIndex | None,
        *,
        fresh: bool,
    ) -> Iterator[PartitionIndex]:
        """`above` is the index of `table` that those of its partitions belong to, `going` the one that will be dropped
        with those that belong to it, `whole` the one of the topmost table."""
        for partition in self._catalogue.partitions.get(table, ()):
            facts = self._catalogue.tables[partition]
            there = self._catalogue.indexes.get(partition, {})
            attached, goes = (
                next((live for live in there.values() if one and live.parent == (table[0], one.name)), None)
                for one in (above, going)
            )
            equal = None if attached else self._adoptable(partition, whole)
            lasting = _names(self._index, partition[1], fresh=False)
            final = next((name for name in lasting if self._free(partition, name, goes)), "")
            name, passing = final or lasting[0], _names(self._index, partition[1], fresh=True)
            if fresh:
                name = next((each for each in passing if self._free(partition, each)), passing[0])
            if own := attached or equal:
                name = own.name
            yield PartitionIndex.of_known(
                schema_name=partition[0],
                table=partition[1],
                parent=table,
                relkind=facts.relkind,
                rows=facts.rows,
                forbidden=facts.forbidden,
                name=name,
                final=final if final and name in passing else name,
                attached=attached,
                equal=equal,
                leftover=None if own else there.get(name),
                bytes=self._sizes.get(partition),
                goes=goes if fresh else None,
            )
            yield from self._walk(partition, own, goes, whole, fresh=fresh)

    def _free(self, partition: TableName, name: str, goes: LiveIndex | None = None) -> bool:
        """Whether a new index may have this name, perhaps after what a failed build left under it is dropped, or after
        the one that goes."""
        if (partition[0], name) in self._reserved:
            return False
        if goes and goes.name == name:
            return True
        there = self._catalogue.indexes.get(partition, {}).get(name)
        if there:
            return not (there.valid or there.parent or there.constraint or there.replica_identity)
        return (partition[0], name) not in self._holders

    def _adoptable(self, partition: TableName, whole: LiveIndex | None) -> LiveIndex | None:
        """An index that only has to be attached. Where there is one to attach to, PostgreSQL wants both to be alike."""
        for _, live in sorted(self._catalogue.indexes.get(partition, {}).items()):
            if live.parent or live.constraint or live.builder is not None or not (live.valid or live.partitioned):
                continue
            if self._index.definition and self._needs_another(self._index.definition, live):
                continue
            if (partition[0], live.name) in self._reserved or self.is_stuck(partition, live):
                continue
            if self._equal(self._index, partition, live) if whole is None else identical(live, whole):
                return live
        return None

    def _needs_another(self, definition: Definition, live: LiveIndex) -> bool:
        """Whether it could not be brought to the rest of its definition in place."""
        moves = definition.tablespace not in ("", live.tablespace)
        return not changed_options(definition, live) <= IN_PLACE or (moves and not self._may_move)
