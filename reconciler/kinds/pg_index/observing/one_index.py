"""The catalogue as each declared index sees it: which indexes are its own, which are whose, which names are free.

Decided: docs/decisions.md#the-search_path-of-a-plan
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reconciler.kinds.pg_index.acceptance.refusals import Judged
from reconciler.kinds.pg_index.changes.part_by_part import has_leaves, ordered_otherwise
from reconciler.kinds.pg_index.changes.statements import FRESH, OLD, temporary_name
from reconciler.kinds.pg_index.comparison.compare import REINDEX_MOVES, Unread, changed_options, fixed_options
from reconciler.kinds.pg_index.model import LONGEST_NAME, Definition, PgIndex, TableName, UnlistedIndexes
from reconciler.kinds.pg_index.observed import LiveIndex, Need, ObservedIndex, PartitionIndex, Renamed
from reconciler.kinds.pg_index.observing import names
from reconciler.kinds.pg_index.observing import parts as partitions
from reconciler.kinds.pg_index.observing.names import Same
from reconciler.kinds.pg_index.observing.read import Catalogue, Holders, holders
from reconciler.kinds.pg_index.observing.sizes import Sizes, sizes
from reconciler.model import Address
from reconciler.targets.postgres.session import PostgresSession

_REINDEX_LEFTOVER = re.compile(r"(?P<cut>.+)_cc(?:new|old)\d*\Z", re.DOTALL)


def table_of(resource: PgIndex | UnlistedIndexes) -> TableName:
    """Schema and name of the table that a resource is about."""
    return (resource.schema_name, resource.table)


def own(index: PgIndex) -> tuple[TableName, str]:
    """The table and the name of a declared index."""
    return (table_of(index), index.name)


class Seen:
    """The catalogue, as each declared index sees it: which indexes are its own, and which names are free for it."""

    def __init__(
        self,
        session: PostgresSession,
        catalogue: Catalogue,
        same: Same,
        indexes: Sequence[PgIndex],
        rules: Sequence[UnlistedIndexes],
    ) -> None:
        self._session = session
        self._dropping = {table_of(rule): rule for rule in rules if rule.policy == "drop"}
        self._names = {(i.schema_name, i.name): table_of(i) for i in indexes if i.definition}
        """The tables of which an index of each name is declared."""
        self._by_name = names.holders_by_name(catalogue)
        self._queues = names.queues(catalogue, same, indexes)
        self._circles = names.circles(catalogue, same, indexes)
        self._catalogue = catalogue
        self._same = same
        self._holders: Holders = dict(catalogue.holders)
        self._sizes: Sizes = {}
        self._in_parts = [index for index in indexes if self._needs_parts(index)]
        self._declared: dict[TableName, set[str]] = {}
        self._absent: dict[TableName, set[str]] = {}
        for index in indexes:
            declared = self._declared.setdefault(table_of(index), set())
            absent = self._absent.setdefault(table_of(index), set())
            declared.update(index.listed)
            absent.update(index.absent)
            (declared if index.definition else absent).add(index.name)
        self._ours: dict[TableName, set[str]] = {}
        for key, declared in self._declared.items():
            known = declared | self._absent[key]
            self._ours[key] = {temporary_name(name, end) for name in known for end in (FRESH, OLD)} - known
        self._covers: Mapping[tuple[str, str, str], Need] = {}
        self._named = {(index.schema_name, index.name) for index in indexes}
        self._chosen: set[tuple[str, str]] = set()
        """Schema and name of parts that are still to be built."""
        self._alike: dict[tuple[Address, TableName], list[str]] = {}
        for address, table, name in same:
            self._alike.setdefault((address, table), []).append(name)
        self._left: dict[TableName, dict[bytes, list[str]]] = {}
        self._renamed: set[tuple[TableName, str]] = set()
        """Indexes that the change of a declared one renames, or drops since it is to have their name."""
        self._parts: set[tuple[TableName, str]] = set()
        """Indexes of partitions that an index of their partitioned table has use for."""

    def ask(self, different: Sequence[PgIndex], covers: Mapping[tuple[str, str, str], Need]) -> None:
        """Asks what holds the names that changes will need in between. One query. `covers`: see `last_covers`."""
        self._covers = covers
        wanted = [(index.schema_name, temporary_name(index.name, end)) for index in different for end in (FRESH, OLD)]
        for index in self._in_parts:
            wanted += partitions.candidates(self._catalogue, index)
        self._holders |= holders(self._session, wanted)
        self._sizes = sizes(
            self._session,
            [
                table
                for index in self._in_parts
                if index.new_partitions
                for table in self._catalogue.below(table_of(index))
            ],
        )

    def _trees(self, index: PgIndex, reserved: Collection[tuple[str, str]] = ()) -> partitions.Trees:
        may_move = self._session.version_num >= REINDEX_MOVES
        return partitions.Trees(
            self._catalogue, self._holders, index, self._equal,
            may_move=may_move, sizes=self._sizes, reserved=reserved,
        )  # fmt: skip

    def _needs_parts(self, index: PgIndex) -> bool:
        """Whether an index of a partitioned table may have to get parts."""
        table = self._catalogue.tables.get(table_of(index))
        if table is None or table.relkind != "p" or index.definition is None:
            return False
        live = self._catalogue.indexes.get(table_of(index), {}).get(index.name)
        same = live and self._same.get((index.address, *own(index))) and not changed_options(index.definition, live)
        return not (same and live and live.valid)

    def turn(self, index: PgIndex) -> tuple[bool, int]:
        """When it is looked at: what has the name of another table's index after what sets it free."""
        name = (index.schema_name, index.name)
        holder = self._by_name.get(name)
        return holder is not None and holder[0] != table_of(index), -self._queues.get(name, 0)

    def index(self, index: PgIndex, *, judged: Judged, unread: Unread | None, meant: str) -> ObservedIndex:
        """What is to be seen of one declared index."""
        misread = judged.refused
        if unread is not None and not unread.not_compared:
            misread = misread or f"the server cannot read its definition: {unread.why}"
        key = table_of(index)
        table = self._catalogue.tables.get(key)
        there = self._catalogue.indexes.get(key, {})
        ours = self._ours[key]
        fresh_name, old_name = (temporary_name(index.name, end) for end in (FRESH, OLD))
        fresh, old = (there.get(name) if name in ours else None for name in (fresh_name, old_name))
        live = there.get(index.name)
        if (key, index.name) in self._renamed:
            live = None
        listed, absent = (tuple(sorted(known[key])) for known in (self._declared, self._absent))
        circle = self._circle(index)
        elsewhere = self._elsewhere(index) if live is None and not circle else None
        reserved = self._reserved(index)
        trees = self._trees(index, reserved)
        alone = live is None and not circle
        twin = self._twin(index, index.definition, trees) if alone and index.definition else None
        sets_free = twin and self._names.get((key[0], twin.name), key) != key
        vacates = max(index.vacates, self._queues.get((key[0], index.name), 1) if sets_free else 0)
        if twin:
            self._declared[key].add(twin.name)  # neither another's twin, nor unlisted
            self._renamed.add((key, twin.name))
        same = self._same.get((index.address, key, index.name), False)
        fresh_same = bool(fresh and self._same.get((index.address, key, fresh.name)))
        covering: tuple[tuple[PartitionIndex, ...], tuple[PartitionIndex, ...]] = ((), ())
        if table and table.relkind == "p" and index.definition:
            may_move = self._session.version_num >= REINDEX_MOVES
            definition = index.definition
            parts = trees.of(live or twin, old) if live is None or same else ()
            settled = (
                same
                and live
                and live.valid
                and not fixed_options(definition, live, has_leaves=has_leaves(parts))
                and not ordered_otherwise(live, parts)
                and (may_move or not definition.tablespace)
            )
            if fresh and trees.is_stuck(key, fresh, self._session.version_num):
                fresh_same = False
            covering = (
                parts,
                trees.beside(live, fresh if fresh_same else None) if live and not settled else (),
            )
            self._parts.update(
                ((part.schema_name, part.table), name)
                for part in (*covering[0], *covering[1])
                for name in (part.name, part.equal.name if part.equal else part.name)
            )
            self._chosen.update(
                (part.schema_name, name)
                for part in (*covering[0], *covering[1])
                if not (part.attached or part.equal)
                for name in (part.name, part.final)
            )
        elif live and live.partitioned:
            covering = (self._trees(index).of(live, None), ())
        taken = {} if (live and same) or circle else self._taken(key, (fresh_name, old_name), ours)
        holder = self._by_name.get((index.schema_name, index.name))
        freed = live or circle or (holder and (holder[0], index.name) in self._renamed)
        placed = (key[0], circle[0].table) if circle else elsewhere[0] if elsewhere else None
        return ObservedIndex.model_construct(
            table=table,
            meant=meant,
            live=live,
            same=same,
            misread=misread,
            forbidden=judged.forbidden,
            not_compared=unread.why if unread is not None and unread.not_compared else judged.unasked,
            taken_by="" if freed else self._holders.get((index.schema_name, index.name), ""),
            circle=circle,
            lane=".".join(self._catalogue.tables[placed].root) if placed else "",
            elsewhere=elsewhere[1] if elsewhere else None,
            elsewhere_on=elsewhere[0] if elsewhere else ("", ""),
            elsewhere_parts=self.parts(*elsewhere, index.address) if elsewhere else (),
            vacates=vacates,
            fresh_taken_by=taken.get(fresh_name, ""),
            old_taken_by=taken.get(old_name, ""),
            twin=twin,
            fresh=fresh,
            fresh_same=fresh_same,
            old=old,
            leftovers=tuple(self._leftovers(index, covering[0])) if live else (),
            partitions=covering[0],
            fresh_partitions=covering[1],
            identities={
                each.name: tuple(partitions.identities(self._catalogue, key, each.name))
                for each in (live, fresh, old)
                if each is not None and each.partitioned
            },
            needed_by=self._covers.get((*(elsewhere[0] if elsewhere else key), index.name)),
            listed=listed,
            absent=absent,
            reserved=tuple(sorted(reserved)),
            search_path=self._session.search_path,
            role=self._session.role,
            version_num=self._session.version_num,
            in_recovery=self._session.in_recovery,
        )

    def _circle(self, index: PgIndex) -> tuple[Renamed, ...]:
        """The circle of names that it is in."""
        return self._free_circle((index.schema_name, index.name))

    def _free_circle(self, name: names.Name) -> tuple[Renamed, ...]:
        """The circle that a name (and its schema) is in, where the names are free that the members need in between."""
        found = self._circles.get(name, ())
        passing = (temporary_name(each.name, end) for each in found for end in (FRESH, OLD))
        return () if any((name[0], each) in self._holders for each in passing) else found

    def _is_exchanged(self, table: TableName, name: str) -> bool:
        """Whether an index of `table` gets the name of another one, which gets its own."""
        return any((table[0], each.table) == table and each.was == name for each in self._free_circle((table[0], name)))

    def _elsewhere(self, index: PgIndex) -> tuple[TableName, LiveIndex] | None:
        """The index of its name on another table, where that one is to go: declared absent, or listed by nobody."""
        table, live = self._by_name.get((index.schema_name, index.name), (None, None))
        if index.definition is None or table is None or live is None or (table, live.name) in self._renamed:
            return None
        absent = table in (index.leaves, index.unlisted_on)
        unlisted = table in self._dropping and (*table, live.name) not in self._covers
        if not absent and not (unlisted and live in self.unlisted(self._dropping[table])):
            return None
        if live.constraint or live.parent or live.replica_identity or live.builder is not None:
            return None
        if any(partitions.identities(self._catalogue, table, live.name)):
            return None
        self._renamed.add((table, live.name))
        return table, live

    def unlisted(self, resource: UnlistedIndexes) -> Iterator[LiveIndex]:
        """The indexes of a table that nobody declares, and that are nobody's part or leftover."""
        key = table_of(resource)
        known = {
            *resource.listed, *self._declared.get(key, ()), *self._absent.get(key, ()), *self._ours.get(key, ()),
        }  # fmt: skip
        cut = {_cut(name) for name in known}
        for name, live in sorted(self._catalogue.indexes.get(key, {}).items()):
            if name in known or live.constraint or live.replica_identity or live.parent:
                continue
            if any(partitions.identities(self._catalogue, key, name)):
                continue
            if (key, name) in self._renamed or (key, name) in self._parts or self._is_exchanged(key, name):
                continue
            found = _REINDEX_LEFTOVER.match(name)
            if live.valid or live.builder is not None or not (found and _cut(found["cut"]) in cut):
                yield live

    def parts(self, table: TableName, live: LiveIndex, address: Address) -> tuple[PartitionIndex, ...]:
        """What the partitions of `table` have of its index `live`, which nobody declares."""
        if not live.partitioned:
            return ()
        absent = PgIndex(address=address, schema_name=table[0], table=table[1], name=live.name, definition=None)
        return self._trees(absent).of(live, None)

    def _reserved(self, index: PgIndex) -> set[tuple[str, str]]:
        """Schema and name of what no part of it may be: what is declared and not there yet, or declared absent, what
        gets a declared name, and parts of other indexes that are to be built."""
        if not self._needs_parts(index):
            return set()
        below = self._catalogue.below(table_of(index))
        coming = {place for place in partitions.candidates(self._catalogue, index) if place in self._named}
        for table in below:
            coming |= {(table[0], name) for name in self._declared.get(table, ())}
        absent = {(table[0], name) for table in below for name in self._absent.get(table, ())}
        there = {(table[0], name) for table in below for name in self._catalogue.indexes.get(table, ())}
        renamed = {(table[0], name) for table in below for name in self._names_renamed(table)}
        chosen = self._chosen & set(partitions.candidates(self._catalogue, index))
        settled = there | {(index.schema_name, index.name)}
        return {*index.reserved, *absent, *(coming - settled), *renamed, *chosen}

    def _names_renamed(self, table: TableName) -> Iterator[str]:
        return (name for name in self._catalogue.indexes.get(table, ()) if (table, name) in self._renamed)

    def _twin(self, index: PgIndex, definition: Definition, trees: partitions.Trees) -> LiveIndex | None:
        """An index that nobody declares, or that is declared absent, with exactly this definition. Not one that would
        stay INVALID under any name."""
        key = table_of(index)
        there = self._catalogue.indexes.get(key, {})
        twins = (
            there[name]
            for name in sorted(self._alike.get((index.address, key), ()))
            if not (name in self._declared[key] or name in self._ours[key] or (key, name) in self._parts)
            and (key[0], name) not in self._circles
            and not changed_options(definition, there[name])
            and not there[name].parent
            and not trees.is_stuck(key, there[name])
        )
        return next(twins, None)

    def _equal(self, index: PgIndex, table: TableName, live: LiveIndex) -> bool:
        return self._same.get((index.address, table, live.name), False)

    def _taken(self, key: TableName, names: Iterable[str], ours: set[str]) -> dict[str, str]:
        there = self._catalogue.indexes.get(key, {})
        return {
            name: self._holders[key[0], name]
            for name in names
            if (key[0], name) in self._holders and not (name in there and name in ours)
        }

    def _leftovers(self, index: PgIndex, covering: Sequence[PartitionIndex]) -> Iterator[tuple[str, str]]:
        """What REINDEX CONCURRENTLY of the index, or of its parts, left behind when it was interrupted."""
        places = [(table_of(index), index.name)] + [
            ((part.schema_name, part.table), part.attached.name) for part in covering if part.attached
        ]
        for key, name in places:
            for other in self._leftovers_on(key).get(_cut(name), ()):
                if other not in self._declared.get(key, ()):
                    yield key[0], other

    def _leftovers_on(self, table: TableName) -> Mapping[bytes, Sequence[str]]:
        """The INVALID indexes of a table that are called as what REINDEX CONCURRENTLY leaves, by what is left in their
        names of the index that they were to replace."""
        found = self._left.get(table)
        if found is None:
            found = self._left[table] = {}
            for name, live in sorted(self._catalogue.indexes.get(table, {}).items()):
                leftover = _REINDEX_LEFTOVER.match(name)
                if leftover and not (live.valid or live.builder is not None or live.parent):
                    found.setdefault(_cut(leftover["cut"]), []).append(name)
        return found


def _cut(name: str) -> bytes:
    """As much of a name as REINDEX CONCURRENTLY keeps before `_ccnew` and a digit or two."""
    return name.encode()[: LONGEST_NAME - len("_ccnew99")]
