"""Errors in the server's own files that are no work of this tool: said once to whoever reads a plan.

With a line of pg_hba.conf that cannot be read a server does not start again, and until then goes by the rules of
before; with one of postgresql.conf it takes up nothing, or all but that line. What waits for a restart is no error.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from reconciler.kinds.pg_setting.provenance import file_name, line
from reconciler.model import Address, Notice, NoticeType
from reconciler.targets.postgres.session import PostgresSession, Query

_MAY = """
    select pg_catalog.has_table_privilege(view, 'select')
           and pg_catalog.has_function_privilege(function, 'execute') as may,
           (select setting from pg_catalog.pg_settings where name = 'data_directory') as directory
    from rows from (pg_catalog.unnest(%(views)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(functions)s::pg_catalog.text[]))
         with ordinality as asked (view, function, number)
    order by number
"""

_SETTINGS = sql.SQL("""
    select sourcefile as file, sourceline as line, error
    from pg_catalog.pg_file_settings f
    where error is not null and sourcefile is not null
          and not exists (select from pg_catalog.pg_settings s
                          where pg_catalog.lower(s.name) operator(pg_catalog.=) pg_catalog.lower(f.name)
                                and s.pending_restart)
    order by seqno
""")

_RULES = sql.SQL("""
    select {file} as file, line_number as line, error from {view} where error is not null order by 1, 2
""")


def errors(session: PostgresSession, kind: str) -> list[Notice]:
    """A notice of them all; none where there is none, or this role may not look. Raises TargetError."""
    asked = list(_asked(session.version_num))
    params = {"views": [view for view, _, _ in asked], "functions": [function for _, function, _ in asked]}
    may = session.fetch(_MAY, params)
    queries = [query for (_, _, query), row in zip(asked, may, strict=True) if row["may"]]
    rows = [row for found in session.fetch_all([(query, None) for query in queries]) for row in found]
    if not rows:
        return []
    directory = may[0]["directory"]
    said = [f"{line(file_name(row['file'], directory), row['line'])}: {row['error']}" for row in rows]
    message = (
        f"the server's own files have errors, which are nothing that is declared: {'; '.join(dict.fromkeys(said))}"
    )
    return [Notice(address=Address(session.target.name, kind, "*"), type=NoticeType.NOTE, message=message)]


def _asked(version_num: int) -> Iterator[tuple[str, str, Query]]:
    """Each view, the function behind it, and the query. Only from 16 on they say which file a line stands in."""
    yield "pg_catalog.pg_file_settings", "pg_catalog.pg_show_all_file_settings()", _SETTINGS
    views = {"pg_hba_file_rules": "pg_hba.conf"}
    if version_num >= 150000:
        views["pg_ident_file_mappings"] = "pg_ident.conf"
    for view, file in views.items():
        place = sql.SQL("file_name") if version_num >= 160000 else sql.Literal(file)
        yield (
            f"pg_catalog.{view}",
            f"pg_catalog.{view}()",
            _RULES.format(file=place, view=sql.Identifier("pg_catalog", view)),
        )
