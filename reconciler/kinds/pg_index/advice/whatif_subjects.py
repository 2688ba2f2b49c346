"""What a what-if is about: the indexes that a plan's statements build or drop, as they stand in its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.insight.candidate import Name
from reconciler.insight.whatif.effects import GoingIndex, NewIndex
from reconciler.insight.workload.extensions import INSTALLED, Extensions, extensions_of
from reconciler.kinds.pg_index.changes.statements import hypothetical
from reconciler.kinds.pg_index.model import PgIndex
from reconciler.model import Action, Address, Change, Outcome, SqlStep
from reconciler.targets.postgres.session import PostgresSession
from reconciler.targets.sql_tree import SyntaxProblem, parse

_BUILDS = frozenset({Action.CREATE, Action.REPLACE, Action.REBUILD})

_RELATIONS = """
    select wanted.schema, wanted.name, c.oid::pg_catalog.int8 as oid, c.relkind::pg_catalog.text as relkind,
           coalesce(x.indisvalid and x.indisready, true) as valid
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(names)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    left join pg_catalog.pg_index x on x.indexrelid = c.oid
"""


def subjects(
    session: PostgresSession, outcomes: Sequence[Outcome]
) -> tuple[dict[Address, NewIndex | GoingIndex], Extensions]:
    """What can be judged among `outcomes`, by address; and what there is to judge it with.

    Left out: what builds nothing, partitioned tables, for which there are no hypothetical indexes, and indexes that no
    query can use anyway. Raises ObservationFailed, ConnectionFailed.
    """
    comes = [
        (change, index, index.definition)
        for change, index in _indexes(outcomes, _BUILDS)
        if index.definition and _is_one(change)
    ]
    goes = list(_indexes(outcomes, frozenset({Action.DELETE})))
    if not comes and not goes:
        return {}, Extensions()
    names = {(index.schema_name, index.table) for _, index, _ in comes}
    names |= {name for _, index in goes for name in ((index.schema_name, index.table), (index.schema_name, index.name))}
    there, extensions = _relations(session, sorted(names))
    found: dict[Address, NewIndex | GoingIndex] = {}
    for change, index, definition in comes:
        table = (index.schema_name, index.table)
        if there.get(table, {}).get("relkind") in ("r", "m"):
            found[change.address] = NewIndex(table, hypothetical(*table, definition))
    for change, index in goes:
        live = there.get((index.schema_name, index.name), {})
        if live.get("relkind") == "i" and live["valid"]:
            found[change.address] = GoingIndex((index.schema_name, index.table), index.name, live["oid"])
    return found, extensions


def _indexes(outcomes: Sequence[Outcome], actions: frozenset[Action]) -> Iterator[tuple[Change, PgIndex]]:
    for outcome in outcomes:
        if isinstance(outcome, Change) and outcome.action in actions:
            yield outcome, PgIndex.model_validate(dict(outcome.desired))


def _is_one(change: Change) -> bool:
    """Whether the steps of `change` have exactly one CREATE INDEX: several are those of partitions."""
    found = 0
    for step in change.steps:
        for statement in step.statements if isinstance(step, SqlStep) else ():
            try:
                parsed = parse(statement)
            except SyntaxProblem:
                return False  # newer than the parser
            found += sum(raw.stmt.WhichOneof("node") == "index_stmt" for raw in parsed.stmts)
    return found == 1


def _relations(session: PostgresSession, names: Sequence[Name]) -> tuple[dict[Name, Mapping[str, Any]], Extensions]:
    by_name = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
    relations, extensions = session.fetch_all([(_RELATIONS, by_name), (INSTALLED, by_name)])
    return {(row["schema"], row["name"]): row for row in relations}, extensions_of(extensions)
