"""Many targets read at once: what cannot be read, how often it is waited for, and how many sessions that takes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
from pydantic import SecretStr

from reconciler.model import PostgresTarget, RedisTarget, Target, UnreadReason
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.thread_pool import MOST_SESSIONS_ON_A_SERVER

NOW = datetime(2026, 3, 4, tzinfo=UTC)


class Mute:
    """A server that takes connections and says nothing; counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._kept: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listening, *self._kept):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._kept.append(self._listening.accept()[0])
                self.connections += 1


class Sessions:
    """Connections of this process to PostgreSQL: how many were opened, and the most that were open at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = self.most = 0
        self._open: set[int] = set()
        self._lock = threading.Lock()
        connect, close = HeardConnection.connect, HeardConnection.close

        def opened(*arguments, **options):
            connection = connect(*arguments, **options)
            with self._lock:
                self.opened += 1
                self._open.add(id(connection))
                self.most = max(self.most, len(self._open))
            return connection

        def closed(connection):
            with self._lock:
                self._open.discard(id(connection))
            close(connection)

        monkeypatch.setattr(HeardConnection, "connect", opened)
        monkeypatch.setattr(HeardConnection, "close", closed)


@pytest.fixture
def mute() -> Iterator[Mute]:
    made = Mute()
    yield made
    made.close()


def named(targets: list[Target]) -> dict[str, Target]:
    return {target.name: target for target in targets}


def test_a_server_that_says_nothing_is_waited_for_only_so_often_whatever_is_there(monkeypatch, mute):
    """Four at once, and those that begin before the last of these four has come to its end."""
    monkeypatch.setattr("reconciler.targets.bounds.CONNECT_SECONDS", 2)
    targets: list[Target] = [
        PostgresTarget(name=f"t{number}", url=SecretStr(f"postgresql://127.0.0.1:{mute.port}/d{number}"))
        for number in range(20)
    ]
    plan = make_plan(named(targets), [], Secrets({}), created_at=NOW)
    assert MOST_SESSIONS_ON_A_SERVER <= mute.connections < 2 * MOST_SESSIONS_ON_A_SERVER
    assert [each.target for each in plan.unreachable] == [target.name for target in targets]
    assert {each.reason for each in plan.unreachable} == {UnreadReason.SILENT}
    not_asked = [each for each in plan.unreachable if each.message.startswith("not asked")]
    assert len(not_asked) == 20 - mute.connections


def test_reasons_tell_silence_from_refusal_and_secrets_are_in_none(monkeypatch, mute):
    monkeypatch.setattr("reconciler.targets.redis.opening.ANSWER_TIMEOUT", 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        targets: list[Target] = [
            RedisTarget(name="mute", url=SecretStr(f"redis://:s3cretword@127.0.0.1:{mute.port}"), declared_at="t:1:1"),
            RedisTarget(name="none", url=SecretStr(f"redis://:s3cretword@127.0.0.1:{nobody.getsockname()[1]}")),
        ]
        plan = make_plan(named(targets), [], Secrets({}), created_at=NOW)
    assert [(each.target, each.reason, each.declared_at) for each in plan.unreachable] == [
        ("mute", UnreadReason.SILENT, "t:1:1"), ("none", UnreadReason.NOT_CONNECTED, ""),
    ]  # fmt: skip
    assert "s3cretword" not in str(plan)


@pytest.mark.parametrize("jobs", [1, 16])
def test_many_databases_of_one_server_never_take_more_than_four_of_its_connections(postgres, jobs, monkeypatch):
    names = [f"fleet_{number}" for number in range(12)]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database {name}")
        targets: list[Target] = [PostgresTarget(name=name, url=SecretStr(postgres.url(name))) for name in names]
        counted = Sessions(monkeypatch)
        try:
            plan = make_plan(named(targets), [], Secrets({}), created_at=NOW, at_once=jobs)
            assert list(plan.targets) == names
            assert plan.unreachable == ()
            assert counted.opened == len(names)
            assert counted.most <= min(jobs, MOST_SESSIONS_ON_A_SERVER)
        finally:
            for name in names:
                connection.execute(f"drop database {name} (force)")
