"""The queries on tables, as pg_stat_statements has them: those that took the most time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg import sql

from reconciler.insight.candidate import Name
from reconciler.insight.workload.extensions import Extensions
from reconciler.insight.workload.statement import NotJudged, Statement, read_statement
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.read_only_functions import not_reading
from reconciler.targets.postgres.session import PostgresSession

MOST_STATEMENTS = 50
"""To a table, those that took the most time in all: the others hardly matter, and each takes time to plan."""

HIDDEN = "<insufficient privilege>"
"""What pg_stat_statements shows instead of a statement of another role."""

OURS = "with indexed as (select % repeated as materialized (%"
"""Our own search for keys that occur more than once, before a unique index is built: nobody's query."""

_STATEMENTS = """
    with said as materialized (
        select s.query, pg_catalog.sum(s.calls)::pg_catalog.int8 as calls,
               pg_catalog.sum(s.total_exec_time)::pg_catalog.float8 as ms
        from {}.pg_stat_statements s
        where s.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
        group by s.query
    )
    select wanted.schema, wanted.name, found.query, found.calls
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(names)s::pg_catalog.text[])) as wanted (schema, name)
    cross join lateral (
        select said.query, said.calls, said.ms from said
        where position(pg_catalog.lower(wanted.name) in pg_catalog.lower(said.query)) > 0
          and said.query ~* '^\\s*(--|/\\*|\\(|with|select|insert|update|delete|merge|table|values)'
          and said.query not like %(ours)s
        order by said.ms desc limit %(limit)s
    ) found
    union all
    select null, null, said.query, said.calls from said where said.query = %(hidden)s
"""


class OfTable(NamedTuple):
    """The queries on one table, those that took the most time in all first; `unusable` are reasons, one a query."""

    usable: tuple[Statement, ...] = ()
    unusable: tuple[str, ...] = ()


class Workload(NamedTuple):
    """Queries by table. `hidden`: some are there that this role may not see; `code`: whose they were found to reach."""

    tables: Mapping[Name, OfTable]
    hidden: bool
    code: ForeignCode

    def of(self, table: Name) -> OfTable:
        """The queries on `table` (schema, name)."""
        return self.tables.get(table, OfTable())


def read_workload(session: PostgresSession, extensions: Extensions, tables: Iterable[Name]) -> Workload:
    """The queries on `tables`. Raises ObservationFailed where pg_stat_statements cannot be read, ConnectionFailed.

    The planner runs functions that are not volatile where it knows their arguments. A query that may run code of
    strangers so, or a function that does more than reading, is not usable.
    """
    wanted = sorted(set(tables))
    params = {
        "schemas": [schema for schema, _ in wanted],
        "names": [name for _, name in wanted],
        "limit": MOST_STATEMENTS,
        "hidden": HIDDEN,
        "ours": OURS,
    }
    rows = session.fetch(sql.SQL(_STATEMENTS).format(sql.Identifier(extensions.statements)), params)
    found: dict[Name, list[Statement]] = {}
    unusable: dict[Name, list[str]] = {}
    for row in rows:
        if row["name"] is not None:
            table = (row["schema"], row["name"])
            try:
                statement = read_statement(row["query"], row["calls"], hide_numbers=session.target.hide_values)
            except NotJudged as reason:
                unusable.setdefault(table, []).append(str(reason))
                continue
            if statement is not None and statement.is_about(*table):
                found.setdefault(table, []).append(statement)
    # A bare name is looked for beside the table, too.
    reached = [statement.reached for statements in found.values() for statement in statements]
    writes = any(statement.writes_rows for statements in found.values() for statement in statements)
    question = Question.of(session, reached, wanted, beside={schema for schema, _ in wanted}, defaults=writes)
    foreign = ForeignCode(question, session.fetch_all(question.queries) if reached else ())
    usable: dict[Name, list[Statement]] = {}
    for table, statements in found.items():
        for statement in statements:
            why = foreign.in_statement(statement.reached) or not_reading(statement.reached, foreign, own=True)
            if why:
                unusable.setdefault(table, []).append(why)
            else:
                usable.setdefault(table, []).append(statement)
    of_tables = {
        table: OfTable(tuple(usable.get(table, ())), tuple(unusable.get(table, ())))
        for table in usable.keys() | unusable.keys()
    }
    return Workload(of_tables, any(row["name"] is None for row in rows), foreign)
