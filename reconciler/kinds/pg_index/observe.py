"""What a database shows of all declared indexes, compared with their declarations by the server itself.

Three round trips at most, however many indexes: the catalogue; what only the server can compare; and, for indexes
that are missing or different, whether the server understands their declarations and how wide their columns are.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.compare import Question, answers, problems, question, same_shape
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
    for resource in wanted:
        key = (resource.schema_name, resource.table)
        table = catalogue.tables.get(key)
        there = catalogue.indexes.get(key, {})
        if isinstance(resource, UnlistedIndexes):
            ours = {temporary_name(name, end) for name in resource.listed for end in (FRESH, OLD)}
            unlisted = [
                live
                for name, live in sorted(there.items())
                if name not in resource.listed and name not in ours and not live.constraint
            ]
            observed[resource.address] = ObservedUnlisted(table=table, indexes=tuple(unlisted))
            continue
        fresh = there.get(temporary_name(resource.name, FRESH))
        live = there.get(resource.name)
        twins = [
            name
            for name in sorted(there)
            if name not in declared[key] and name != resource.name and same.get((resource.address, name))
        ]
        observed[resource.address] = ObservedIndex(
            table=table,
            live=live,
            same=same.get((resource.address, resource.name), False),
            misread=misread.get(resource.address) or unread.get(resource.address, ""),
            taken_by="" if live else catalogue.holders.get((resource.schema_name, resource.name), ""),
            twin=next((name for name in twins if not fresh or name != fresh.name), ""),
            fresh=fresh,
            fresh_same=bool(fresh and same.get((resource.address, fresh.name))),
            old=there.get(temporary_name(resource.name, OLD)),
            bytes=index_bytes(resource.definition, table, columns.get(key, {}))
            if table and resource.definition and resource.address in misread
            else None,
            listed=tuple(sorted(declared[key])),
            version_num=session.version_num,
            in_recovery=session.in_recovery,
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
