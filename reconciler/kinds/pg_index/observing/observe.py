"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Four round trips as a rule, however many indexes: the catalogue; what only the server can compare; and, for indexes that
are missing or different, how the server reads their declarations, together with what holds the names they need; and
what its catalogue has against them.

Decided: docs/decisions.md#what-is-not-compared
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.kinds.pg_index.acceptance.refusals import Judged, judge
from reconciler.kinds.pg_index.acceptance.types_and_immutability import Asked
from reconciler.kinds.pg_index.changes.obstacles import BUILDABLE, CORRUPTING
from reconciler.kinds.pg_index.changes.swapped_names import with_swapped
from reconciler.kinds.pg_index.comparison.compare import Unread, changed_options
from reconciler.kinds.pg_index.model import (
    Declared,
    Definition,
    PgIndex,
    TableName,
    UnlistedEverywhere,
    UnlistedIndexes,
    full_name,
    table_and_name,
    table_of,
)
from reconciler.kinds.pg_index.observed import (
    AnyObserved,
    LiveIndex,
    ObservedEverywhere,
    ObservedIndex,
    ObservedUnlisted,
)
from reconciler.kinds.pg_index.observing.by_declared_index import CatalogueView
from reconciler.kinds.pg_index.observing.catalogue import Catalogue, read
from reconciler.kinds.pg_index.observing.last_serving_indexes import last_covers, may_leave
from reconciler.kinds.pg_index.observing.locked_or_slow_tables import read_without
from reconciler.kinds.pg_index.observing.matching import compared
from reconciler.kinds.pg_index.observing.mistyped_tables import meant
from reconciler.kinds.pg_index.observing.name_exchange import Same
from reconciler.kinds.pg_index.unlisted_rules import tables_of
from reconciler.model import Address
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.session import PostgresSession


def observe(session: PostgresSession, wanted: Sequence[Declared]) -> dict[Address, AnyObserved]:
    """Everything that `plan` needs, by address. Raises TargetError."""
    named: list[PgIndex | UnlistedIndexes] = []
    further: dict[Address, list[UnlistedIndexes]] = {}
    for each in wanted:
        if isinstance(each, UnlistedEverywhere):
            further[each.address] = tables_of(session, each)
            named += further[each.address]
        else:
            named.append(each)
    observed = _observe_tables(session, named)
    for address, tables in further.items():
        seen = [(table, observed.pop(table.address)) for table in tables]
        observed[address] = ObservedEverywhere(
            tables=tuple((table, found) for table, found in seen if isinstance(found, ObservedUnlisted))
        )
    return observed


def _observe_tables(
    session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]
) -> dict[Address, AnyObserved]:
    """The same of indexes and tables that are named, whatever of them can be read."""
    places = {each.address: _tables(each) if isinstance(each, PgIndex) else [table_of(each)] for each in wanted}

    def seen(left_out: Collection[TableName]) -> dict[Address, AnyObserved]:
        return _observe(session, [each for each in wanted if not any(map(left_out.__contains__, places[each.address]))])

    observed, hidden = read_without(session, (table for tables in places.values() for table in tables), seen)
    for each in wanted:
        for table in filter(hidden.__contains__, places[each.address]):
            kind = ObservedIndex if isinstance(each, PgIndex) else ObservedUnlisted
            observed[each.address] = kind(
                table=None, hidden=f"{full_name(*table)} {hidden[table]}", role=session.acting
            )
    return observed


def _observe(session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]) -> dict[Address, AnyObserved]:
    indexes = with_swapped([resource for resource in wanted if isinstance(resource, PgIndex)])
    unlisted = [resource for resource in wanted if isinstance(resource, UnlistedIndexes)]
    catalogue = read(
        session,
        [*(table for index in indexes for table in _tables(index)), *map(table_of, unlisted)],
        [(index.schema_name, index.name) for index in indexes],
        (text for index in indexes if index.definition for text in index.definition.expressions),
    )
    same, unread = compared(session, catalogue, indexes)
    different = [
        index
        for index in indexes
        if index.definition
        and table_of(index) in catalogue.tables
        and not same.get((index.address, *table_and_name(index)))
    ]
    for index in different:
        texts = index.definition.expressions if index.definition else ()
        if why := next(filter(None, (catalogue.foreign.in_text(reached(text)) for text in texts)), ""):
            unread[index.address] = Unread(why, not_compared=True)
    view = CatalogueView(session, catalogue, same, indexes, unlisted)
    view.ask(different)
    judged = _judged(session, catalogue, indexes, different, same)
    going = {table_and_name(index) for index in indexes if index.definition is None}
    going |= {(table, index.name) for index in indexes for table in _tables(index) if table != table_of(index)}
    going |= {
        (table_of(each), live.name) for each in unlisted if each.policy == "drop" for live in view.unlisted.of(each)
    }
    coming: dict[TableName, list[Definition]] = {}
    for index in different:
        live = catalogue.indexes.get(table_of(index), {}).get(index.name)
        if (
            index.definition
            and not judged[index.address].refused
            and index.address not in unread
            and _will_be(index, live, catalogue, session)
        ):
            coming.setdefault(table_of(index), []).append(index.definition)
            if live and may_leave(live, index.definition):
                going.add(table_and_name(index))
    covers = last_covers(session, catalogue, going, coming)
    view.take(covers)
    declared = {table_of(index) for index in indexes if index.definition}
    instead = meant(session, declared - catalogue.tables.keys())

    observed: dict[Address, AnyObserved] = {}
    # Last those whose names another index has, and those declared absent: what is renamed by then is out of the way.
    for index in sorted(indexes, key=lambda each: (each.definition is None, *view.turn(each))):
        observed[index.address] = view.observed(
            index,
            judged=judged.get(index.address, Judged()),
            unread=unread.get(index.address),
            meant=instead.get(table_of(index), ""),
        )
    for resource in unlisted:
        found = tuple(view.unlisted.of(resource))
        places = [table_of(resource), *catalogue.below(table_of(resource))]
        observed[resource.address] = ObservedUnlisted(
            table=catalogue.tables.get(table_of(resource)),
            indexes=found,
            needed_by={
                live.name: covers[(*table_of(resource), live.name)]
                for live in found
                if (*table_of(resource), live.name) in covers
            },
            toast_leftovers=tuple(
                name
                for table in places
                if table in catalogue.tables
                for name in catalogue.tables[table].toast_leftovers
            ),
            partitions={live.name: view.parts(table_of(resource), live, resource.address) for live in found},
            role=session.acting,
            in_recovery=session.in_recovery,
        )
    return observed


def _will_be(index: PgIndex, live: LiveIndex | None, catalogue: Catalogue, session: PostgresSession) -> bool:
    """Whether a plan of it has steps, as far as it is seen here: nothing may go for an index that will be blocked."""
    table = catalogue.tables.get(table_of(index))
    free = live is not None or (index.schema_name, index.name) not in catalogue.holders
    at_work = live is not None and live.builder is not None
    built = session.version_num not in CORRUPTING and not session.in_recovery
    return table is not None and table.relkind in BUILDABLE and free and built and not at_work


def _tables(index: PgIndex) -> list[TableName]:
    """Its table, and another that has an index of its name, which is to go."""
    return [table_of(index), *((other[0], other[1]) for other in (index.leaves, index.unlisted_on) if other)]


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
    return dict(zip(asked, judge(session, list(asked.values()), catalogue.foreign, catalogue.made), strict=True))


def _amended(definition: Definition, live: LiveIndex) -> bool:
    return bool(changed_options(definition, live)) or definition.tablespace not in ("", live.tablespace)
