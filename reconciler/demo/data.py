"""Sample data: skewed as such data are, made inside the server, and the same for the same seed.

Which rows are many and which are few decides whether an index is used, so the shape is the point: a few users and
agents do most of the work, nine tasks in ten are completed while a small hot set waits or runs, activity grows towards
the present, and a handful of rounds collects most votes. How, is in data.sql.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from reconciler.errors import UsageError

NEWEST = datetime(2024, 11, 30, 12, tzinfo=UTC)
"""When the data ends. Fixed, so that neither the day nor the time zone changes anything."""

SPAN = timedelta(days=180)
"""How far back the data reach."""

SEASONS = 5
"""The long rounds, in which most votes are cast; they have the first ids."""

MOST_ROWS = 10_000_000
"""A few gigabytes: more than anybody wants from a demonstration."""


def sizes(rows: int) -> Mapping[str, int]:
    """How many rows each table gets for `rows` tasks. Of votes a few less: nobody votes twice on one thing."""
    return {
        "users": max(20, rows // 20),
        "agents": max(10, rows // 50),
        "sessions": max(10, rows // 4),
        "tasks": rows,
        "rounds": max(2 * SEASONS, rows // 100),
        "votes": rows,
    }


def load(connection: psycopg.Connection, rows: int, seed: int = 1) -> None:
    """Creates the schema and fills it with `rows` tasks and all that belongs to them, then analyses it.

    The tables must not be there yet. 100,000 tasks take about a second. Raises UsageError, psycopg.Error; nothing is
    left behind then.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise UsageError(f"cannot make {rows} tasks", hint=f"choose a number from 1 to {MOST_ROWS}")
    counts = sizes(rows)
    values = {
        **counts,
        "seed": seed,
        "seasons": SEASONS,
        "newest": NEWEST.timestamp(),
        "span": SPAN.total_seconds(),
    }
    with connection.transaction():
        connection.execute(_file("schema.sql"))
        with _foreign_keys_checked_at_the_end(connection, list(counts)):
            # The values are put in on this side: a server takes parameters for one statement, not for a file of them.
            psycopg.ClientCursor(connection).execute(_file("data.sql"), values)
    connection.execute("analyze users, agents, sessions, tasks, rounds, votes")


@contextmanager
def _foreign_keys_checked_at_the_end(connection: psycopg.Connection, tables: list[str]) -> Iterator[None]:
    """Takes the foreign keys away and puts them back: a join each. Checking row by row takes three times as long."""
    keys = connection.execute(
        """
        select conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
        from pg_constraint
        where contype = 'f' and conrelid = any (%s::text[]::regclass[])
        """,
        (tables,),
    ).fetchall()
    for table, name, _ in keys:
        connection.execute(f"alter table {table} drop constraint {name}".encode())
    yield
    for table, name, definition in keys:
        connection.execute(f"alter table {table} add constraint {name} {definition}".encode())


def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
