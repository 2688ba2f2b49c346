from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from reconciler.demo.servers import PostgresServer
from reconciler.model import Target


@pytest.fixture
def clean(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A superuser's connection; afterwards nothing of ALTER SYSTEM's is left, and everybody knows it."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        yield connection
        connection.execute("alter system reset all")
        reload(connection)


@pytest.fixture
def role(clean: psycopg.Connection) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    clean.execute("create role plain login")
    yield "plain"
    clean.execute("drop owned by plain")
    clean.execute("drop role plain")


@pytest.fixture
def as_role(pg_target: Target, role: str) -> Target:
    """The target as that role sees it."""
    url = pg_target.url.get_secret_value().replace("postgres@", f"{role}@")
    return Target(name="main", system=pg_target.system, url=url, memory=pg_target.memory)


def reload(connection: psycopg.Connection) -> None:
    """Reloads the files, and waits until new sessions see it."""
    [(before,)] = connection.execute("select pg_conf_load_time()").fetchall()
    connection.execute("select pg_reload_conf()")
    deadline = time.monotonic() + 5
    while connection.execute("select pg_conf_load_time()").fetchall() == [(before,)] and time.monotonic() < deadline:
        time.sleep(0.01)
