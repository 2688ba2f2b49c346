"""Errors in the server's own files that are no work of this tool: said once to whoever reads a plan.

With a line of pg_hba.conf that cannot be read a server does not start again, and until then goes by the rules of
before; with one of postgresql.conf it takes up nothing, or all but that line. What waits for a restart is no error.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from reconciler.kinds.pg_setting.provenance import file_name, line
from reconciler.model import Address, Note, Notice, NoticeType
from reconciler.targets.postgres.session import PostgresSession, Query

_DIRECTORY = "select setting from pg_catalog.pg_settings where name operator(pg_catalog.=) 'data_directory'"

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
    queries = [query for view, query in _asked(session.version_num) if view in session.file_views]
    if not queries:
        return []
    directories, *answers = session.fetch_all([(query, None) for query in (_DIRECTORY, *queries)])
    rows = [row for answer in answers for row in answer]
    if not rows:
        return []
    directory = directories[0]["setting"] if directories else None
    said = [f"{line(file_name(row['file'], directory), row['line'])}: {row['error']}" for row in rows]
    message = (
        f"the server's own files have errors, which are nothing that is declared: {'; '.join(dict.fromkeys(said))}"
    )
    return [
        Notice(
            address=Address(session.target.name, kind, "*"),
            type=NoticeType.NOTE,
            note=Note.FILE_ERRORS,
            message=message,
        )
    ]


def _asked(version_num: int) -> Iterator[tuple[str, Query]]:
    """Each view, and the query. Only from 16 on they say which file a line stands in."""
    yield "pg_file_settings", _SETTINGS
    views = {"pg_hba_file_rules": "pg_hba.conf"}
    if version_num >= 150000:
        views["pg_ident_file_mappings"] = "pg_ident.conf"
    for view, file in views.items():
        place = sql.SQL("file_name") if version_num >= 160000 else sql.Literal(file)
        yield view, _RULES.format(file=place, view=sql.Identifier("pg_catalog", view))
