"""Sessions to PostgreSQL.

Decided: docs/decisions.md#read-only-sessions-on-postgresql
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Literal

import psycopg

from reconciler.errors import ConnectionFailed, ObservationFailed, TargetError
from reconciler.model import PostgresTarget, System, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets import bounds
from reconciler.targets.foreign.strangers import STRANGERS_HAVE_SOMETHING
from reconciler.targets.postgres import clock, role_and_database_timeouts
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.bounded_connection import Row as Row  # by which others know it
from reconciler.targets.postgres.identity import IDENTIFIER, identify
from reconciler.targets.postgres.machine import Machine
from reconciler.targets.postgres.opening import opened, watched_over
from reconciler.targets.postgres.query_errors import query_error
from reconciler.targets.postgres.riding import Riders, Riding
from reconciler.targets.postgres.session_settings import reading_settings
from reconciler.targets.postgres.taken_role import refusal, taken, unable
from reconciler.targets.postgres.text import is_of_encoding, is_verbatim, take_verbatim
from reconciler.targets.postgres.transactions import Asked as Asked
from reconciler.targets.postgres.transactions import Query as Query
from reconciler.targets.postgres.transactions import Transactions

OLDEST_SUPPORTED = 130000
"""PostgreSQL 13: the oldest version that the comparison of definitions was seen to work on."""


OWN_PATH_IS = """
    select pg_catalog.current_setting('search_path') as own_path, pg_catalog.current_schemas(false) as search_path,
           pg_catalog.current_schemas(true) as all_schemas
"""
"""Before anything is set. Without an operator, since the path that is being asked for would decide which one it is."""


_AS_STORED = "select pg_catalog.set_config('client_encoding', 'SQL_ASCII', true)"


class PostgresSession:
    """A connection that can only read, and leaves nothing behind: a pooler may hand it to somebody else at any moment.

    Every query runs inside an explicit `BEGIN READ ONLY`. Both words count: READ ONLY makes the server refuse
    everything that writes to the database, and the transaction block makes it refuse ALTER SYSTEM, which PostgreSQL
    does not regard as a write (seen on 15: it works under default_transaction_read_only outside a block).

    What is set, is set for one transaction, beginning with an empty search_path: whoever may write to a schema of the
    role's own path could else put functions and operators of his before those of pg_catalog.
    """

    system: Literal[System.POSTGRES] = System.POSTGRES

    def __init__(self, target: PostgresTarget, secrets: Secrets, connection: HeardConnection) -> None:
        self.target = target
        self.secrets = secrets
        self._connection = connection
        self._transactions = Transactions(connection)
        self._verbatim = is_verbatim(connection)
        """Whether answers are taken as they are stored, see `postgres/text.py`."""
        self._riders = Riders()
        self._reading = reading_settings(target)
        connection.silence = bounds.OPENING_SECONDS
        asked = clock.now()
        *_, [path], [own], [self._facts], [strangers] = self._sent(
            [*([(taken(target), None)] if target.role else []),
             (OWN_PATH_IS, None), (self._reading, None), (identify(target), None), (STRANGERS_HAVE_SOMETHING, None)]
        )  # fmt: skip
        self.clock_ahead = clock.ahead(self._facts["clock"], asked, clock.now())
        """How far the server's clock is ahead of ours, as it began."""
        if self._facts["may_identify"]:
            self._identifier = self.beside(IDENTIFIER)
        self.version_num: int = self._facts["version_num"]
        self.role: str = self._facts["role"]
        self.login: str = self._facts["login"]
        """Who logged in; `role` is another where the target has its sessions take one on."""
        if not self._facts["can_act"]:
            raise unable(target)
        self.acting: str = self._facts["acting"]
        """The role that runs what is planned: `role`, or where the target says who applies, that one's."""
        self.acting_oid: int = self._facts["acting_oid"]
        self.in_recovery: bool = self._facts["in_recovery"]
        self.is_hurried = role_and_database_timeouts.is_short(own["limits"])
        """Whether its limits would end its transactions before each has set its own."""
        self.search_path: tuple[str, ...] = tuple(path["search_path"])
        """The schemas in which the role's unqualified names are looked for, without those that are always there."""
        in_order = [schema for schema in path["all_schemas"] if schema != self._facts["temporary"]]
        self.own_path: str = ", ".join(f'"{schema.replace(chr(34), chr(34) * 2)}"' for schema in in_order)
        """The role's own search_path as text, for `ForeignCode.with_path`: those schemas that were there."""
        self.pg_catalog_first: bool = in_order[:1] == ["pg_catalog"]
        """Whether nothing on the role's search_path can hide what pg_catalog has."""
        self.strangers_have_something: bool = strangers["something"]
        """Whether this database holds anything of roles whose code this session does not run, as it began."""
        self.may_harm: bool = self._facts["may_harm"]
        """Whether who logged in may more than a mere user: as a superuser, by an attribute, or with the server's files;
        also by a role that could be taken on."""
        self.may_list_wal: bool = self._facts["may_list_wal"]
        """Whether this role may see how much WAL the server keeps."""
        self.file_views: frozenset[str] = frozenset(self._facts["file_views"])
        """Views of pg_catalog on the server's own files that this role may read."""
        self.pid: int = own["pid"]
        """The server process of the last transaction."""
        self.is_pooled: bool = self.pid != connection.info.backend_pid
        """Whether something stands between that keeps sessions of its own to the server."""
        connection.silence = bounds.POOLED_SECONDS if self.is_pooled else None
        if not self.is_pooled:
            watched_over(connection, self.pid, target, secrets)
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
            system_identifier = self.answer(self._identifier)[0]["id"]
        return TargetInfo(
            system=System.POSTGRES,
            product="PostgreSQL",
            version=self._facts["version"].split(" ")[0],
            location=location,
            database=database,
            identity=f"{system_identifier}/{database}",
            role="standby" if self.in_recovery else "primary",
            as_role=self.target.role,
            apply_as=self.target.apply_as,
        )

    @property
    def instance(self) -> str:
        """When the server was started, to the microsecond: copies of a cluster share its system identifier."""
        started: str = self._facts["started"]
        return started

    @property
    def lesser_role(self) -> str:
        """See `Session`: of a superuser, who trusts the code of nobody else and whose mistakes nothing stops."""
        if not self._facts["superuser"]:
            return ""
        who = self.login if self.target.role else self.role
        return f"{who} is a superuser, and a member of pg_monitor would be enough to plan by"

    remark = None

    def fetch(self, query: Query, params: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of one query, as dicts by column name. Raises ObservationFailed, ConnectionFailed."""
        return self.fetch_all([(query, params)])[0]

    def fetch_all(self, queries: Sequence[Asked], *, on_failure: Sequence[Asked] = ()) -> list[list[Row]]:
        """The rows of several queries, sent as one pipeline in one transaction: one round trip for all.

        None of a command that answers without rows. What such a command leaves in the session, its caller takes back:
        where the server refuses one of `queries`, each of `on_failure` is run, whatever becomes of the others, in the
        same transaction, since in the next one a pooler may have given us another session.
        Raises ObservationFailed where the server refuses one (then none is answered), ConnectionFailed.
        """
        riders = self._riders.taken()
        try:
            [own], *answers = self._sent(
                [(self._reading, None), *(each.asked for each in riders), *queries], on_failure
            )
        except ObservationFailed:
            if not riders:
                raise
            return self.fetch_all(queries, on_failure=on_failure)
        self.pid = own["pid"]
        for riding, rows in zip(riders, answers, strict=False):
            riding.rows = rows
        return answers[len(riders) :]

    def beside(self, query: Query, params: Mapping[str, Any] | None = None) -> Riding:
        """A question for later: it is sent with the next ones, before them, and `answer` has what came of it."""
        return self._riders.add((query, params))

    def answer(self, riding: Riding) -> list[Row]:
        """The rows of what was asked `beside`; on a round trip of their own where nothing was sent since, or where the
        server refused it or a question beside it. Raises ObservationFailed, ConnectionFailed."""
        if riding.rows is None:
            self.fetch_all([])  # where it still waits
        if riding.rows is None:
            riding.rows = self.fetch(*riding.asked)
        return riding.rows

    def _sent(self, queries: Sequence[Asked], on_failure: Sequence[Asked] = ()) -> list[list[Row]]:
        connection = self._connection
        as_stored: list[Asked] = [(_AS_STORED, None)] if self._verbatim else []
        afterwards: list[Asked] = [*as_stored, (self._reading, None), *on_failure] if on_failure else []
        try:
            cursors = self._transactions.run([*as_stored, *queries], afterwards)
            return [self._rows(cursor) for cursor in cursors[len(as_stored) :]]
        except (psycopg.Error, UnicodeError) as error:
            if is_of_encoding(error) and not self._verbatim:
                self._verbatim = True
                take_verbatim(connection)
                return self._sent(queries, on_failure)
            failed = query_error(error, self.target, queries, is_broken=connection.broken)
            if isinstance(failed, ConnectionFailed):
                connection.close()
            raise failed from (None if self.target.hide_values else error)  # a traceback would say what is hidden

    def _rows(self, cursor: psycopg.Cursor[Row]) -> list[Row]:
        names = [column.name for column in cursor.description or ()]
        if len(set(names)) < len(names):
            # A row by name would hold the last of them alone.
            raise ObservationFailed(self.target.name, "two columns of the answer have the same name: name them apart")
        # PREPARE and its like answer without rows, and without a description of any.
        return cursor.fetchall() if cursor.description is not None else []

    @cached_property
    def _machine(self) -> Machine:
        return Machine(self.fetch, self.beside, self.answer, readable=self._facts["may_read_files"])

    def ask_memory(self) -> None:
        """Asks for `memory` beside whatever is asked next, where it is not declared."""
        if not self.target.memory:
            self._machine.ask_memory()

    def memory(self) -> int | None:
        """Bytes: as declared, else of the server's machine, where the role may read files there.

        A container's limit may be lower than the machine's memory, which is why a declared value wins.
        """
        return self.target.memory or self._machine.memory

    def cpus(self) -> int | None:
        """Processors: as declared, else those of the server's machine, where the role may read files there.

        A container may be given fewer than the machine has, which is why a declared number wins.
        """
        return self.target.cpus or self._machine.cpus

    def never_idle(self) -> None:
        """Where the server ends sessions that are idle (14+), and this one is ours alone, it does not end this one."""
        if not self.is_pooled and self._facts["idle_session_timeout"] not in (None, "0"):
            with suppress(TargetError):
                self.fetch("select pg_catalog.set_config('idle_session_timeout', '0', false)")

    def close(self) -> None:
        """Ends the connection. Never raises."""
        with suppress(psycopg.Error):
            self._connection.close()


def connect(target: PostgresTarget, secrets: Secrets) -> PostgresSession:
    """A read-only session. Raises ConnectionFailed, ObservationFailed."""
    connection = opened(target, secrets)
    version_num = connection.info.server_version
    try:
        session = _session(target, secrets, connection)
    except TargetError as error:
        if not role_and_database_timeouts.may_have_ended(error):
            raise
        with suppress(TargetError):
            return _session(target, secrets, opened(target, secrets, lift=version_num))
        error.hint = role_and_database_timeouts.HINT
        raise
    if session.is_hurried:
        with suppress(TargetError):  # a pooler refuses to be asked: then for as long as it goes well
            unhurried = _session(target, secrets, opened(target, secrets, lift=version_num))
            session.close()
            return unhurried
    return session


def _session(target: PostgresTarget, secrets: Secrets, connection: HeardConnection) -> PostgresSession:
    try:
        session = PostgresSession(target, secrets, connection)
        session.never_idle()
        return session
    except ObservationFailed as error:
        refused = refusal(target, connection.info.user, error.said, error.sqlstate)
        connection.close()
        raise refused or error from None
    except BaseException:
        connection.close()
        raise
