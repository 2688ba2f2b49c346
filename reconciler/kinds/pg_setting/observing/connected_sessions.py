"""Who is connected to a server, who streams from it, and what kinds of connections its rules speak of."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from reconciler.targets.postgres.session import PostgresSession, Row

QUERY = sql.SQL("""
    select (select pg_catalog.count(*) from pg_catalog.pg_stat_activity
            where pid <> pg_catalog.pg_backend_pid()
                  and (backend_type = 'client backend' or backend_type is null)) as sessions,
           (select pg_catalog.count(*) from pg_catalog.pg_stat_replication) as senders,
           array(select application_name::pg_catalog.text from pg_catalog.pg_stat_replication
                 where state = 'streaming') as streaming,
           pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees_streaming,
           pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'select')
           and pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') as sees_rules
""")
"""From a role that may not read all statistics, what a session does is kept, and what kind of process it is: each is
counted then."""

_RULES = sql.SQL("select distinct type from pg_catalog.pg_hba_file_rules where type is not null")


def connected(session: PostgresSession, row: Row, declared: frozenset[str]) -> Mapping[str, object]:
    """What `Around` has of it, by the answer to QUERY. A round trip where TLS is among the `declared` names.

    Raises ObservationFailed, ConnectionFailed.
    """
    rules = session.fetch(_RULES) if "ssl" in declared and row["sees_rules"] else []
    return {
        "sessions": row["sessions"],
        "senders": row["senders"],
        "streaming": tuple(row["streaming"]) if row["sees_streaming"] else None,
        "let_in": frozenset(rule["type"] for rule in rules),
    }
