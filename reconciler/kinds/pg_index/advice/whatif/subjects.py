"""What a what-if is about: the indexes that a plan's statements build or drop, as they stand in its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.kinds.pg_index.advice.whatif.workload import TOOLS, Tools, tools_of
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

Name = tuple[str, str]


class Subject(NamedTuple):
    """An index that comes or one that goes.

    create       CREATE INDEX as HypoPG takes it; empty of one that goes.
    built        its statement in the parse tree; None of one that goes.
    index_oid    of one that goes; None of one that comes.
    """

    table: Name
    create: str = ""
    built: Any = None
    index_name: str = ""
    index_oid: int | None = None


def subjects(session: PostgresSession, outcomes: Sequence[Outcome]) -> tuple[dict[Address, Subject], Tools]:
    """What can be judged among `outcomes`, by address; and what there is to judge it with.

    Left out: what builds nothing, partitioned tables, for which there are no hypothetical indexes, and indexes that no
    query can use anyway. Raises ObservationFailed, ConnectionFailed.
    """
    comes = [
        (change, index, index.definition, statement)
        for change, index in _indexes(outcomes, _BUILDS)
        if index.definition
        for statement in _built(change)
    ]
    goes = list(_indexes(outcomes, frozenset({Action.DELETE})))
    if not comes and not goes:
        return {}, Tools()
    names = {(index.schema_name, index.table) for _, index, _, _ in comes}
    names |= {name for _, index in goes for name in ((index.schema_name, index.table), (index.schema_name, index.name))}
    there, tools = _relations(session, sorted(names))
    found: dict[Address, Subject] = {}
    for change, index, definition, statement in comes:
        table = (index.schema_name, index.table)
        if there.get(table, {}).get("relkind") in ("r", "m"):
            found[change.address] = Subject(table, hypothetical(*table, definition), statement)
    for change, index in goes:
        live = there.get((index.schema_name, index.name), {})
        if live.get("relkind") == "i" and live["valid"]:
            found[change.address] = Subject((index.schema_name, index.table), "", None, index.name, live["oid"])
    return found, tools


def _indexes(outcomes: Sequence[Outcome], actions: frozenset[Action]) -> Iterator[tuple[Change, PgIndex]]:
    for outcome in outcomes:
        if isinstance(outcome, Change) and outcome.action in actions:
            yield outcome, PgIndex.model_validate(dict(outcome.desired))


def _built(change: Change) -> list[Any]:
    """The CREATE INDEX of `change` in the parse tree, where it has exactly one: several are those of partitions."""
    found = []
    for step in change.steps:
        for statement in step.statements if isinstance(step, SqlStep) else ():
            try:
                parsed = parse(statement)
            except SyntaxProblem:
                return []  # newer than the parser
            found += [raw.stmt.index_stmt for raw in parsed.stmts if raw.stmt.WhichOneof("node") == "index_stmt"]
    return found if len(found) == 1 else []


def _relations(session: PostgresSession, names: Sequence[Name]) -> tuple[dict[Name, Mapping[str, Any]], Tools]:
    by_name = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
    relations, tools = session.fetch_all([(_RELATIONS, by_name), (TOOLS, by_name)])
    return {(row["schema"], row["name"]): row for row in relations}, tools_of(tools)
