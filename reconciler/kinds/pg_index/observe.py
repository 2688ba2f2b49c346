"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Three round trips at most, however many indexes: the catalogue; what only the server can compare; and, for indexes
that are missing or different, whether the server understands their declarations and how wide their columns are.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.compare import Question, answers, changed_options, problems, question, same_shape
from reconciler.kinds.pg_index.estimate import index_bytes, widths
from reconciler.kinds.pg_index.model import (
    AnyObserved,
    Definition,
    LiveIndex,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    UnlistedIndexes,
)
from reconciler.kinds.pg_index.read import Catalogue, read
from reconciler.kinds.pg_index.statements import FRESH, OLD, temporary_name
from reconciler.model import Address
from reconciler.targets.postgres import PostgresSession


def observe(session: PostgresSession, wanted: Sequence[PgIndex | UnlistedIndexes]) -> dict[Address, AnyObserved]:
    """Everything that `plan` needs, by address."""
    indexes = [resource for resource in wanted if isinstance(resource, PgIndex)]
    catalogue = read(
        session,
        ((resource.schema_name, resource.table) for resource in wanted),
        [(index.schema_name, index.name) for index in indexes],
    )
    same, unread = _same(session, catalogue, indexes)
    missing = [index for index in indexes if index.definition and not same.get((index.address, index.name))]
    readable = [index for index in missing if (index.schema_name, index.table) in catalogue.tables]
    misread = dict(
        zip(
            (index.address for index in readable),
            problems(session, [(i.schema_name, i.table, i.definition) for i in readable if i.definition]),
            strict=True,
        )
    )
    columns = widths(session, ((index.schema_name, index.table) for index in readable))

    observed: dict[Address, AnyObserved] = {}
    declared: dict[tuple[str, str], set[str]] = {}
    for index in indexes:
        declared.setdefault((index.schema_name, index.table), set()).update((index.name, *index.listed))
    ours = {
        key: {temporary_name(name, end) for name in names for end in (FRESH, OLD)} - names
        for key, names in declared.items()
    }
    for index in indexes:
        key = (index.schema_name, index.table)
        table = catalogue.tables.get(key)
        there = catalogue.indexes.get(key, {})
        mine = {end: there.get(temporary_name(index.name, end)) for end in (FRESH, OLD)}
        fresh, old = (live if live and live.name in ours[key] else None for live in mine.values())
        live = there.get(index.name)
        twin = ""
        if live is None and index.definition:
            twins = (
                name
                for name in sorted(there.keys() - declared[key] - ours[key])
                if same.get((index.address, name)) and not changed_options(index.definition, there[name])
            )
            twin = next(twins, "")
        observed[index.address] = ObservedIndex(
            table=table,
            live=live,
            same=same.get((index.address, index.name), False),
            misread=misread.get(index.address) or unread.get(index.address, ""),
            taken_by="" if live else catalogue.holders.get((index.schema_name, index.name), ""),
            twin=twin,
            fresh=fresh,
            fresh_same=bool(fresh and same.get((index.address, fresh.name))),
            old=old,
            bytes=index_bytes(index.definition, table, columns.get(key, {}))
            if table and index.definition and index.address in misread
            else None,
            listed=tuple(sorted(declared[key])),
            role=session.role,
            version_num=session.version_num,
            in_recovery=session.in_recovery,
        )
        if twin:
            declared[key].add(twin)  # it is spoken for: neither another's twin, nor unlisted
    for resource in wanted:
        if isinstance(resource, UnlistedIndexes):
            key = (resource.schema_name, resource.table)
            spoken_for = {*resource.listed, *declared.get(key, ()), *ours.get(key, ())}
            unlisted = (
                live
                for name, live in sorted(catalogue.indexes.get(key, {}).items())
                if name not in spoken_for and not live.constraint
            )
            observed[resource.address] = ObservedUnlisted(
                table=catalogue.tables.get(key), indexes=tuple(unlisted), role=session.role
            )
    return observed


def _same(
    session: PostgresSession, catalogue: Catalogue, indexes: Sequence[PgIndex]
) -> tuple[dict[tuple[Address, str], bool], dict[Address, str]]:
    """Which live indexes have a declared definition, by address and name of the live index; and where the index of
    the declared name cannot be compared, why.

    The one of the declared name is looked at first; only where that one is missing or different can it matter that
    another has the definition.
    """
    same: dict[tuple[Address, str], bool] = {}
    unread: dict[Address, str] = {}

    def compare(pairs: Sequence[tuple[PgIndex, Definition, LiveIndex]], reasons: dict[Address, str]) -> None:
        asked: list[tuple[tuple[Address, str], Question]] = []
        for index, definition, live in pairs:
            key = (index.address, live.name)
            if not same_shape(definition, live):
                same[key] = False
            elif doubt := question(definition, live, index.schema_name, index.table):
                asked.append((key, doubt))
            else:
                same[key] = True
        for (key, _), answer in zip(asked, answers(session, [doubt for _, doubt in asked]), strict=True):
            same[key] = answer is True
            if isinstance(answer, str):
                reasons[key[0]] = answer

    own, others = [], []
    for index in indexes:
        live = catalogue.indexes.get((index.schema_name, index.table), {}).get(index.name)
        if index.definition and live:
            own.append((index, index.definition, live))
    compare(own, unread)
    for index in indexes:
        if index.definition and not same.get((index.address, index.name)):
            there = catalogue.indexes.get((index.schema_name, index.table), {})
            others += [
                (index, index.definition, live)
                for name, live in there.items()
                if name != index.name and live.valid and not live.constraint
            ]
    compare(others, {})  # what cannot be read is nobody's twin
    return same, unread
