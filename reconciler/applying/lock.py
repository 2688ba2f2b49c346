"""One apply at a time on a target: an advisory lock on PostgreSQL, a key with an owner and an expiry on Redis."""

from __future__ import annotations

import getpass
import json
import os
import secrets as randomness
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.errors import ApplyError, LockHeld
from reconciler.model import System, Target
from reconciler.secrets import Secrets

if TYPE_CHECKING:
    import psycopg
    import redis

    from reconciler.targets.postgres import Row

ADVISORY_KEY = 0x7265_636F_6E63_696C
"""The letters "reconcil": one number for all, since an advisory lock already belongs to one database."""

_NO_IDLE_TIMEOUT = """
    select set_config(name, '0', false) from pg_catalog.pg_settings where name = 'idle_session_timeout'
"""
"""14+; by name, since 13 has no such setting. The lock's connection is idle by design."""

REDIS_KEY = "reconciler:lock"

REDIS_EXPIRY = 30
"""Seconds until a lock whose owner died is free again."""

REDIS_RENEWAL = 10
"""Seconds between two renewals: two of them may fail before the lock is lost."""


@contextmanager
def locked(target: Target, secrets: Secrets, now: Callable[[], datetime]) -> Iterator[None]:
    """Holds the target's lock. Raises LockHeld, saying who holds it and since when; ApplyError, ConnectionFailed."""
    match target.system:
        case System.POSTGRES:
            with _postgres_lock(target, secrets):
                yield
        case System.REDIS:
            with _redis_lock(target, secrets, now):
                yield
        case System.HTTP:
            yield


@contextmanager
def _postgres_lock(target: Target, secrets: Secrets) -> Iterator[None]:
    """A session's advisory lock, on a connection of its own that does nothing else.

    It ends with its connection: whoever is killed holds no lock. An idle connection outside a transaction holds no
    snapshot, so the lock does not hold up a concurrent build.
    """
    import psycopg

    from reconciler.targets.postgres import open_connection

    connection = open_connection(target, secrets, {"application_name": f"reconciler apply by {_owner()}"})
    try:
        try:
            connection.execute(_NO_IDLE_TIMEOUT)
            [row] = connection.execute("select pg_try_advisory_lock(%s) as held", (ADVISORY_KEY,)).fetchall()
            if not row["held"]:
                raise LockHeld(
                    f"{target.name}: another apply is at work: {_postgres_holder(connection)}",
                    hint="wait until it is done, then plan again",
                )
        except psycopg.Error as error:
            raise ApplyError(f"{target.name}: the lock cannot be taken: {error}") from None
        yield
    finally:
        with suppress(psycopg.Error):
            connection.close()


def _postgres_holder(connection: psycopg.Connection[Row]) -> str:
    rows = connection.execute(
        """
        select a.application_name, a.pid, a.usename, host(a.client_addr) as host,
               to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
        from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1
          and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
          and (l.classid::bigint << 32) | l.objid::bigint = %s
        """,
        (ADVISORY_KEY,),
    ).fetchall()
    if not rows:
        return "it has just ended"
    [row] = rows
    name = row["application_name"] or "an unnamed application"
    return f"{name} (process {row['pid']}, user {row['usename']}, host {row['host']}), since {row['since']}"


@contextmanager
def _redis_lock(target: Target, secrets: Secrets, now: Callable[[], datetime]) -> Iterator[None]:
    """A key that only its owner renews and removes, and that expires when the owner is gone."""
    import redis

    from reconciler.targets.redis import open_connection

    client = open_connection(target, secrets)
    token = json.dumps({"owner": _owner(), "since": f"{now():%Y-%m-%d %H:%M:%S %Z}", "id": randomness.token_hex(8)})
    try:
        try:
            if not client.set(REDIS_KEY, token, nx=True, ex=REDIS_EXPIRY):
                holder = client.get(REDIS_KEY)
                raise LockHeld(
                    f"{target.name}: another apply is at work: {_redis_holder(holder)}",
                    hint=f"wait until it is done, then plan again; a dead one is forgotten after {REDIS_EXPIRY} s",
                )
        except redis.RedisError as error:
            raise ApplyError(
                f"{target.name}: the lock cannot be taken: {secrets.redact(str(error))}",
                hint=f"the user needs to write the key {REDIS_KEY}",
            ) from None
        done = threading.Event()
        renewing = threading.Thread(target=_renew, args=(client, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            with suppress(redis.RedisError):
                if _as_text(client.get(REDIS_KEY)) == token:
                    client.delete(REDIS_KEY)
    finally:
        with suppress(redis.RedisError):
            client.close()


def _renew(client: redis.Redis, done: threading.Event) -> None:
    import redis

    while not done.wait(REDIS_RENEWAL):
        with suppress(redis.RedisError):
            client.expire(REDIS_KEY, REDIS_EXPIRY)


def _redis_holder(value: object) -> str:
    try:
        holder = json.loads(_as_text(value))
        return f"{holder['owner']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return f"somebody who wrote the key {REDIS_KEY}"


def _as_text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _owner() -> str:
    """Who we are, for whoever finds the lock held: user@host, process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no such user: containers run under bare numbers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} process {os.getpid()}"
