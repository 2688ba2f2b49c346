"""Sessions to PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import System, Target, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets.postgres_hosts import refuse_hosts
from reconciler.targets.url import refuse_unescaped

OLDEST_SUPPORTED = 130000
"""PostgreSQL 13: the oldest version that the comparison of definitions was seen to work on."""

CONNECT_TIMEOUT = 10
"""Seconds. Long enough for a distant server with TLS, short enough for a person who waits."""

READING_SETTINGS = {
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "default_transaction_read_only": "on",
    "jit": "off",
}
"""Of a read-only session: no query of ours takes near a minute, and none should wait for a lock of somebody else's.
Neither is an answer that long on its way to us, inside of a transaction, wherever we are.

Compiling is never worth it for queries of the catalogue, whose costs the planner overestimates: seen on Debian's 15,
reading the indexes of one table took 6 s with jit and 0.07 s without.
"""

SAME_FOR_ALL = {"extra_float_digits": "1", "standard_conforming_strings": "on"}
"""Of every session of ours: how constants are read and printed must not depend on a role's own settings."""

SESSION_LIMITS = ("idle_session_timeout", "transaction_timeout")
"""Off in every session of ours, where the server has them (14, 17): a session of ours waits while we think, which takes
longer on a busy machine, and builds indexes. Each of its statements has a time limit of its own."""

Query = LiteralString | sql.SQL | sql.Composed
Row = dict[str, Any]

_IDENTIFY = """
    select current_setting('server_version_num')::int as version_num,
           current_setting('server_version') as version,
           current_database() as database,
           current_user as role,
           pg_is_in_recovery() as in_recovery,
           current_schemas(false)::text[] as search_path,
           (array_remove(current_schemas(true), pg_my_temp_schema()::regnamespace::name))[1] = 'pg_catalog'
               as pg_catalog_first,
           has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may_identify,
           has_function_privilege('pg_catalog.pg_read_file(text)', 'execute') as may_read_files
"""


class PostgresSession:
    """A connection that can only read.

    Every query runs inside an explicit `BEGIN READ ONLY`. Both words count: READ ONLY makes the server refuse
    everything that writes to the database, and the transaction block makes it refuse ALTER SYSTEM, which PostgreSQL
    does not regard as a write (seen on 15: it works under default_transaction_read_only outside a block).
    """

    def __init__(self, target: Target, secrets: Secrets, connection: psycopg.Connection[Row]) -> None:
        self.target = target
        self.secrets = secrets
        self._connection = connection
        self._facts = self.fetch(_IDENTIFY)[0]
        self.version_num: int = self._facts["version_num"]
        self.role: str = self._facts["role"]
        self.in_recovery: bool = self._facts["in_recovery"]
        self.search_path: tuple[str, ...] = tuple(self._facts["search_path"])
        """The schemas in which unqualified names are looked for, without those that are always there."""
        self.pg_catalog_first: bool = self._facts["pg_catalog_first"]
        """Whether nothing on this session's search_path can hide what pg_catalog has."""
        if self.version_num < OLDEST_SUPPORTED:
            raise ObservationFailed(
                target.name,
                f"PostgreSQL {self._facts['version']} is older than 13, the oldest version that is supported",
            )

    @cached_property
    def info(self) -> TargetInfo:
        """The server as a plan records it; `identity` is PostgreSQL's system identifier and the database."""
        connection = self._connection.info
        location = f"{connection.host or 'localhost'}:{connection.port}"
        database: str = self._facts["database"]
        system_identifier = location
        if self._facts["may_identify"]:
            rows = self.fetch("select system_identifier::text as id from pg_control_system()")
            system_identifier = rows[0]["id"]
        return TargetInfo(
            system=System.POSTGRES,
            product="PostgreSQL",
            version=self._facts["version"].split(" ")[0],
            location=location,
            database=database,
            identity=f"{system_identifier}/{database}",
            role="standby" if self.in_recovery else "primary",
        )

    def fetch(self, query: Query, params: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of one query, as dicts by column name. Raises ObservationFailed, ConnectionFailed."""
        return self.fetch_all([(query, params)])[0]

    def fetch_all(self, queries: Sequence[tuple[Query, Mapping[str, Any] | None]]) -> list[list[Row]]:
        """The rows of several queries, sent as one pipeline in one transaction: one round trip for all.

        None of a command that answers without rows. What such a command leaves in the session, its caller takes back.
        A pipeline uses the extended protocol, so that each can be one statement only: nothing can end the transaction.
        Raises ObservationFailed where the server refuses one (then none is answered), ConnectionFailed.
        """
        try:
            with self._connection.pipeline() as pipeline, self._connection.transaction():
                cursors = [self._connection.execute(query, params) for query, params in queries]
                pipeline.sync()  # only then does a cursor know its columns
                return [self._rows(cursor) for cursor in cursors]
        except psycopg.Error as error:
            hidden = self.target.hide_values
            answer = said(error, hide_values=hidden)
            cause = None if hidden else error  # a traceback would say it all
            if self._connection.broken and isinstance(error, psycopg.OperationalError):
                raise ConnectionFailed(self.target.name, f"the connection was lost: {answer}") from cause
            raise ObservationFailed(self.target.name, answer, sqlstate=error.sqlstate or "") from cause

    def _rows(self, cursor: psycopg.Cursor[Row]) -> list[Row]:
        names = [column.name for column in cursor.description or ()]
        if len(set(names)) < len(names):
            # A row by name would hold the last of them alone.
            raise ObservationFailed(self.target.name, "two columns of the answer have the same name: name them apart")
        # PREPARE and its like answer without rows, and without a description of any.
        return cursor.fetchall() if cursor.description is not None else []

    def memory(self) -> int | None:
        """Bytes: as declared, else MemTotal of the server's machine where the role may read files there.

        A container's limit may be lower than the machine's memory, which is why a declared value wins.
        """
        return self.target.memory or self._machine_memory

    @cached_property
    def _machine_memory(self) -> int | None:
        found = re.search(r"^MemTotal:\s+(\d+) kB", self._machine_file("meminfo"), re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    def cpus(self) -> int | None:
        """Processors: as declared, else those of the server's machine where the role may read files there.

        A container may be given fewer than the machine has, which is why a declared number wins.
        """
        return self.target.cpus or self._machine_cpus

    @cached_property
    def _machine_cpus(self) -> int | None:
        return len(re.findall(r"^processor\b", self._machine_file("cpuinfo"), re.MULTILINE)) or None

    def _machine_file(self, name: str) -> str:
        """The content of a file in the server's /proc; empty where it may not be read, or is not there."""
        if not self._facts["may_read_files"]:
            return ""
        try:
            rows = self.fetch("select pg_read_file(%(file)s) as content", {"file": f"/proc/{name}"})
        except ObservationFailed:
            return ""
        return str(rows[0]["content"])

    def close(self) -> None:
        """Ends the connection. Never raises."""
        with suppress(psycopg.Error):
            self._connection.close()


def connect(target: Target, secrets: Secrets) -> PostgresSession:
    """A read-only session. Raises ConnectionFailed, ObservationFailed."""
    connection = open_connection(target, secrets, READING_SETTINGS)
    try:
        connection.read_only = True
        return PostgresSession(target, secrets, connection)
    except BaseException:
        connection.close()
        raise


def open_connection(target: Target, secrets: Secrets, settings: Mapping[str, str]) -> psycopg.Connection[Row]:
    """A bare connection in autocommit mode with `settings` set for its session. Raises ConnectionFailed.

    Settings are set by statement, not in the startup packet: poolers refuse the latter.
    """
    url = target.url.get_secret_value()
    secrets.remember_url(url)
    refuse_unescaped(target)
    try:
        declared = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConnectionFailed(
            target.name, "its URL cannot be read", hint="expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    if isinstance(declared.get("password"), str):
        secrets.remember(str(declared["password"]))
    refuse_hosts(target, secrets.reach, declared)
    # Whatever encoding is the server's default, Python has to know it: for EUC_TW there would be no session at all.
    defaults: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT, "application_name": "reconciler", "client_encoding": "utf8",
    }  # fmt: skip
    connection: psycopg.Connection[Row] | None = None
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=None,
            **{key: value for key, value in defaults.items() if key not in declared},
        )
        connection.execute(
            sql.SQL("select {}, array({})").format(
                sql.SQL(", ").join(
                    sql.SQL("set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
                    for name, value in {**SAME_FOR_ALL, **settings}.items()
                ),
                sql.SQL(
                    "select set_config(name, '0', false) from unnest({}::text[]) as name"
                    " where current_setting(name, true) is not null"
                ).format(sql.Literal(list(SESSION_LIMITS))),
            )
        )
    except psycopg.Error as error:
        if connection is not None:
            connection.close()
        raise ConnectionFailed(
            target.name,
            f"cannot connect: {secrets.redact(said(error))}",
            hint="check its URL, that the server is up, and that this role may connect",
        ) from None
    return connection


_QUOTED = re.compile('".*"', re.DOTALL)


def said(error: psycopg.Error, *, hide_values: bool = False) -> str:
    """What the server said, in one line, with its SQLSTATE and its own hint.

    `hide_values` leaves out what may be a value of a user's table: DETAIL ("Key (email)=(x) already exists"), what is
    quoted in errors about data (class 22: `invalid input syntax for type integer: "x"`), and all that a user's own
    function raises (class P0).
    """
    diagnosis = error.diag
    state = f" ({error.sqlstate})" if error.sqlstate else ""
    message = diagnosis.message_primary or "; ".join(filter(None, map(str.strip, str(error).splitlines())))
    if not hide_values or diagnosis.message_primary is None:
        details = [part for part in (diagnosis.message_detail, diagnosis.message_hint) if part]
        return ". ".join([f"{message}{state}", *details])
    match (error.sqlstate or "")[:2]:
        case "P0":
            return f"a function raised an error, whose words are hidden{state}"
        case "22":
            return f"{_QUOTED.sub('(hidden)', message)}{state}"
    return ". ".join(filter(None, [f"{message}{state}", diagnosis.message_hint]))
