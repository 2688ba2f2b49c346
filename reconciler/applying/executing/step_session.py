"""Sessions that steps run in on PostgreSQL, made ready for the first of them on the round trip that sets them up."""

from __future__ import annotations

from psycopg import sql

from reconciler.model import PostgresTarget, SqlStep
from reconciler.secrets import Secrets
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.opening import FirstWords, open_connection, opened_with

STEP_NAME = "reconciler step"
"""The application_name of a session that runs the steps of an apply."""

_WRITES = {"default_transaction_read_only": "off"}
"""A role or database may default to read-only transactions; what is applied here was approved to write."""

_READY = sql.SQL("""
    select case when {own} then array[
               pg_catalog.set_config('application_name', {name}, false),
               pg_catalog.set_config('lock_timeout', {lock}, false),
               pg_catalog.set_config('statement_timeout', {statement}, false),
               pg_catalog.set_config('search_path', null, false)] end as ready,
           case when {own} and pg_catalog.strpos(pg_catalog.version(), 'linux') operator(pg_catalog.>) 0 then
               array(select pg_catalog.set_config(name, '1s', false) from pg_catalog.pg_settings
                     where name operator(pg_catalog.=) 'client_connection_check_interval') end is not null as watched
""")
"""What `PostgresExecutor` sets before a step; itself, where a system may not be able to watch a connection."""


def opened_for(
    target: PostgresTarget, secrets: Secrets, step: SqlStep | None
) -> tuple[HeardConnection, tuple[str, str] | None]:
    """A connection, and the timeouts of `step` where all is set that it needs. Raises ConnectionFailed."""
    if step is None:
        return open_connection(target, secrets, _WRITES), None
    lock, statement = timeouts = (step.lock_timeout, step.statement_timeout)

    def asked(own: sql.Composable) -> list[sql.Composable]:
        return [_READY.format(own=own, name=STEP_NAME, lock=lock, statement=statement)]

    connection, [[found]] = opened_with(target, secrets, _WRITES, FirstWords(asked))
    return connection, timeouts if found["watched"] else None
