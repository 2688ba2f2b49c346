"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Four round trips at most, however many indexes: the catalogue; what only the server can compare; and, for indexes that
are missing or different, whether the server understands their declarations and what holds the names they need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index import partitions
from reconciler.kinds.pg_index.compare import (
    IN_PLACE,
    REINDEX_MOVES,
    Question,
    answers,
    changed_options,
    problems,
    question,
    same_shape,
)
from reconciler.kinds.pg_index.foreign_keys import last_covers
from reconciler.kinds.pg_index.model import (
    LONGEST_NAME,
    AnyObserved,
    Definition,
    LiveIndex,
    ObservedIndex,
    ObservedUnlisted,
    PartitionIndex,
    PgIndex,
    UnlistedIndexes,
)
from reconciler.kinds.pg_index.read import Catalogue, Holders, TableName, holders, locked_by, read
from reconciler.kinds.pg_index.statements import FRESH, OLD, temporary_name
from reconciler.model import Address
from reconciler.targets.postgres import PostgresSession

Same = dict[tuple[Address, TableName, str], bool]
"""Whether an index (its table, its name) has the definition that is declared under an address."""

_REINDEX_LEFTOVER = re.compile(r"(?P<cut>.+)_cc(?:new|old)\d*\Z", re.DOTALL)


LOCK_NOT_AVAILABLE = "55P03"


def observe(session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]) -> dict[Address, AnyObserved]:
    """Everything that `plan` needs, by address. Raises TargetError.

    PostgreSQL reads no definition on a table that somebody holds as a whole. Such tables are waited for as long as the
    session waits for any lock, and then left out: the others can still be looked at.
    """
    try:
        return _observe(session, wanted)
    except ObservationFailed as error:
        if error.sqlstate != LOCK_NOT_AVAILABLE:
            raise
        locked = {table: who for table in {_table(each) for each in wanted} if (who := locked_by(session, table))}
        if not locked:
            raise
    observed = _observe(session, [each for each in wanted if _table(each) not in locked])
    for each in wanted:
        if who := locked.get(_table(each), ""):
            kind = ObservedIndex if isinstance(each, PgIndex) else ObservedUnlisted
            observed[each.address] = kind(table=None, locked_by=who, role=session.role)
    return observed


def _observe(session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]) -> dict[Address, AnyObserved]:
    indexes = [resource for resource in wanted if isinstance(resource, PgIndex)]
    unlisted = [resource for resource in wanted if isinstance(resource, UnlistedIndexes)]
    catalogue = read(
        session,
        (_table(resource) for resource in wanted),
        [(index.schema_name, index.name) for index in indexes],
    )
    same, unread = _same(session, catalogue, indexes)
    different = [
        index
        for index in indexes
        if index.definition and _table(index) in catalogue.tables and not same.get((index.address, *_own(index)))
    ]
    misread = dict(
        zip(
            (index.address for index in different),
            problems(session, [(i.schema_name, i.table, i.definition) for i in different if i.definition]),
            strict=True,
        )
    )
    seen = _Seen(session, catalogue, same, indexes)
    going = {_own(index) for index in indexes if index.definition is None}
    going |= {(_table(each), live.name) for each in unlisted if each.policy == "drop" for live in seen.unlisted(each)}
    covers = last_covers(session, catalogue, going)
    seen.ask(different)

    observed: dict[Address, AnyObserved] = {}
    for index in sorted(
        indexes, key=lambda each: each.definition is None
    ):  # what is renamed is not there to be dropped
        observed[index.address] = seen.index(
            index,
            misread=misread.get(index.address) or unread.get(index.address, ""),
            needed_by=covers.get((*_table(index), index.name), ""),
        )
    for resource in unlisted:
        found = tuple(seen.unlisted(resource))
        observed[resource.address] = ObservedUnlisted(
            table=catalogue.tables.get(_table(resource)),
            indexes=found,
            needed_by={
                live.name: covers[(*_table(resource), live.name)]
                for live in found
                if (*_table(resource), live.name) in covers
            },
            role=session.role,
            in_recovery=session.in_recovery,
        )
    return observed


def _table(resource: PgIndex | UnlistedIndexes) -> TableName:
    return (resource.schema_name, resource.table)


def _own(index: PgIndex) -> tuple[TableName, str]:
    return (_table(index), index.name)


class _Seen:
    """The catalogue, as each declared index sees it: which indexes are its own, and which names are free for it."""

    def __init__(self, session: PostgresSession, catalogue: Catalogue, same: Same, indexes: Sequence[PgIndex]) -> None:
        self._session = session
        self._catalogue = catalogue
        self._same = same
        self._holders: Holders = dict(catalogue.holders)
        self._in_parts = [index for index in indexes if self._needs_parts(index)]
        self._declared: dict[TableName, set[str]] = {}
        self._absent: dict[TableName, set[str]] = {}
        for index in indexes:
            declared = self._declared.setdefault(_table(index), set())
            absent = self._absent.setdefault(_table(index), set())
            declared.update(index.listed)
            absent.update(index.absent)
            (declared if index.definition else absent).add(index.name)
        self._ours: dict[TableName, set[str]] = {}
        for key, declared in self._declared.items():
            known = declared | self._absent[key]
            self._ours[key] = {temporary_name(name, end) for name in known for end in (FRESH, OLD)} - known
        self._renamed: set[tuple[TableName, str]] = set()
        self._parts: set[tuple[TableName, str]] = set()
        """Indexes of partitions that an index of their partitioned table has use for."""

    def ask(self, different: Sequence[PgIndex]) -> None:
        """Asks what holds the names that changes will need in between. One query."""
        names = [(index.schema_name, temporary_name(index.name, end)) for index in different for end in (FRESH, OLD)]
        for index in self._in_parts:
            names += partitions.candidates(self._catalogue, index)
        self._holders |= holders(self._session, names)

    def _needs_parts(self, index: PgIndex) -> bool:
        """Whether an index of a partitioned table may have to get parts."""
        table = self._catalogue.tables.get(_table(index))
        if table is None or table.relkind != "p" or index.definition is None:
            return False
        live = self._catalogue.indexes.get(_table(index), {}).get(index.name)
        same = live and self._same.get((index.address, *_own(index))) and not changed_options(index.definition, live)
        return not (same and live and live.valid)

    def index(self, index: PgIndex, *, misread: str, needed_by: str) -> ObservedIndex:
        """What is to be seen of one declared index."""
        key = _table(index)
        table = self._catalogue.tables.get(key)
        there = self._catalogue.indexes.get(key, {})
        ours = self._ours[key]
        fresh_name, old_name = (temporary_name(index.name, end) for end in (FRESH, OLD))
        fresh, old = (there.get(name) if name in ours else None for name in (fresh_name, old_name))
        live = there.get(index.name)
        if (key, index.name) in self._renamed:
            live = None
        listed, absent = (tuple(sorted(names[key])) for names in (self._declared, self._absent))
        twin = self._twin(index, index.definition) if live is None and index.definition else None
        if twin:
            self._declared[key].add(twin.name)  # neither another's twin, nor unlisted
            self._renamed.add((key, twin.name))
        same = self._same.get((index.address, key, index.name), False)
        covering: tuple[tuple[PartitionIndex, ...], tuple[PartitionIndex, ...]] = ((), ())
        if table and table.relkind == "p" and index.definition:
            may_move = self._session.version_num >= REINDEX_MOVES
            trees = partitions.Trees(self._catalogue, self._holders, index, self._equal, may_move)
            definition = index.definition
            settled = (
                same
                and live
                and live.valid
                and not changed_options(definition, live) - IN_PLACE
                and (may_move or not definition.tablespace)
            )
            covering = (
                trees.of(live or twin, old) if live is None or same else (),
                trees.beside(live, fresh) if live and not settled else (),
            )
            self._parts.update(
                ((part.schema_name, part.table), name)
                for part in (*covering[0], *covering[1])
                for name in (part.name, part.equal.name if part.equal else part.name)
            )
        taken = {} if live and same else self._taken(key, (fresh_name, old_name), ours)
        return ObservedIndex.model_construct(
            table=table,
            live=live,
            same=same,
            misread=misread,
            taken_by="" if live else self._holders.get((index.schema_name, index.name), ""),
            fresh_taken_by=taken.get(fresh_name, ""),
            old_taken_by=taken.get(old_name, ""),
            twin=twin,
            fresh=fresh,
            fresh_same=bool(fresh and self._same.get((index.address, key, fresh.name))),
            old=old,
            leftovers=tuple(self._leftovers(index, covering[0])) if live else (),
            partitions=covering[0],
            fresh_partitions=covering[1],
            needed_by=needed_by,
            listed=listed,
            absent=absent,
            search_path=self._session.search_path,
            role=self._session.role,
            version_num=self._session.version_num,
            in_recovery=self._session.in_recovery,
        )

    def unlisted(self, resource: UnlistedIndexes) -> Iterator[LiveIndex]:
        """The indexes of a table that nobody declares, and that are nobody's part or leftover."""
        key = _table(resource)
        known = {
            *resource.listed, *self._declared.get(key, ()), *self._absent.get(key, ()), *self._ours.get(key, ()),
        }  # fmt: skip
        cut = {_cut(name) for name in known}
        for name, live in sorted(self._catalogue.indexes.get(key, {}).items()):
            if name in known or live.constraint or live.parent or (key, name) in self._renamed | self._parts:
                continue
            found = _REINDEX_LEFTOVER.match(name)
            if live.valid or live.builder is not None or not (found and _cut(found["cut"]) in cut):
                yield live

    def _twin(self, index: PgIndex, definition: Definition) -> LiveIndex | None:
        """An index that nobody declares, or that is declared absent, with exactly this definition."""
        key = _table(index)
        there = self._catalogue.indexes.get(key, {})
        taken = self._declared[key] | self._ours[key]
        twins = (
            there[name]
            for name in sorted(there.keys() - taken)
            if self._same.get((index.address, key, name))
            and not changed_options(definition, there[name])
            and not there[name].parent
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
        places = [(_table(index), index.name)] + [
            ((part.schema_name, part.table), part.attached.name) for part in covering if part.attached
        ]
        for key, name in places:
            for other, live in sorted(self._catalogue.indexes.get(key, {}).items()):
                if live.valid or live.builder is not None or live.parent or other in self._declared.get(key, ()):
                    continue
                found = _REINDEX_LEFTOVER.match(other)
                if found and _cut(found["cut"]) == _cut(name):
                    yield key[0], other


def _cut(name: str) -> bytes:
    """As much of a name as REINDEX CONCURRENTLY keeps before `_ccnew` and a digit or two."""
    return name.encode()[: LONGEST_NAME - len("_ccnew99")]


def _same(
    session: PostgresSession, catalogue: Catalogue, indexes: Sequence[PgIndex]
) -> tuple[Same, dict[Address, str]]:
    """Which live indexes have a declared definition; and where the index of the declared name cannot be compared, why.

    The one of the declared name is looked at first; only where that one is missing or different can it matter that
    another has the definition, on the table itself or on one of its partitions.
    """
    same: Same = {}
    unread: dict[Address, str] = {}

    def compare(
        asked_for: Iterable[tuple[PgIndex, Definition, TableName, LiveIndex]], reasons: dict[Address, str]
    ) -> None:
        asked: list[tuple[tuple[Address, TableName, str], Question]] = []
        for index, definition, table, live in asked_for:
            key = (index.address, table, live.name)
            if not same_shape(definition, live):
                same[key] = False
            elif doubt := question(definition, live, *table):
                asked.append((key, doubt))
            else:
                same[key] = True
        for (key, _), answer in zip(asked, answers(session, [doubt for _, doubt in asked]), strict=True):
            same[key] = answer is True
            if isinstance(answer, str):
                reasons[key[0]] = answer

    compare(
        (
            (index, index.definition, _table(index), live)
            for index in indexes
            if index.definition and (live := catalogue.indexes.get(_table(index), {}).get(index.name))
        ),
        unread,
    )
    others = [
        (index, index.definition, table, live)
        for index in indexes
        if index.definition
        for table in _places(catalogue, index, found=bool(same.get((index.address, *_own(index)))))
        for name, live in catalogue.indexes.get(table, {}).items()
        if (table, name) != _own(index) and (live.valid or live.partitioned) and not (live.constraint or live.parent)
    ]
    compare(others, {})  # what cannot be read is nobody's twin
    return same, unread


def _places(catalogue: Catalogue, index: PgIndex, *, found: bool) -> list[TableName]:
    """The tables on which another index of the same definition would matter."""
    below = catalogue.below(_table(index))
    return below if found else [_table(index), *below]
