"""Sessions to PostgreSQL.

Decided: docs/decisions.md#read-only-sessions-on-postgresql
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from functools import cached_property
from typing import Any, LiteralString

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from reconciler.errors import ConnectionFailed, ObservationFailed, TargetError
from reconciler.model import System, Target, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets import bounds
from reconciler.targets.host_names import refuse_unanswered
from reconciler.targets.postgres import lifted_limits
from reconciler.targets.postgres.activity import masked
from reconciler.targets.postgres.hosts import refuse_hosts
from reconciler.targets.postgres.pooler import refuse_shared, refuse_sharing
from reconciler.targets.postgres.taken_role import refusal, taken, taking
from reconciler.targets.postgres.text import connected, is_of_encoding, is_verbatim, take_verbatim
from reconciler.targets.postgres.waiting import HeardConnection, Silent
from reconciler.targets.postgres.waiting import Row as Row  # by which others know it
from reconciler.targets.postgres.words import CAME_MEANWHILE, SOMEBODY_MADE, said
from reconciler.targets.url import mistyped_option, refuse_unescaped

OLDEST_SUPPORTED = 130000
"""PostgreSQL 13: the oldest version that the comparison of definitions was seen to work on."""

LONGEST_CONNECT_TIMEOUT = 30
"""Seconds, if a URL asks for them: what else is waited for has to fit into what a verb may take on a dead network."""

READING_SETTINGS = {
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
}
"""Of each transaction that reads: no query of ours takes near a minute, and none should wait for a lock of somebody
else's. Neither is an answer that long on its way to us, inside of a transaction, wherever we are.

Compiling is never worth it for queries of the catalogue, whose costs the planner overestimates: seen on Debian's 15,
reading the indexes of one table took 6 s with jit and 0.07 s without.
"""

SAME_FOR_ALL = {
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
}
"""Of every transaction of ours: how constants are printed must not depend on a role's own settings. In which order it
writes day and month still counts where a declared date has no year in front."""

UNLIMITED = {"idle_session_timeout": "0", "transaction_timeout": "0", "statement_timeout": "0"}
"""Off in every session of ours that sets no other, where the server has them (the first two: 14, 17): such a session
waits while we think, which takes longer on a busy machine, and builds indexes. Each step has its own time limit."""

FOUND_DEAD = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "45000",
    "idle_in_transaction_session_timeout": "60s",
}
"""Seconds, and ms: how soon the server finds out that we are gone without a word, after a power cut or in a partition,
so that no lock of ours outlives us by the two hours that are usual. The same of our end, by libpq's names:"""

FINDS_DEAD = {
    "keepalives_idle": 15, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 45000,
}  # fmt: skip

Query = LiteralString | sql.SQL | sql.Composed
Asked = tuple[Query, Mapping[str, Any] | None]
"""A query and its parameters."""

_ALWAYS = sql.SQL("true")


def _set(
    settings: Mapping[str, str], *, local: bool, where_there: Mapping[str, str], only_if: sql.Composable = _ALWAYS
) -> sql.Composed:
    """One statement that empties the search_path and sets `settings`, and of `where_there` what the server knows, until
    the transaction ends if `local`; nothing unless `only_if`, and then `settings` is null. It tells its process, and
    the limits that there were before.

    Every name in it is qualified: it is what runs first, while whatever path a role or a database has been given
    decides where other names are looked for.
    """
    until = sql.SQL("true" if local else "false")
    return sql.SQL(
        "select pg_catalog.pg_backend_pid() as pid, {limits} as limits,"
        " case when {only_if} then array[{settings}] end as settings,"
        " case when {only_if} then array(select pg_catalog.set_config(name, value, {until})"
        " from rows from (pg_catalog.unnest({names}::pg_catalog.text[]),"
        " pg_catalog.unnest({values}::pg_catalog.text[])) as known (name, value)"
        " where pg_catalog.current_setting(name, true) is not null) end as known"
    ).format(
        only_if=only_if,
        limits=sql.SQL(lifted_limits.NOW),
        settings=sql.SQL(", ").join(
            sql.SQL("pg_catalog.set_config({}, {}, {})").format(sql.Literal(name), sql.Literal(value), until)
            for name, value in {"search_path": "", **SAME_FOR_ALL, **settings}.items()
        ),
        until=until,
        names=sql.Literal(list(where_there)),
        values=sql.Literal(list(where_there.values())),
    )


def _own(claimed: int, others: Collection[int]) -> sql.Composed:
    """A condition: the process is the one that was told when we connected, and serves no other session of ours."""
    return sql.SQL(
        "pg_catalog.pg_backend_pid() operator(pg_catalog.=) {} and"
        " pg_catalog.pg_backend_pid() operator(pg_catalog.<>) all ({}::pg_catalog.int4[])"
    ).format(sql.Literal(claimed), sql.Literal(f"{{{','.join(map(str, others))}}}"))


_READING = _set(READING_SETTINGS, local=True, where_there={"transaction_timeout": "0"})


def _reading(target: Target) -> sql.Composed:
    """What begins each transaction that reads; without a role, the same for all."""
    if not target.role:
        return _READING
    return _set({**READING_SETTINGS, **taking(target)}, local=True, where_there={"transaction_timeout": "0"})


OWN_PATH_IS = """
    select pg_catalog.current_setting('search_path') as own_path, pg_catalog.current_schemas(false) as search_path,
           pg_catalog.current_schemas(true) as all_schemas
"""
"""Before anything is set. Without an operator, since the path that is being asked for would decide which one it is."""

_IDENTIFY = """
    select pg_catalog.current_setting('server_version_num')::int as version_num,
           pg_catalog.current_setting('server_version') as version,
           pg_catalog.current_database() as database,
           current_user as role, session_user as login,
           pg_catalog.pg_is_in_recovery() as in_recovery,
           (select nspname from pg_catalog.pg_namespace where oid = pg_catalog.pg_my_temp_schema()) as temporary,
           pg_catalog.current_setting('idle_session_timeout', true) as idle_session_timeout,
           (select pg_catalog.bool_or(r.rolsuper) from pg_catalog.pg_roles r
            where r.rolname in (current_user, session_user)) as superuser,
           exists (select from pg_catalog.pg_roles r
                   where (r.rolsuper or r.rolcreaterole or r.rolreplication or r.rolbypassrls
                          or r.rolname = any(array['pg_execute_server_program', 'pg_read_server_files',
                                                   'pg_write_server_files']))
                         and (r.rolname = session_user or pg_catalog.pg_has_role(session_user, r.oid, 'member'))
           ) as may_harm,
           pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may_identify,
           pg_catalog.has_function_privilege('pg_catalog.pg_read_file(pg_catalog.text)', 'execute') as may_read_files,
           pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())::pg_catalog.text as started
"""


# A backend that cannot send what it has is no more at work than one that has nothing to do.
_AT_WORK = """
    select 1 from pg_catalog.pg_stat_activity a
    where a.pid operator(pg_catalog.=) %s and a.state operator(pg_catalog.=) 'active'
          and coalesce(a.wait_event_type, '') operator(pg_catalog.<>) 'Client'
"""


class PostgresSession:
    """A connection that can only read, and leaves nothing behind: a pooler may hand it to somebody else at any moment.

    Every query runs inside an explicit `BEGIN READ ONLY`. Both words count: READ ONLY makes the server refuse
    everything that writes to the database, and the transaction block makes it refuse ALTER SYSTEM, which PostgreSQL
    does not regard as a write (seen on 15: it works under default_transaction_read_only outside a block).

    What is set, is set for one transaction, beginning with an empty search_path: whoever may write to a schema of the
    role's own path could else put functions and operators of his before those of pg_catalog.
    """

    def __init__(self, target: Target, secrets: Secrets, connection: HeardConnection) -> None:
        self.target = target
        self.secrets = secrets
        self._connection = connection
        self._verbatim = is_verbatim(connection)
        """Whether answers are taken as they are stored, see postgres_text."""
        self._reading = _reading(target)
        *_, [path], [own], [self._facts] = self._sent(
            [*([(taken(target), None)] if target.role else []),
             (OWN_PATH_IS, None), (self._reading, None), (_IDENTIFY, None)]
        )  # fmt: skip
        self.version_num: int = self._facts["version_num"]
        self.role: str = self._facts["role"]
        self.login: str = self._facts["login"]
        """Who logged in; `role` is another where the target has its sessions take one on."""
        self.in_recovery: bool = self._facts["in_recovery"]
        self.is_hurried = lifted_limits.is_short(own["limits"])
        """Whether its limits would end its transactions before each has set its own."""
        self.search_path: tuple[str, ...] = tuple(path["search_path"])
        """The schemas in which the role's unqualified names are looked for, without those that are always there."""
        in_order = [schema for schema in path["all_schemas"] if schema != self._facts["temporary"]]
        self.own_path: str = ", ".join(f'"{schema.replace(chr(34), chr(34) * 2)}"' for schema in in_order)
        """The role's own search_path as text, for `ForeignCode.with_path`: those schemas that were there."""
        self.pg_catalog_first: bool = in_order[:1] == ["pg_catalog"]
        """Whether nothing on the role's search_path can hide what pg_catalog has."""
        self.may_harm: bool = self._facts["may_harm"]
        """Whether who logged in may more than a mere user: as a superuser, by an attribute, or with the server's files;
        also by a role that could be taken on."""
        self.pid: int = own["pid"]
        """The server process of the last transaction."""
        self.is_pooled: bool = self.pid != connection.info.backend_pid
        """Whether something stands between that keeps sessions of its own to the server."""
        if self.is_pooled:
            connection.silence = bounds.POOLED_SECONDS
        else:
            _watched_over(connection, self.pid, target, secrets)
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
            rows = self.fetch("select system_identifier::pg_catalog.text as id from pg_catalog.pg_control_system()")
            system_identifier = rows[0]["id"]
        return TargetInfo(
            system=System.POSTGRES,
            product="PostgreSQL",
            version=self._facts["version"].split(" ")[0],
            location=location,
            database=database,
            identity=f"{system_identifier}/{database}",
            role="standby" if self.in_recovery else "primary",
            as_role=self.target.role,
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
        A pipeline uses the extended protocol, so that each can be one statement only: nothing can end the transaction.
        Raises ObservationFailed where the server refuses one (then none is answered), ConnectionFailed.
        """
        [own], *answers = self._sent([(self._reading, None), *queries], on_failure)
        self.pid = own["pid"]
        return answers

    def _sent(self, queries: Sequence[Asked], on_failure: Sequence[Asked] = ()) -> list[list[Row]]:
        connection = self._connection
        try:
            with connection.pipeline() as pipeline, connection.transaction():
                try:
                    with connection.transaction() if on_failure else nullcontext():
                        if self._verbatim:
                            connection.execute("select pg_catalog.set_config('client_encoding', 'SQL_ASCII', true)")
                        cursors = [connection.execute(query, params) for query, params in queries]
                        pipeline.sync()  # only then does a cursor know its columns
                        return [self._rows(cursor) for cursor in cursors]
                except (psycopg.Error, UnicodeError):
                    for query, params in on_failure:
                        with suppress(psycopg.Error), connection.transaction():
                            connection.execute(query, params)
                            pipeline.sync()
                    raise
        except (psycopg.Error, UnicodeError) as error:
            if is_of_encoding(error) and not self._verbatim:
                self._verbatim = True
                take_verbatim(connection)
                return self._sent(queries, on_failure)
            if isinstance(error, UnicodeError):
                raise ObservationFailed(
                    self.target.name, f"text in the way of a query cannot be told: {error}"
                ) from error
            hidden = self.target.hide_values
            answer = said(error, hide_values=hidden, sent=_texts(queries) if hidden else "")
            cause = None if hidden else error  # a traceback would say it all
            if connection.broken and isinstance(error, psycopg.OperationalError):
                silent = isinstance(error, Silent)
                what = f"{answer} while waiting for the answer to: {_shown(queries[-1][0])}" if silent else answer
                lost = f"the connection was lost: {what}"
                raise ConnectionFailed(self.target.name, lost, silent=silent, ended=not silent) from cause
            if error.sqlstate == CAME_MEANWHILE:
                raise ObservationFailed(self.target.name, SOMEBODY_MADE, sqlstate=CAME_MEANWHILE) from cause
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
            rows = self.fetch("select pg_catalog.pg_read_file(%(file)s) as content", {"file": f"/proc/{name}"})
        except ObservationFailed:
            return ""
        return str(rows[0]["content"])

    def never_idle(self) -> None:
        """Where the server ends sessions that are idle (14+), and this one is ours alone, it does not end this one."""
        if not self.is_pooled and self._facts["idle_session_timeout"] not in (None, "0"):
            with suppress(psycopg.Error):
                self._connection.execute("select pg_catalog.set_config('idle_session_timeout', '0', false)")

    def close(self) -> None:
        """Ends the connection. Never raises."""
        with suppress(psycopg.Error):
            self._connection.close()


def connect(target: Target, secrets: Secrets) -> PostgresSession:
    """A read-only session. Raises ConnectionFailed, ObservationFailed."""
    connection = _opened(target, secrets)
    version_num = connection.info.server_version
    try:
        session = _session(target, secrets, connection)
    except TargetError as error:
        if not lifted_limits.may_have_ended(error):
            raise
        with suppress(TargetError):
            return _session(target, secrets, _opened(target, secrets, lift=version_num))
        error.hint = lifted_limits.HINT
        raise
    if session.is_hurried:
        with suppress(TargetError):  # a pooler refuses to be asked: then for as long as it goes well
            unhurried = _session(target, secrets, _opened(target, secrets, lift=version_num))
            session.close()
            return unhurried
    return session


def _session(target: Target, secrets: Secrets, connection: HeardConnection) -> PostgresSession:
    try:
        connection.read_only = True
        # Whatever the role or the database has as its own: a deferrable one waits for others before it begins.
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.deferrable = False
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


def open_connection(
    target: Target, secrets: Secrets, settings: Mapping[str, str], *,
    where_there: Mapping[str, str] = {}, others: Collection[int] = (),
) -> HeardConnection:  # fmt: skip
    """A connection in autocommit mode with an empty search_path, the target's role and `settings`, for its session.

    `where_there` are settings that not every version has.

    RESET search_path brings the role's own back. Settings are set by statement, not in the startup packet: poolers
    refuse the latter. `others` are the processes of other sessions of ours, which are idle outside of a transaction.
    Raises ConnectionFailed, also where a pooler that shares sessions stands between: then nothing was set.
    """
    connection = _opened(target, secrets)
    settings = {**settings, **taking(target)}
    limits = {**UNLIMITED, **FOUND_DEAD, **where_there}
    known = {name: value for name, value in limits.items() if name not in settings}
    version_num = connection.info.server_version
    try:
        hurried = _set_up(target, secrets, connection, settings, known, others)
    except ConnectionFailed as error:
        if not lifted_limits.may_have_ended(error):
            raise
        with suppress(ConnectionFailed):
            unhurried = _opened(target, secrets, lift=version_num)
            _set_up(target, secrets, unhurried, settings, known, others)
            return unhurried
        error.hint = lifted_limits.HINT
        raise
    if hurried:
        with suppress(ConnectionFailed):
            unhurried = _opened(target, secrets, lift=version_num)
            _set_up(target, secrets, unhurried, settings, known, others)
            connection.close()
            return unhurried
    return connection


def _set_up(
    target: Target, secrets: Secrets, connection: HeardConnection, settings: Mapping[str, str],
    known: Mapping[str, str], others: Collection[int],
) -> bool:  # fmt: skip
    """Makes a session of `connection`, as `open_connection` says; whether it had limits that may end what is sent at
    this moment. Closes it where it raises ConnectionFailed."""
    try:
        own = _own(connection.info.backend_pid, others)
        [row] = connection.execute(_set(settings, local=False, where_there=known, only_if=own))
        if row["settings"] is None:
            refuse_shared(target, row["pid"], others)
            if not target.direct:
                refuse_sharing(target, connection, lambda: _opened(target, secrets))
            [row] = connection.execute(_set(settings, local=False, where_there=known))
    except psycopg.Error as error:
        refused = None if connection.broken else refusal(target, connection.info.user, said(error), error.sqlstate)
        failed = _cannot_connect(target, secrets, error)
        failed.ended = error.sqlstate in lifted_limits.CANCELLED or (connection.broken and not failed.silent)
        connection.close()
        raise refused or failed from None
    except BaseException:
        connection.close()
        raise
    _watched_over(connection, row["pid"], target, secrets)
    return lifted_limits.is_short(row["limits"])


def _watched_over(connection: HeardConnection, pid: int, target: Target, secrets: Secrets) -> None:
    """Has `connection` ask by another one, where it hears nothing, whether its process `pid` is still at work."""
    info = connection.info
    there = {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
    where = {name: value for name, value in there.items() if value}
    connection.pid = pid
    connection.at_work = lambda: _at_work(target, secrets, pid, where)


def _at_work(target: Target, secrets: Secrets, pid: int, where: Mapping[str, str]) -> bool:
    try:
        with closing(_opened(target, secrets, where)) as asking:
            asking.silence = bounds.CONNECT_SECONDS
            return asking.execute(_AT_WORK, (pid,)).fetchone() is not None
    except psycopg.Error:
        return False
    except ConnectionFailed as error:
        # One that is full lets nobody in, and is there: it may be at work for us, too.
        url = target.url.get_secret_value()
        timeout = {"connect_timeout": bounds.CONNECT_SECONDS}
        return not error.silent and pq.PGconn.ping(make_conninfo(url, **where, **timeout).encode()) == pq.Ping.OK


def _opened(
    target: Target, secrets: Secrets, where: Mapping[str, str] | None = None, lift: int | None = None
) -> HeardConnection:
    """A bare connection in autocommit mode, in which nothing is set; to `where` of several hosts of its URL. `lift`: it
    asks a server of this version to lift limits (`lifted.py`).

    Raises ConnectionFailed.
    """
    url = target.url.get_secret_value()
    secrets.remember_url(url)
    refuse_unescaped(target)
    try:
        declared = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        hint = mistyped_option(url, [option.keyword.decode() for option in pq.Conninfo.get_defaults()])
        hint = hint or "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise ConnectionFailed(target.name, "its URL cannot be read", hint=hint) from None
    if isinstance(declared.get("password"), str):
        secrets.remember(str(declared["password"]))
    refuse_hosts(target, secrets.reach, declared)
    # Whatever encoding is the server's default, Python has to know it: for EUC_TW there would be no session at all.
    defaults: dict[str, Any] = {"application_name": "reconciler", "client_encoding": "utf8", **FINDS_DEAD}
    hosts = str(declared.get("host") or "").split(",")
    if not declared.get("hostaddr") and not where:
        refuse_unanswered(target.name, hosts)
    options = {key: value for key, value in defaults.items() if key not in declared}
    options["connect_timeout"] = _connect_timeout(declared.get("connect_timeout"), len(hosts))
    options |= where or {}
    if lift is not None:
        options |= lifted_limits.asked_for(declared.get("options"), lift)
    try:
        return connected(
            HeardConnection.connect, url, autocommit=True, row_factory=dict_row, prepare_threshold=None, **options
        )
    except psycopg.Error as error:
        raise _cannot_connect(target, secrets, error) from None


def _connect_timeout(declared: object, hosts: int) -> int:
    """Seconds for each of `hosts`, which are tried one after the other; as declared where that is not too long."""
    with suppress(ValueError):
        seconds = int(str(declared))
        if 0 < seconds <= LONGEST_CONNECT_TIMEOUT:
            return seconds
    return max(2, min(bounds.CONNECT_SECONDS, 2 * bounds.CONNECT_SECONDS // hosts))


def _cannot_connect(target: Target, secrets: Secrets, error: psycopg.Error) -> ConnectionFailed:
    return ConnectionFailed(
        target.name,
        f"cannot connect: {secrets.redact(said(error))}",
        hint="check its URL, that the server is up, and that this role may connect",
        silent=isinstance(error, psycopg.errors.ConnectionTimeout | Silent),
    )


def _shown(query: Query) -> str:
    """The beginning of a query of ours, to know it by."""
    return masked(query if isinstance(query, str) else query.as_string(None))


def _texts(queries: Sequence[Asked]) -> str:
    """All that was sent, names among the parameters included."""
    texts = (query if isinstance(query, str) else query.as_string(None) for query, _ in queries)
    return "\n".join([*texts, *(str(params) for _, params in queries if params)])
