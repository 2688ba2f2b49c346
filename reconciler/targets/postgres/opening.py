"""How a connection is opened, and watched over until it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget
from reconciler.secrets import Secrets
from reconciler.targets import bounds, log
from reconciler.targets.name_resolution import refuse_unanswered
from reconciler.targets.postgres import role_and_database_timeouts
from reconciler.targets.postgres.allowed_hosts import refuse_hosts
from reconciler.targets.postgres.bounded_connection import HeardConnection, Row, Silent
from reconciler.targets.postgres.pooler import refuse_shared, refuse_sharing
from reconciler.targets.postgres.server_messages import said
from reconciler.targets.postgres.session_settings import UNLIMITED, own_process, setting
from reconciler.targets.postgres.taken_role import refusal, taking
from reconciler.targets.postgres.text import connected
from reconciler.targets.url_validation import mistyped_option, refuse_unescaped

LONGEST_CONNECT_TIMEOUT = 30
"""Seconds, if a URL asks for them: what else is waited for has to fit into what a verb may take on a dead network."""


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


OWN_TRANSACTIONS = {"default_transaction_isolation": "read committed", "default_transaction_deferrable": "off"}
"""Of what runs by itself in a session of ours, whatever its database has: a deferrable transaction waits for others
before it begins, and a serializable one may be refused for what others do."""


# A backend that cannot send what it has is no more at work than one that has nothing to do.
_AT_WORK: LiteralString = """
    select 1 from pg_catalog.pg_stat_activity a
    where a.pid operator(pg_catalog.=) {} and a.state operator(pg_catalog.=) 'active'
          and coalesce(a.wait_event_type, '') operator(pg_catalog.<>) 'Client'
"""


class FirstWords(NamedTuple):
    """What a session asks as soon as it is set up, on the same round trip.

    asked       statements, by the condition that the session is ours alone: what is set, or locked, is so only then.
    taken_back  ends what they have begun, where another session takes the place of this one.
    """

    asked: Callable[[sql.Composable], Sequence[sql.Composable]]
    taken_back: LiteralString = ""


def open_connection(
    target: PostgresTarget, secrets: Secrets, settings: Mapping[str, str | sql.Composable], *,
    where_there: Mapping[str, str] = {}, others: Collection[int] = (),
) -> HeardConnection:  # fmt: skip
    """As `opened_with`, the connection alone."""
    nothing = FirstWords(lambda _: ())
    return opened_with(target, secrets, settings, nothing, where_there=where_there, others=others)[0]


def opened_with(
    target: PostgresTarget, secrets: Secrets, settings: Mapping[str, str | sql.Composable], first: FirstWords, *,
    where_there: Mapping[str, str] = {}, others: Collection[int] = (),
) -> tuple[HeardConnection, list[list[Row]]]:  # fmt: skip
    """A connection in autocommit mode with an empty search_path, the target's role and `settings`, for its session.

    `where_there` are settings that not every version has. Beside it come the answers to the `first` words.

    RESET search_path brings the role's own back. Settings are set by statement, not in the startup packet: poolers
    refuse the latter. `others` are the processes of other sessions of ours, which are idle outside of a transaction.
    Raises ConnectionFailed, also where a pooler that shares sessions stands between: then nothing was set.
    """
    connection = opened(target, secrets)
    settings = {**OWN_TRANSACTIONS, **settings, **taking(target)}
    limits = {**UNLIMITED, **FOUND_DEAD, **where_there}
    known = {name: value for name, value in limits.items() if name not in settings}
    version_num = connection.info.server_version
    try:
        hurried, answers = _set_up(target, secrets, connection, settings, known, others, first)
    except ConnectionFailed as error:
        if not role_and_database_timeouts.may_have_ended(error):
            raise
        with suppress(ConnectionFailed):
            unhurried = opened(target, secrets, lift=version_num)
            return unhurried, _set_up(target, secrets, unhurried, settings, known, others, first)[1]
        error.hint = role_and_database_timeouts.HINT
        raise
    if hurried:
        with suppress(ConnectionFailed):
            if first.taken_back:
                connection.execute(first.taken_back)
            unhurried = opened(target, secrets, lift=version_num)
            _, answers = _set_up(target, secrets, unhurried, settings, known, others, first)
            connection.close()
            return unhurried, answers
        if first.taken_back:
            answers = _plainly(connection, *first.asked(sql.SQL("true")))
    return connection, answers


def _set_up(
    target: PostgresTarget, secrets: Secrets, connection: HeardConnection, settings: Mapping[str, str | sql.Composable],
    known: Mapping[str, str], others: Collection[int], first: FirstWords,
) -> tuple[bool, list[list[Row]]]:  # fmt: skip
    """Makes a session of `connection`, as `opened_with` says; whether it had limits that may end what is sent at this
    moment, and the answers to the `first` words. Closes it where it raises ConnectionFailed."""
    try:
        own = own_process(connection.info.backend_pid, others)
        [row], *answers = _plainly(
            connection, setting(settings, local=False, where_there=known, only_if=own), *first.asked(own)
        )
        if row["settings"] is None:
            refuse_shared(target, row["pid"], others)
            if not target.direct:
                refuse_sharing(target, connection, lambda: opened(target, secrets))
            [row], *answers = _plainly(
                connection, setting(settings, local=False, where_there=known), *first.asked(sql.SQL("true"))
            )
    except psycopg.Error as error:
        refused = None if connection.broken else refusal(target, connection.info.user, said(error), error.sqlstate)
        failed = cannot_connect(target, secrets, error)
        failed.ended = error.sqlstate in role_and_database_timeouts.CANCELLED or (
            connection.broken and not failed.silent
        )
        connection.close()
        raise refused or failed from None
    except BaseException:
        connection.close()
        raise
    watched_over(connection, row["pid"], target, secrets)
    return role_and_database_timeouts.is_short(row["limits"]), answers


def _plainly(connection: HeardConnection, *queries: sql.Composable) -> list[list[Row]]:
    """The answers of a connection in which nothing is set yet, on one round trip. Raises psycopg.Error.

    In a transaction as ours are: what the database has for its own could wait for those of others.
    """
    together = sql.SQL("; ").join(queries)
    with connection.within(bounds.WHOLE_SECONDS):
        cursor = connection.execute(
            sql.SQL("begin isolation level read committed not deferrable; {}; commit").format(together)
        )
    answers = []
    for _ in queries:
        cursor.nextset()
        answers.append(cursor.fetchall())
    return answers


def watched_over(connection: HeardConnection, pid: int, target: PostgresTarget, secrets: Secrets) -> None:
    """Has `connection` ask by another one, where it hears nothing, whether its process `pid` is still at work."""
    info = connection.info
    there = {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
    where = {name: value for name, value in there.items() if value}
    connection.pid = pid
    connection.at_work = lambda: _at_work(target, secrets, pid, where)


def _at_work(target: PostgresTarget, secrets: Secrets, pid: int, where: Mapping[str, str]) -> bool:
    try:
        with closing(opened(target, secrets, where)) as asking:
            asking.silence = bounds.CONNECT_SECONDS
            return bool(_plainly(asking, sql.SQL(_AT_WORK).format(sql.Literal(pid)))[0])
    except psycopg.Error:
        return False
    except ConnectionFailed as error:
        # One that is full lets nobody in, and is there: it may be at work for us, too.
        url = target.url.get_secret_value()
        timeout = {"connect_timeout": bounds.CONNECT_SECONDS}
        return not error.silent and pq.PGconn.ping(make_conninfo(url, **where, **timeout).encode()) == pq.Ping.OK


def opened(
    target: PostgresTarget, secrets: Secrets, where: Mapping[str, str] | None = None, lift: int | None = None
) -> HeardConnection:
    """A bare connection in autocommit mode, in which nothing is set; to `where` of several hosts of its URL. `lift`: it
    asks a server of this version to lift limits (`role_and_database_timeouts.py`).

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
        options |= role_and_database_timeouts.asked_for(declared.get("options"), lift)
    began = time.monotonic()
    try:
        connection = connected(
            HeardConnection.connect, url, autocommit=True, row_factory=dict_row, prepare_threshold=None, **options
        )
    except psycopg.Error as error:
        raise cannot_connect(target, secrets, error) from None
    connection.target = target
    info = connection.info
    log.event("connected", target.name, host=info.host, port=info.port, database=info.dbname, ms=log.since(began))
    return connection


def _connect_timeout(declared: object, hosts: int) -> int:
    """Seconds for each of `hosts`, which are tried one after the other; as declared where that is not too long."""
    with suppress(ValueError):
        seconds = int(str(declared))
        if 0 < seconds <= LONGEST_CONNECT_TIMEOUT:
            return seconds
    return max(2, min(bounds.CONNECT_SECONDS, 2 * bounds.CONNECT_SECONDS // hosts))


def cannot_connect(target: PostgresTarget, secrets: Secrets, error: psycopg.Error) -> ConnectionFailed:
    """What the driver had against it, without any secret."""
    silent = ", and that it is a PostgreSQL: a server of another kind may never answer"
    return ConnectionFailed(
        target.name,
        f"cannot connect: {secrets.redact(said(error))}",
        hint="check its URL, that the server is up, and that this role may connect"
        + (silent if isinstance(error, psycopg.errors.ConnectionTimeout) else ""),
        silent=isinstance(error, psycopg.errors.ConnectionTimeout | Silent),
    )
