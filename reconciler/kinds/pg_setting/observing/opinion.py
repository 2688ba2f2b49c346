"""What the server itself makes of a text, or has against it: nothing is changed for that."""

from __future__ import annotations

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.targets.postgres.server_messages import UNPRIVILEGED
from reconciler.targets.postgres.session import PostgresSession

NO_MOMENTS = frozenset({"epoch", "-infinity", "infinity", "now", "today", "tomorrow", "yesterday"})
"""What a timestamptz may be, and recovery_target_time not."""


def by_server(session: PostgresSession, name: str, text: str) -> tuple[str | None, str]:
    """How the server reads `text` for a setting that a session may SET, and what it said if it refused.

    The value is local to a transaction that writes nothing and ends at once. (None, "") where the role may not SET it.
    """
    if name == "client_encoding":  # set, it would change what this very session is read by
        query = sql.SQL("select pg_catalog.pg_encoding_to_char(pg_catalog.pg_char_to_encoding(%(text)s)) as value")
        encoding: str = session.fetch(query, {"text": text})[0]["value"]
        return (encoding, "") if encoding else (None, "it is not the name of an encoding")
    if name == "recovery_target_time":
        return _moment(session, text)
    query = sql.SQL("select pg_catalog.set_config(%(name)s, %(text)s, true) as value")
    try:
        return session.fetch(query, {"name": name, "text": text})[0]["value"], ""
    except ObservationFailed as error:
        if error.sqlstate == UNPRIVILEGED:
            return None, ""
        return None, error.said


def _moment(session: PostgresSession, text: str) -> tuple[str | None, str]:
    """As `by_server`, of a moment, which no session may SET: it stays as it is written."""
    if text.strip().lower() in NO_MOMENTS:
        return None, "it is a moment that is written out"
    try:
        session.fetch(sql.SQL("select %(text)s::pg_catalog.timestamptz"), {"text": text})
    except ObservationFailed as error:
        return None, error.said
    return text, ""
