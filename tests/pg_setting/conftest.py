from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from waiting import reload

from reconciler.demo.postgres_server import PostgresServer
from reconciler.model import PostgresTarget, Target


@pytest.fixture
def clean(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A superuser's connection; afterwards nothing of ALTER SYSTEM's is left, and everybody knows it."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        yield connection
        connection.execute("alter system reset all")
        reload(connection)


@pytest.fixture
def role(clean: psycopg.Connection, sql: psycopg.Connection) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    clean.execute("create role plain login")
    yield "plain"
    for connection in (clean, sql):  # grants on functions are those of one database
        connection.execute("drop owned by plain")
    clean.execute("drop role plain")


@pytest.fixture
def as_role(pg_target: Target, role: str) -> Target:
    """The target as that role sees it."""
    url = pg_target.url.get_secret_value().replace("postgres@", f"{role}@")
    return PostgresTarget(name="main", url=url, memory=pg_target.memory)
