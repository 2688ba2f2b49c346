"""What a what-if is about: the indexes that a plan's statements build or drop, as they stand in its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


There = tuple[dict[Name, Mapping[str, Any]], Extensions]
"""Tables and indexes that there are, and what there is to judge by."""


def ask(session: PostgresSession, outcomes: Sequence[Outcome]) -> Callable[[], There]:
    """Asks for all that `outcomes` may be about, beside whatever is asked next. What is returned tells it, and raises
    ObservationFailed, ConnectionFailed."""
    names = {(index.schema_name, index.table) for _, index in _indexes(outcomes, _BUILDS)}
    for _, index in _indexes(outcomes, frozenset({Action.DELETE})):
        names |= {(index.schema_name, index.table), (index.schema_name, index.name)}
    if not names:
        return lambda: ({}, Extensions())
    in_order = sorted(names)
    by_name = {"schemas": [schema for schema, _ in in_order], "names": [name for _, name in in_order]}
    relations, installed = session.beside(_RELATIONS, by_name), session.beside(INSTALLED, by_name)

    def there() -> There:
        found: dict[Name, Mapping[str, Any]] = {(row["schema"], row["name"]): row for row in session.answer(relations)}
        return found, extensions_of(session.answer(installed))

    return there


def subjects(
    outcomes: Sequence[Outcome], there: Callable[[], There]
) -> tuple[dict[Address, NewIndex | GoingIndex], Extensions]:
    """What can be judged among `outcomes`, by address; and what there is to judge it with, of what is `there`.

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
    relations, extensions = there()
    found: dict[Address, NewIndex | GoingIndex] = {}
    for change, index, definition in comes:
        table = (index.schema_name, index.table)
        if relations.get(table, {}).get("relkind") in ("r", "m"):
            found[change.address] = NewIndex(table, hypothetical(*table, definition))
    for change, index in goes:
        live = relations.get((index.schema_name, index.name), {})
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
