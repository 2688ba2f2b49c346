"""What people do to servers by hand on a bad day."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import redis

DROPPED = "tasks_session_id_idx"
CANCELLED = "tasks_completed_at_idx"
PATIENCE = 30.0
"""Seconds to wait for our own build to begin."""


def tamper(url: str, client: redis.Redis) -> Iterator[tuple[str, str]]:
    """Drops an index, changes a setting of each server, and cancels a rebuild so that it leaves an INVALID index.

    Yields what was done and the address that drift has to name for it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop index {DROPPED}")
        yield f"drop index {DROPPED}", f"main/pg_index/public.{DROPPED}"
        connection.execute("alter system set work_mem = '512MB'")
        connection.execute("select pg_reload_conf()")
        yield "alter system set work_mem = '512MB', and a reload", "main/pg_setting/work_mem"
        cancel_a_build(url, connection)
        yield (
            f"a concurrent rebuild of {CANCELLED}, cancelled in the middle: it is INVALID now",
            f"main/pg_index/public.{CANCELLED}",
        )
    client.config_set("maxmemory-policy", "noeviction")
    yield "config set maxmemory-policy noeviction", "cache/redis_setting/maxmemory-policy"


def cancel_a_build(url: str, connection: psycopg.Connection) -> None:
    """Drops CANCELLED, builds it again concurrently behind an open transaction, and cancels that build."""
    [definition] = connection.execute("select pg_get_indexdef(%s::regclass)", (CANCELLED,)).fetchone() or [""]
    connection.execute(f"drop index {CANCELLED}")
    statement = definition.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)
    with psycopg.connect(url) as writer, psycopg.connect(url, autocommit=True) as builder:
        writer.execute("update tasks set title = title where id = 1")  # the build waits for this to end
        building = threading.Thread(target=_build, args=(builder, statement))
        building.start()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not _is_there(connection):
            time.sleep(0.01)
        builder.cancel_safe()
        building.join()
        writer.rollback()


def _build(builder: psycopg.Connection, statement: str) -> None:
    try:
        builder.execute(statement.encode())
    except psycopg.errors.QueryCanceled:
        return


def _is_there(connection: psycopg.Connection) -> bool:
    return connection.execute("select to_regclass(%s) is not null", (CANCELLED,)).fetchone() == (True,)
