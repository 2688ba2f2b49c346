"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Four round trips at most, however many indexes: the catalogue; what only the server can compare; and, for indexes that
are missing or different, whether the server understands their declarations and what holds the names they need.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.compare import Unread, problems
from reconciler.kinds.pg_index.foreign_keys import last_covers
from reconciler.kinds.pg_index.model import (
    AnyObserved,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    UnlistedIndexes,
)
from reconciler.kinds.pg_index.read import locked, read
from reconciler.kinds.pg_index.sameness import compared
from reconciler.kinds.pg_index.seen import Seen, own, table_of
from reconciler.kinds.pg_index.syntax import reached
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
    same, unread = compared(session, catalogue, indexes)
    different = [
        index
        for index in indexes
        if index.definition and table_of(index) in catalogue.tables and not same.get((index.address, *own(index)))
    ]
    for index in different:
        texts = index.definition.expressions if index.definition else ()
        if why := next(filter(None, (catalogue.foreign.in_text(reached(text)) for text in texts)), ""):
            unread[index.address] = Unread(why, foreign=True)
    misread = dict(
        zip(
            (index.address for index in different),
            problems(
                session,
                [(i.schema_name, i.table, i.definition) for i in different if i.definition],
                catalogue.foreign,
            ),
            strict=True,
        )
    )
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
            misread=misread.get(index.address, ""),
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
