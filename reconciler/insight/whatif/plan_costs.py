"""What the planner expects of a statement, with an index and without it. Nothing is executed, nothing stays behind.

The statement is prepared and EXPLAINed with a generic plan, once as things are and once with a hypothetical index
or with an index hidden: all in one read-only transaction, one round trip. Costs are the planner's units.

Decided: docs/decisions.md#what-ifs-that-fail
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import sql

from reconciler.insight.candidate import Name
from reconciler.insight.workload.extensions import Extensions
from reconciler.insight.workload.statement import Statement
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.quoting import verbatim
from reconciler.targets.postgres.session import Asked, PostgresSession, Row

# A generic plan is the one without values: there are none, only parameters. row_security off: an error instead of a
# plan with policies that are not those of the role whose statement it is. Its search_path is not known either: a bare
# name is found on our own, or beside the table.
_BOUNDS = """
    select pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true) as plan_cache_mode,
           pg_catalog.set_config('statement_timeout', '3s', true) as statement_timeout,
           pg_catalog.set_config('lock_timeout', '1s', true) as lock_timeout,
           pg_catalog.set_config('row_security', 'off', true) as row_security,
           pg_catalog.set_config('hypopg.enabled', 'on', true) as hypopg
"""

_PREPARED = ("reconciler_whatif_1", "reconciler_whatif_2")
"""Two names, since a prepared statement may keep its plan, which was made without the index."""


class Costs(NamedTuple):
    """Total cost of the plan before and after; `uses`: the plan after uses the index in question."""

    before: float
    after: float
    uses: bool


def try_create(session: PostgresSession, extensions: Extensions, create: str) -> None:
    """Raises ObservationFailed with HypoPG's reason where it cannot imagine such an index; ConnectionFailed."""
    _ask(session, extensions, [_create(extensions, create), _reset(extensions)])


def with_index(
    session: PostgresSession, extensions: Extensions, code: ForeignCode, statement: Statement, schema: str, create: str
) -> Costs:
    """Without and with the index that `create` would make. Raises ObservationFailed, ConnectionFailed."""
    answers = _compare(session, extensions, code, statement, schema, _create(extensions, create))
    before, made, after = _plan(answers[4]), answers[5][0]["indexname"], _plan(answers[7])
    return Costs(
        before["Total Cost"], after["Total Cost"], made in {node.get("Index Name") for node, _ in _walk(after)}
    )


def without_index(
    session: PostgresSession, extensions: Extensions, code: ForeignCode, statement: Statement, schema: str, oid: int
) -> Costs:
    """With and without an index that exists. Needs `extensions.hides`. Raises ObservationFailed, ConnectionFailed."""
    schema_of_it = sql.Identifier(extensions.hypopg)
    hide = sql.SQL("select {}.hypopg_hide_index(%(oid)s::pg_catalog.oid) as hidden").format(schema_of_it)
    answers = _compare(session, extensions, code, statement, schema, (hide, {"oid": oid}))
    return Costs(_plan(answers[4])["Total Cost"], _plan(answers[7])["Total Cost"], False)


def using(
    session: PostgresSession, code: ForeignCode, statement: Statement, schema: str, table: Name, index: str
) -> float | None:
    """The cost of its plan of today, where that uses `index` of `table`; else None. Raises as the others do."""
    answers = _ask(
        session, Extensions(), [*_bounds(session, code, statement, schema), *_explain(statement, 0), _forget()[0]]
    )
    plan = _plan(answers[4])
    uses = any(node.get("Index Name") == index and where == table for node, where in _walk(plan))
    return float(plan["Total Cost"]) if uses else None


def _compare(
    session: PostgresSession,
    extensions: Extensions,
    code: ForeignCode,
    statement: Statement,
    schema: str,
    change: Asked,
) -> list[list[Row]]:
    """The answers: [4] is the plan as things are, [5] what `change` said, [7] the plan after it."""
    before, after = _explain(statement, 0), _explain(statement, 1)
    asked = [*_bounds(session, code, statement, schema), *before, change, *after, *_forget(), _reset(extensions)]
    return _ask(session, extensions, asked)


def _ask(session: PostgresSession, extensions: Extensions, queries: Sequence[Asked]) -> list[list[Row]]:
    # Neither is undone by a rollback.
    left = [*_forget(), *([_reset(extensions)] if extensions.hypopg else [])]
    return session.fetch_all(queries, on_failure=left)


def _bounds(session: PostgresSession, code: ForeignCode, statement: Statement, schema: str) -> list[Asked]:
    quoted = schema.replace('"', '""')
    path = ", ".join(filter(None, [session.own_path, f'"{quoted}"']))
    return [(_BOUNDS, None), *code.about([statement.reached]).with_path(path)]


def _explain(statement: Statement, which: int) -> list[Asked]:
    name = sql.Identifier(_PREPARED[which])
    nulls = sql.SQL(", ").join([sql.NULL] * statement.parameters)
    given = sql.SQL("({})").format(nulls) if statement.parameters else sql.SQL("")
    return [
        (sql.SQL("prepare {} as {}").format(name, verbatim(statement.text)), None),
        (sql.SQL("explain (format json, verbose) execute {}{}").format(name, given), None),
    ]


def _create(extensions: Extensions, create: str) -> Asked:
    query = sql.SQL("select indexname from {}.hypopg_create_index(%(create)s)").format(
        sql.Identifier(extensions.hypopg)
    )
    return query, {"create": create}


def _reset(extensions: Extensions) -> Asked:
    schema = sql.Identifier(extensions.hypopg)
    unhide = sql.SQL(", {}.hypopg_unhide_all_indexes() as unhidden").format(schema) if extensions.hides else sql.SQL("")
    return sql.SQL("select {}.hypopg_reset() as reset{}").format(schema, unhide), None


def _forget() -> list[Asked]:
    return [(sql.SQL("deallocate {}").format(sql.Identifier(name)), None) for name in _PREPARED]


def _plan(rows: list[Row]) -> dict[str, Any]:
    plan: dict[str, Any] = rows[0]["QUERY PLAN"][0]["Plan"]
    return plan


def _walk(plan: dict[str, Any], where: Name = ("", "")) -> Iterator[tuple[dict[str, Any], Name]]:
    """Every node with the table that it reads; a bitmap's parts read that of the node above them."""
    if "Relation Name" in plan:
        where = (plan.get("Schema", ""), plan["Relation Name"])
    yield plan, where
    for part in plan.get("Plans", ()):
        yield from _walk(part, where)
