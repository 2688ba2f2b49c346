"""Other people in the database, and how their code is seen to have run.

A mark is a line in the server's log, written by a function as it runs: no transaction takes it back, and being
read-only does not keep it from being written. It holds the role that ran it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from attacks.repository import Application, Checkout, Stranger
from reconciler.demo.postgres_server import PostgresServer

MARK = "RAN ON BEHALF OF"


def payload(signature: str, returns: str, value: str, claims: str = "immutable") -> str:
    """A function that leaves its mark, and claims to be harmless."""
    return (
        f"create or replace function {signature} returns {returns} language plpgsql {claims} as "
        f"$$ begin raise warning '{MARK} %', current_user; return {value}; end $$;"
    )


@pytest.fixture
def mallory(sql: psycopg.Connection, database: str, postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A session of a role without any right but to connect, and to make objects in its own schema `evil`."""
    name = f"mallory_{sql.info.dbname}"
    sql.execute(f"create role {name} login")
    sql.execute(f"create schema evil authorization {name}")
    with psycopg.connect(postgres.url(sql.info.dbname, name), autocommit=True) as connection:
        yield connection
    sql.execute("drop owned by " + name + " cascade")
    sql.execute(f"alter database {sql.info.dbname} owner to postgres")
    sql.execute(f"drop role {name}")


@pytest.fixture
def marks(postgres: PostgresServer) -> Callable[[str], list[str]]:
    """The marks of code that ran as a role, since the test began."""
    before = len(postgres.log)

    def left(role: str = "postgres") -> list[str]:
        return [line for line in postgres.log[before:].splitlines() if f"{MARK} {role}" in line]

    return left


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def application() -> Iterator[Application]:
    server = Application()
    yield server
    server.stop()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    server = Stranger()
    yield server
    server.stop()
