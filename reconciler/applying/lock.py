"""One apply at a time on a target: an advisory lock on PostgreSQL, a connection with a name on Redis.

Both belong to a connection and end with it: whoever is killed holds no lock, and there is nothing to clean up.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets as randomness
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from reconciler.errors import ApplyError, LockHeld
from reconciler.model import System, Target
from reconciler.secrets import Secrets

if TYPE_CHECKING:
    import psycopg

    from reconciler.targets.postgres import Row

ADVISORY_KEY = 0x7265_636F_6E63_696C
"""The letters "reconcil": one number for all, since an advisory lock already belongs to one database."""

_NO_IDLE_TIMEOUT = """
    select pg_catalog.set_config(name, '0', false) from pg_catalog.pg_settings where name = 'idle_session_timeout'
"""
"""14+; by name, since 13 has no such setting. The lock's connection is idle by design."""

_HOLDERS = """
    select l.pid, a.application_name, a.usename, pg_catalog.host(a.client_addr) as host,
           pg_catalog.to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and (l.classid::bigint << 32) | l.objid::bigint = %s
"""

REDIS_NAME = "reconciler-apply"
"""How the names of our Redis connections begin."""

WAIT = "wait until it is done, then plan again"


class Held(Protocol):
    """A lock that was taken. May be used from several threads."""

    def __call__(self) -> None:
        """Raises ApplyError where the lock was lost since it was taken."""
        ...

    def again(self) -> None:
        """Takes the lock anew where it was lost because we restarted the server. Raises LockHeld, ConnectionFailed."""
        ...


@contextmanager
def locked(target: Target, secrets: Secrets, now: Callable[[], datetime]) -> Iterator[Held]:
    """Holds the target's lock. Raises LockHeld, saying who holds it and since when; ApplyError, ConnectionFailed."""
    match target.system:
        case System.POSTGRES:
            with closing(_PostgresLock(target, secrets)) as lock:
                yield lock
        case System.REDIS:
            with _redis_lock(target, secrets, now) as held:
                yield _NeverLost(held)
        case System.HTTP:
            yield _NeverLost(lambda: None)


class _NeverLost:
    """A lock of a server that no apply restarts."""

    def __init__(self, held: Callable[[], None]) -> None:
        self._held = held

    def __call__(self) -> None:
        self._held()

    def again(self) -> None:
        pass


class _PostgresLock:
    """A session's advisory lock, on a connection of its own that does nothing else.

    An idle connection outside a transaction holds no snapshot, so the lock does not hold up a concurrent build.
    """

    def __init__(self, target: Target, secrets: Secrets) -> None:
        self._target = target
        self._secrets = secrets
        self._one_at_a_time = threading.Lock()
        self._ours = self._taken()

    def __call__(self) -> None:
        import psycopg

        from reconciler.targets.postgres import said

        with self._one_at_a_time:
            try:
                pids = [row["pid"] for row in self._ours.execute(_HOLDERS, (ADVISORY_KEY,))]
                [row] = self._ours.execute("select pg_catalog.pg_backend_pid() as pid")
            except psycopg.Error as error:
                raise _lost(self._target, said(error)) from None
            if row["pid"] not in pids:
                raise _lost(self._target, "a pooler that shares sessions may stand between: let the URL lead past it")

    def again(self) -> None:
        try:
            self()
        except ApplyError:
            with self._one_at_a_time:
                self._close()
                self._ours = self._taken()

    def close(self) -> None:
        """Lets go of the lock. Never raises."""
        with self._one_at_a_time:
            self._close()

    def _close(self) -> None:
        import psycopg

        with suppress(psycopg.Error):
            self._ours.close()

    def _taken(self) -> psycopg.Connection[Row]:
        import psycopg

        from reconciler.targets.postgres import open_connection, said

        named = {"application_name": f"reconciler apply by {_owner()}"}
        ours = open_connection(self._target, self._secrets, named)
        try:
            ours.execute(_NO_IDLE_TIMEOUT)
            [row] = ours.execute("select pg_catalog.pg_try_advisory_lock(%s) as taken", (ADVISORY_KEY,))
            if not row["taken"]:
                raise LockHeld(f"{self._target.name}: another apply is at work: {_postgres_holder(ours)}", hint=WAIT)
        except psycopg.Error as error:
            ours.close()
            raise ApplyError(f"{self._target.name}: the lock cannot be taken: {said(error)}") from None
        except BaseException:
            ours.close()
            raise
        return ours


def _postgres_holder(connection: psycopg.Connection[Row]) -> str:
    holder = connection.execute(_HOLDERS, (ADVISORY_KEY,)).fetchone()
    if holder is None:
        return "it has just ended"
    name = holder["application_name"] or "an unnamed application"
    # Without pg_read_all_stats the sessions of other users have no start and no address.
    since = f", since {holder['since']}" if holder["since"] else ""
    host = f", host {holder['host']}" if holder["host"] else ""
    return f"{name} (process {holder['pid']}, user {holder['usename']}{host}){since}"


@contextmanager
def _redis_lock(target: Target, secrets: Secrets, now: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """A connection whose name says that an apply is at work, who does it, and since when.

    Not a key: a server that is full, is a replica, or cannot save refuses every write, and is the very one whose
    settings have to be changed; and a key can be evicted by the policy that was just set (all seen on 7.0 and Valkey
    9). Each names its connection first and looks at the others afterwards, so that of two at once at least one sees
    the other.
    """
    import redis

    from reconciler.targets.redis import open_connection
    from reconciler.targets.redis_words import said

    since = f"{now():%Y-%m-%dT%H:%M:%S%z}"
    # A name may hold no spaces, and is shown to whoever lists clients; the last part tells two of one process apart.
    name = "|".join([REDIS_NAME, re.sub(r"[^!-{}~]", "_", _owner()), since, randomness.token_hex(4)])
    one_at_a_time = threading.Lock()
    with ExitStack() as opened:
        pool = opened.enter_context(closing(open_connection(target, secrets)))
        ours: redis.Redis = opened.enter_context(closing(pool.client()))  # type: ignore[no-untyped-call] # untyped there

        def held() -> None:
            try:
                with one_at_a_time:
                    found = ours.client_getname()
            except redis.RedisError as error:
                raise _lost(target, secrets.redact(said(error))) from None
            if found != name:  # the driver has connected again, silently
                raise _lost(target, "its connection was closed")

        try:
            ours.client_setname(name)
            others = [client["name"] for client in ours.client_list() if client["name"] != name]
        except redis.RedisError as error:
            raise ApplyError(
                f"{target.name}: the lock cannot be taken: {secrets.redact(said(error))}",
                hint="the user needs +client|setname +client|getname +client|list",
            ) from None
        for other in others:
            if other.startswith(f"{REDIS_NAME}|"):
                raise LockHeld(f"{target.name}: another apply is at work: {_redis_holder(other)}", hint=WAIT)
        yield held


def _redis_holder(name: str) -> str:
    _, owner, since, *_ = [*name.split("|"), "", ""]
    with suppress(ValueError):
        since = f"{datetime.fromisoformat(since):%Y-%m-%d %H:%M:%S %Z}"
    return f"reconciler apply by {owner}, since {since}"


def _lost(target: Target, why: str) -> ApplyError:
    return ApplyError(
        f"{target.name}: the lock was lost, and another apply may be at work: {why}; nothing of this change was run",
        hint="plan and apply again",
    )


def _owner() -> str:
    """Who we are, for whoever finds the lock held: user@host, process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no such user: containers run under bare numbers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} process {os.getpid()}"
