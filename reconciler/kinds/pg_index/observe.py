"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Five round trips as a rule, however many indexes: the catalogue; what only the server can compare; and, for indexes that
are missing or different, how the server reads their declarations, what its catalogue has against them, and what holds
the names they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.acceptance import Judged, judge
from reconciler.kinds.pg_index.compare import Question, Unread, answers, changed_options, question, same_shape
from reconciler.kinds.pg_index.foreign_keys import last_covers
from reconciler.kinds.pg_index.model import (
    AnyObserved,
    Definition,
    LiveIndex,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    UnlistedIndexes,
)
from reconciler.kinds.pg_index.read import Catalogue, TableName, locked, read
from reconciler.kinds.pg_index.seen import Same, Seen, own, table_of
from reconciler.kinds.pg_index.syntax import reached
from reconciler.kinds.pg_index.trial import Asked
from reconciler.model import Address
from reconciler.targets.postgres import PostgresSession

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
        held = locked(session, (table_of(each) for each in wanted))
        if not held:
            raise
    observed = _observe(session, [each for each in wanted if table_of(each) not in held])
    for each in wanted:
        if who := held.get(table_of(each), ""):
            kind = ObservedIndex if isinstance(each, PgIndex) else ObservedUnlisted
            observed[each.address] = kind(table=None, locked_by=who, role=session.role)
    return observed


def _observe(session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]) -> dict[Address, AnyObserved]:
    indexes = [resource for resource in wanted if isinstance(resource, PgIndex)]
    unlisted = [resource for resource in wanted if isinstance(resource, UnlistedIndexes)]
    catalogue = read(
        session,
        (table_of(resource) for resource in wanted),
        [(index.schema_name, index.name) for index in indexes],
        (text for index in indexes if index.definition for text in index.definition.expressions),
    )
    same, unread = _same(session, catalogue, indexes)
    different = [
        index
        for index in indexes
        if index.definition and table_of(index) in catalogue.tables and not same.get((index.address, *own(index)))
    ]
    for index in different:
        texts = index.definition.expressions if index.definition else ()
        if why := next(filter(None, (catalogue.foreign.in_text(reached(text)) for text in texts)), ""):
            unread[index.address] = Unread(why, foreign=True)
    judged = _judged(session, catalogue, indexes, different, same)
    seen = Seen(session, catalogue, same, indexes)
    going = {own(index) for index in indexes if index.definition is None}
    going |= {(table_of(each), live.name) for each in unlisted if each.policy == "drop" for live in seen.unlisted(each)}
    covers = last_covers(session, catalogue, going)
    seen.ask(different)

    observed: dict[Address, AnyObserved] = {}
    # Those declared absent last: what has been renamed by then is not there to be dropped.
    for index in sorted(indexes, key=lambda each: each.definition is None):
        observed[index.address] = seen.index(
            index,
            judged=judged.get(index.address, Judged()),
            unread=unread.get(index.address),
            needed_by=covers.get((*table_of(index), index.name), ""),
        )
    for resource in unlisted:
        found = tuple(seen.unlisted(resource))
        observed[resource.address] = ObservedUnlisted(
            table=catalogue.tables.get(table_of(resource)),
            indexes=found,
            needed_by={
                live.name: covers[(*table_of(resource), live.name)]
                for live in found
                if (*table_of(resource), live.name) in covers
            },
            role=session.role,
            in_recovery=session.in_recovery,
        )
    return observed


def _judged(
    session: PostgresSession,
    catalogue: Catalogue,
    indexes: Sequence[PgIndex],
    different: Sequence[PgIndex],
    same: Same,
) -> dict[Address, Judged]:
    """What speaks against what would be built, or changed in place. Nothing is asked about what is in sync."""
    building = {index.address for index in different}
    asked = {}
    for index in indexes:
        live = catalogue.indexes.get(table_of(index), {}).get(index.name)
        if index.definition is None or not (index.address in building or (live and _amended(index.definition, live))):
            continue
        in_place = index.address not in building
        asked[index.address] = Asked(index.schema_name, index.table, index.definition, in_place)
    return dict(zip(asked, judge(session, list(asked.values()), catalogue.foreign), strict=True))


def _amended(definition: Definition, live: LiveIndex) -> bool:
    return bool(changed_options(definition, live)) or definition.tablespace not in ("", live.tablespace)


def _same(
    session: PostgresSession, catalogue: Catalogue, indexes: Sequence[PgIndex]
) -> tuple[Same, dict[Address, Unread]]:
    """Which live indexes have a declared definition; and where the index of the declared name cannot be compared, why.

    The one of the declared name is looked at first; only where that one is missing or different can it matter that
    another has the definition, on the table itself or on one of its partitions.
    """
    same: Same = {}
    unread: dict[Address, Unread] = {}

    def compare(
        asked_for: Iterable[tuple[PgIndex, Definition, TableName, LiveIndex]], reasons: dict[Address, Unread]
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
        found = answers(session, [doubt for _, doubt in asked], catalogue.foreign)
        for (key, _), answer in zip(asked, found, strict=True):
            same[key] = answer is True
            if isinstance(answer, Unread):
                reasons[key[0]] = answer

    compare(
        (
            (index, index.definition, table_of(index), live)
            for index in indexes
            if index.definition and (live := catalogue.indexes.get(table_of(index), {}).get(index.name))
        ),
        unread,
    )
    others = [
        (index, index.definition, table, live)
        for index in indexes
        if index.definition
        for table in _places(catalogue, index, found=bool(same.get((index.address, *own(index)))))
        for name, live in catalogue.indexes.get(table, {}).items()
        if (table, name) != own(index) and (live.valid or live.partitioned) and not (live.constraint or live.parent)
    ]
    compare(others, {})  # what cannot be read is nobody's twin
    return same, unread


def _places(catalogue: Catalogue, index: PgIndex, *, found: bool) -> list[TableName]:
    """The tables on which another index of the same definition would matter."""
    below = catalogue.below(table_of(index))
    return below if found else [table_of(index), *below]
