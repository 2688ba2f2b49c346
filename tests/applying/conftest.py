from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from waiting import PATIENCE, reload, until

from applying.acting import Command

TARGETS = 'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB}\n'


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the product waits for what comes soon on most machines, it waits for as long as it takes."""
    monkeypatch.setattr("reconciler.applying.verification.SETTLING_SECONDS", PATIENCE)
    monkeypatch.setattr("reconciler.applying.verification.LETTING_GO_SECONDS", PATIENCE)


@pytest.fixture
def tasks(sql: psycopg.Connection, database: str) -> Iterator[psycopg.Connection]:
    """A database with two tables; the server's settings are put back afterwards."""
    for table in ("tasks", "users"):
        sql.execute(f"create table {table} (id bigint primary key, status text, priority int, title text)")
        sql.execute(f"insert into {table} select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 500) n")  # noqa: S608 - ours
    yield sql
    with psycopg.connect(database, autocommit=True) as fresh:  # the server may have been restarted meanwhile
        fresh.execute("alter system reset all")
        reload(fresh)


CLEANING_UP_SOON = {"reconciler.applying.cleaning.CLEANING_LOCK_TIMEOUT": "300ms"}
"""For tests in which whoever is in the way of cleaning up stays there to the end."""


@pytest.fixture
def cleaning_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left behind is not waited for."""
    for path, value in CLEANING_UP_SOON.items():
        monkeypatch.setattr(path, value)


@pytest.fixture
def command(tmp_path: Path, database: str) -> Command:
    """The command line, with the test's database declared."""
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "targets.yaml").write_text(TARGETS)
    return Command(folder, {"DATABASE_URL": database})


@pytest.fixture
def holder(database: str) -> Iterator[psycopg.Connection]:
    """A session, not in autocommit mode, that can hold what others need; `rollback` lets go."""
    with psycopg.connect(database, application_name="the report") as connection:
        yield connection
        with suppress(psycopg.OperationalError):  # the server may have been restarted meanwhile
            connection.rollback()


@pytest.fixture
def leftovers(tasks: psycopg.Connection):
    """Asserts that an apply left nothing behind but valid indexes of these names."""

    def check(*names: str) -> None:
        until(lambda: not locks(tasks), "the advisory lock is free")
        rows = tasks.execute(
            "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 'tasks'::regclass order by 1"
        ).fetchall()
        assert rows == [(name, True) for name in sorted([*names, "tasks_pkey"])]

    return check


def locks(connection: psycopg.Connection) -> list[tuple]:
    return connection.execute(
        "select pid from pg_locks where locktype = 'advisory' and database = "
        "(select oid from pg_database where datname = current_database())"
    ).fetchall()


def waiting(connection: psycopg.Connection, phase: str = "%") -> bool:
    """Whether somebody waits for a lock in this database, with a statement like `phase`."""
    return bool(
        connection.execute(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and query ilike %s",
            (phase,),
        ).fetchall()
    )
