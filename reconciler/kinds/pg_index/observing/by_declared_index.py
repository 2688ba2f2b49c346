"""The catalogue as each declared index sees it: which indexes are its own, which are whose, which names are free.

Decided: docs/decisions.md#the-search_path-of-a-plan
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from reconciler.kinds.pg_index.acceptance.refusals import Judged
from reconciler.kinds.pg_index.changes.partitioned_build import has_leaves, ordered_otherwise
from reconciler.kinds.pg_index.changes.statements import FRESH, OLD, temporary_name
from reconciler.kinds.pg_index.comparison.compare import REINDEX_MOVES, Unread, changed_options, fixed_options
from reconciler.kinds.pg_index.model import (
    Definition,
    PgIndex,
    TableName,
    UnlistedIndexes,
    table_and_name,
    table_of,
)
from reconciler.kinds.pg_index.observed import LiveIndex, Need, ObservedIndex, PartitionIndex, TableFacts
from reconciler.kinds.pg_index.observing import name_exchange, partition_indexes
from reconciler.kinds.pg_index.observing.catalogue import Catalogue, Holders, holders
from reconciler.kinds.pg_index.observing.claims import Claims, OfTable
from reconciler.kinds.pg_index.observing.name_exchange import Same
from reconciler.kinds.pg_index.observing.partition_sizes import Sizes, sizes
from reconciler.kinds.pg_index.observing.reindex_leftovers import ReindexLeftovers
from reconciler.kinds.pg_index.observing.unlisted_indexes import Unlisted
from reconciler.model import Address
from reconciler.targets.postgres.session import PostgresSession


class _Cover(NamedTuple):
    """What partitions have of an index, and of `fresh`, the one that is to replace it; whether that one can serve."""

    parts: tuple[PartitionIndex, ...] = ()
    of_fresh: tuple[PartitionIndex, ...] = ()
    fresh_same: bool = False


class CatalogueView:
    """The catalogue, as each declared index sees it; what the first ones take, later ones do not find free."""

    def __init__(
        self,
        session: PostgresSession,
        catalogue: Catalogue,
        same: Same,
        indexes: Sequence[PgIndex],
        rules: Sequence[UnlistedIndexes],
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._same = same
        self._indexes = indexes
        self._dropping = {table_of(rule): rule for rule in rules if rule.policy == "drop"}
        self._holders: Holders = dict(catalogue.holders)
        self._asked: Callable[[], Holders] = dict
        self._sizes: Sizes = {}
        self._covers: Mapping[tuple[str, str, str], Need] = {}
        self._by_name = name_exchange.holders_by_name(catalogue)
        self._queues = name_exchange.queues(catalogue, same, indexes)
        self._circles = name_exchange.Circles(catalogue, same, indexes, self._holders)
        self._claims = Claims(indexes)
        self._leftovers = ReindexLeftovers(catalogue)
        self.unlisted = Unlisted(catalogue, self._claims, self._circles, self._leftovers)
        self._may_move = session.version_num >= REINDEX_MOVES
        self._trees = partial(
            partition_indexes.Trees, catalogue, self._holders, self._equal, may_move=self._may_move, sizes=self._sizes
        )
        self._in_parts = {index.address: index for index in indexes if self._needs_parts(index)}
        self._chosen: set[tuple[str, str]] = set()
        """Schema and name of parts that are still to be built."""

    @cached_property
    def _alike(self) -> Mapping[tuple[Address, TableName], Sequence[str]]:
        """The indexes of a table that have the definition that is declared under an address."""
        found: dict[tuple[Address, TableName], list[str]] = {}
        for address, table, name in self._same:
            found.setdefault((address, table), []).append(name)
        return found

    @cached_property
    def _tables_of_names(self) -> Mapping[name_exchange.Name, TableName]:
        """The tables of which an index of each name is declared."""
        return {(index.schema_name, index.name): table_of(index) for index in self._indexes if index.definition}

    def ask(self, different: Sequence[PgIndex]) -> None:
        """Asks what holds the names that changes will need in between: beside whatever is asked next."""
        wanted = [(index.schema_name, temporary_name(index.name, end)) for index in different for end in (FRESH, OLD)]
        for index in self._in_parts.values():
            wanted += partition_indexes.candidates(self._catalogue, index)
        self._asked = holders(self._session, wanted)

    def take(self, covers: Mapping[tuple[str, str, str], Need]) -> None:
        """Takes the answer to that. `covers`: see `last_covers`."""
        self._covers = covers
        self._holders.update(self._asked())
        growing = [table_of(index) for index in self._in_parts.values() if index.new_partitions]
        below = [partition for table in growing for partition in self._catalogue.below(table)]
        self._sizes.update(sizes(self._session, below))

    def turn(self, index: PgIndex) -> tuple[bool, int]:
        """When it is looked at: what has the name of another table's index after what sets it free."""
        name = (index.schema_name, index.name)
        holder = self._by_name.get(name)
        return holder is not None and holder[0] != table_of(index), -self._queues.get(name, 0)

    def observed(self, index: PgIndex, *, judged: Judged, unread: Unread | None, meant: str) -> ObservedIndex:
        """What is to be seen of one declared index."""
        misread = judged.refused
        if unread is not None and not unread.not_compared:
            misread = misread or f"the server cannot read its definition: {unread.why}"
        key, name = table_of(index), (index.schema_name, index.name)
        claims = self._claims.of(key)
        there = self._catalogue.indexes.get(key, {})
        passing = (temporary_name(index.name, FRESH), temporary_name(index.name, OLD))
        fresh, old = (there.get(each) if each in claims.ours else None for each in passing)
        live = there.get(index.name) if (key, index.name) not in self._claims.renamed else None
        listed, absent = claims.listed, claims.listed_absent
        circle = self._circles.free(name)
        alone = live is None and not circle
        elsewhere = self._elsewhere(index) if alone else None
        reserved = self._reserved(index)
        twin = self._twin(index, index.definition, reserved) if alone and index.definition else None
        sets_free = twin and self._tables_of_names.get((key[0], twin.name), key) != key
        vacates = max(index.vacates, self._queues.get((key[0], index.name), 1) if sets_free else 0)
        if twin:
            claims.take(twin.name)
            self._claims.renamed.add((key, twin.name))
        same = self._same.get((index.address, key, index.name), False)
        table = self._catalogue.tables.get(key)
        cover = self._cover(index, table, live or twin, live, fresh, old, reserved, same=same)
        taken = {} if (live and same) or circle else self._taken(key, passing, claims)
        holder = self._by_name.get(name)
        freed = live or circle or (holder and (holder[0], index.name) in self._claims.renamed)
        placed = (key[0], circle[0].table) if circle else elsewhere[0] if elsewhere else None
        return ObservedIndex.of_known(
            table=table,
            meant=meant,
            live=live,
            same=same,
            misread=misread,
            forbidden=judged.forbidden,
            not_compared=unread.why if unread is not None and unread.not_compared else judged.unasked,
            taken_by="" if freed else self._holders.get(name, ""),
            circle=circle,
            lane=".".join(self._catalogue.tables[placed].root) if placed else "",
            elsewhere=elsewhere[1] if elsewhere else None,
            elsewhere_on=elsewhere[0] if elsewhere else ("", ""),
            elsewhere_parts=self.parts(*elsewhere, index.address) if elsewhere else (),
            vacates=vacates,
            fresh_taken_by=taken.get(passing[0], ""),
            old_taken_by=taken.get(passing[1], ""),
            twin=twin,
            fresh=fresh,
            fresh_same=cover.fresh_same,
            old=old,
            leftovers=tuple(self._left_of(index, cover.parts)) if live else (),
            partitions=cover.parts,
            fresh_partitions=cover.of_fresh,
            identities={
                each.name: tuple(partition_indexes.identities(self._catalogue, key, each.name))
                for each in (live, fresh, old)
                if each is not None and each.partitioned
            },
            needed_by=self._covers.get((*(elsewhere[0] if elsewhere else key), index.name)),
            listed=listed,
            absent=absent,
            reserved=tuple(sorted(reserved)),
            search_path=self._session.search_path,
            role=self._session.acting,
            version_num=self._session.version_num,
            in_recovery=self._session.in_recovery,
        )

    def parts(self, table: TableName, live: LiveIndex, address: Address) -> tuple[PartitionIndex, ...]:
        """What the partitions of `table` have of its index `live`, which nobody declares."""
        if not live.partitioned:
            return ()
        absent = PgIndex(address=address, schema_name=table[0], table=table[1], name=live.name, definition=None)
        return self._trees(index=absent).of(live, None)

    def _cover(
        self,
        index: PgIndex,
        table: TableFacts | None,
        own: LiveIndex | None,
        live: LiveIndex | None,
        fresh: LiveIndex | None,
        old: LiveIndex | None,
        reserved: set[name_exchange.Name],
        *,
        same: bool,
    ) -> _Cover:
        """What its partitions have of it, or of `own`, which becomes it, and of what is to replace it."""
        key, definition = table_of(index), index.definition
        fresh_same = bool(fresh and self._same.get((index.address, key, fresh.name)))
        if not (table and table.relkind == "p" and definition):
            whole = live if live and live.partitioned else None
            return _Cover(self._trees(index=index).of(whole, None) if whole else (), (), fresh_same)
        trees = self._trees(index=index, reserved=reserved)
        of_own = trees.of(own, old) if live is None or same else ()
        settled = (
            same
            and live
            and live.valid
            and not fixed_options(definition, live, has_leaves=has_leaves(of_own))
            and not ordered_otherwise(live, of_own)
            and (self._may_move or not definition.tablespace)
        )
        if fresh and trees.is_stuck(key, fresh, self._session.version_num):
            fresh_same = False
        of_fresh = trees.beside(live, fresh if fresh_same else None) if live and not settled else ()
        for part in (*of_own, *of_fresh):
            place = (part.schema_name, part.table)
            self._claims.parts.update({(place, part.name), (place, part.equal.name if part.equal else part.name)})
            if not (part.attached or part.equal):
                self._chosen.update({(part.schema_name, part.name), (part.schema_name, part.final)})
        return _Cover(of_own, of_fresh, fresh_same)

    def _needs_parts(self, index: PgIndex) -> bool:
        """Whether an index of a partitioned table may have to get partition_indexes."""
        table = self._catalogue.tables.get(table_of(index))
        if table is None or table.relkind != "p" or index.definition is None:
            return False
        live = self._catalogue.indexes.get(table_of(index), {}).get(index.name)
        same = live and self._same.get((index.address, *table_and_name(index)))
        return not (same and live and live.valid and not changed_options(index.definition, live))

    def _elsewhere(self, index: PgIndex) -> tuple[TableName, LiveIndex] | None:
        """The index of its name on another table, where that one is to go: declared absent, or listed by nobody."""
        table, live = self._by_name.get((index.schema_name, index.name), (None, None))
        if index.definition is None or table is None or live is None or (table, live.name) in self._claims.renamed:
            return None
        absent = table in (index.leaves, index.unlisted_on)
        unlisted = table in self._dropping and (*table, live.name) not in self._covers
        if not absent and not (unlisted and live in self.unlisted.of(self._dropping[table])):
            return None
        if live.constraint or live.parent or live.replica_identity or live.builder is not None:
            return None
        if any(partition_indexes.identities(self._catalogue, table, live.name)):
            return None
        self._claims.renamed.add((table, live.name))
        return table, live

    def _reserved(self, index: PgIndex) -> set[name_exchange.Name]:
        """Schema and name of what no part of it may be: what is declared and not there yet, or declared absent, what
        gets a declared name, and parts of other indexes that are to be built."""
        if index.address not in self._in_parts:
            return set()
        candidates = partition_indexes.candidates(self._catalogue, index)
        coming = {place for place in candidates if place in self._claims.named}
        absent, there, renamed = set(), set(), set()
        for table in self._catalogue.below(table_of(index)):
            claims = self._claims.of(table)
            coming |= {(table[0], name) for name in claims.declared}
            absent |= {(table[0], name) for name in claims.absent}
            live = self._catalogue.indexes.get(table, {})
            there |= {(table[0], name) for name in live}
            renamed |= {(table[0], name) for name in live if (table, name) in self._claims.renamed}
        settled = there | {(index.schema_name, index.name)}
        return {*index.reserved, *absent, *(coming - settled), *renamed, *(self._chosen & set(candidates))}

    def _twin(self, index: PgIndex, definition: Definition, reserved: set[name_exchange.Name]) -> LiveIndex | None:
        """An index that nobody declares, or that is declared absent, with exactly this definition, where it may be
        taken. Not one that would stay INVALID under any name."""
        key = table_of(index)
        there = self._catalogue.indexes.get(key, {})
        claims = self._claims.of(key)
        for name in sorted(self._alike.get((index.address, key), ())):
            used = name in claims.declared or name in claims.ours or (key, name) in self._claims.parts
            if used or index.takes not in (None, name):
                continue
            if (key[0], name) in self._circles or changed_options(definition, there[name]) or there[name].parent:
                continue
            if not self._trees(index=index, reserved=reserved).is_stuck(key, there[name]):
                return there[name]
        return None

    def _equal(self, index: PgIndex, table: TableName, live: LiveIndex) -> bool:
        return self._same.get((index.address, table, live.name), False)

    def _taken(self, key: TableName, passing: Iterable[str], claims: OfTable) -> dict[str, str]:
        there = self._catalogue.indexes.get(key, {})
        return {
            name: self._holders[key[0], name]
            for name in passing
            if (key[0], name) in self._holders and not (name in there and name in claims.ours)
        }

    def _left_of(self, index: PgIndex, cover: Sequence[PartitionIndex]) -> Iterator[tuple[str, str]]:
        """What REINDEX CONCURRENTLY of the index, or of its parts, left behind when it was interrupted."""
        attached = [((part.schema_name, part.table), part.attached.name) for part in cover if part.attached]
        for table, name in (table_and_name(index), *attached):
            for other in self._leftovers.of(table, [name]):
                if other not in self._claims.of(table).declared:
                    yield table[0], other
