"""The queries that really run, as pg_stat_statements has them, and what there is to judge them with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg import sql

from reconciler.kinds.pg_index.advice.whatif.statements import NotJudged, Statement, read_statement
from reconciler.targets.postgres import PostgresSession

MOST_STATEMENTS = 50
"""To a table, those that took the most time in all: the others hardly matter, and each takes time to plan."""

HIDDEN = "<insufficient privilege>"
"""What pg_stat_statements shows instead of a statement of another role."""

OURS = "with indexed as (select % repeated as materialized (%"
"""Our own search for duplicates, which reads the table before every unique index (`duplicates.py`): nobody's query."""

_TOOLS = """
    select e.extname as name, n.nspname as schema, e.extversion as version,
           exists (select from pg_catalog.pg_proc p
                   where p.pronamespace = n.oid and p.proname = 'hypopg_hide_index') as hides
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname in ('hypopg', 'pg_stat_statements')
"""

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

# The planner runs functions that are not volatile where it knows their arguments. Those of other roles are not run for
# them here, unless a superuser made them: a plan is often made by a role that may more than theirs, and a read-only
# transaction does not stop everything. What the planner meets without a name in the query: views, defaults.
_CODE = """
    with code as (
        select p.oid, p.proname
        from pg_catalog.pg_proc p
        join pg_catalog.pg_language l on l.oid = p.prolang
        join pg_catalog.pg_roles r on r.oid = p.proowner
        where p.provolatile <> 'v' and l.lanname not in ('internal', 'c')
          and not r.rolsuper and r.rolname <> current_user
    )
    select code.proname as name from code
    union select o.oprname from pg_catalog.pg_operator o join code on code.oid = o.oprcode
    union select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema') and exists (select from code)
"""

OTHERS_CODE = "it may run functions of other roles while it is planned"

Name = tuple[str, str]


class Tools(NamedTuple):
    """Where the extensions are: their schemas, empty for one that is not installed in this database.

    `hides`: this HypoPG can also hide indexes that exist (1.4).
    """

    statements: str = ""
    hypopg: str = ""
    hypopg_version: str = ""
    hides: bool = False


class OfTable(NamedTuple):
    """The queries on one table, those that took the most time in all first; `unusable` are reasons, one a query."""

    usable: tuple[Statement, ...] = ()
    unusable: tuple[str, ...] = ()


class Workload(NamedTuple):
    """Queries by table. `hidden`: some are there that this role may not see."""

    tables: Mapping[Name, OfTable]
    hidden: bool

    def of(self, table: Name) -> OfTable:
        """The queries on `table` (schema, name)."""
        return self.tables.get(table, OfTable())


def read_tools(session: PostgresSession) -> Tools:
    """What is installed in this database. Raises ObservationFailed, ConnectionFailed."""
    found = {row["name"]: row for row in session.fetch(_TOOLS)}
    hypopg = found.get("hypopg", {"schema": "", "version": "", "hides": False})
    statements = found.get("pg_stat_statements", {"schema": ""})
    return Tools(statements["schema"], hypopg["schema"], hypopg["version"], hypopg["hides"])


def read_workload(session: PostgresSession, tools: Tools, tables: Iterable[Name]) -> Workload:
    """The queries on `tables`. Raises ObservationFailed where pg_stat_statements cannot be read, ConnectionFailed."""
    wanted = sorted(set(tables))
    params = {
        "schemas": [schema for schema, _ in wanted],
        "names": [name for _, name in wanted],
        "limit": MOST_STATEMENTS,
        "hidden": HIDDEN,
        "ours": OURS,
    }
    query = sql.SQL(_STATEMENTS).format(sql.Identifier(tools.statements))
    rows, code = session.fetch_all([(query, params), (_CODE, None)])
    foreign = frozenset(row["name"] for row in code)
    found: dict[Name, tuple[list[Statement], list[str]]] = {}
    for row in rows:
        if row["name"] is not None:
            table = (row["schema"], row["name"])
            _sort(row["query"], row["calls"], table, foreign, session, *found.setdefault(table, ([], [])))
    of_tables = {table: OfTable(tuple(usable), tuple(unusable)) for table, (usable, unusable) in found.items()}
    return Workload(of_tables, hidden=any(row["name"] is None for row in rows))


def _sort(
    text: str,
    calls: int,
    table: Name,
    foreign: frozenset[str],
    session: PostgresSession,
    usable: list[Statement],
    unusable: list[str],
) -> None:
    try:
        statement = read_statement(text, calls, hide_numbers=session.target.hide_values)
    except NotJudged as reason:
        unusable.append(str(reason))
        return
    if statement is None or not statement.is_about(*table):
        return
    if foreign and (statement.writes_rows or foreign & statement.names):
        unusable.append(OTHERS_CODE)
    else:
        usable.append(statement)
