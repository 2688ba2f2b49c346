"""Combinations with which a server does not start: refused by the plan, and truly so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest
from fix_servers import postgres_binaries, version_of
from live import changes, converge, outcomes
from setting_cases import settings

from reconciler.demo.servers import PostgresServer, ServerFailed
from reconciler.kinds.pg_setting import KIND
from reconciler.model import NoticeType, System, Target

_numbers = itertools.count()


class Case(NamedTuple):
    reason: str
    there: dict[str, str]
    declared: dict[str, str]
    message: str


CASES = [
    Case("a forgotten unit", {}, {"max_wal_size": "12"}, "max_wal_size must be at least 32MB, twice wal_segment_size"),
    Case("a unit too small", {}, {"min_wal_size": "16MB"}, "min_wal_size must be at least 32MB"),
    Case("fewer connections than are reserved", {"superuser_reserved_connections": "10"}, {"max_connections": "5"},
         "superuser_reserved_connections (10)"),
    Case("both declared", {}, {"superuser_reserved_connections": "9", "max_connections": "9"}, "max_connections (9)"),
    Case("minimal, with senders", {}, {"wal_level": "minimal"}, "declare max_wal_senders: 0 as well"),
    Case("minimal, with an archive", {"max_wal_senders": "0"}, {"wal_level": "minimal", "archive_mode": "on"},
         "archive_mode on"),
]  # fmt: skip


@pytest.fixture
def server(postgres: PostgresServer, folder) -> Iterator[PostgresServer]:
    """One of its own, of the same version, that may be broken."""
    binaries = postgres_binaries()[version_of(postgres.binaries / "postgres")]
    own = PostgresServer(folder / f"startup-{next(_numbers)}", binaries, {"fsync": "off"})
    own.start()
    yield own
    own.stop("immediate")


def target(server: PostgresServer) -> Target:
    return Target(name="main", system=System.POSTGRES, url=server.url())


def set_by_hand(server: PostgresServer, values: dict[str, str]) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for name, value in values.items():
            connection.execute(f"alter system set {name} = '{value}'")


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
def test_what_would_keep_the_server_from_starting_is_blocked_and_truly_would(server, case):
    set_by_hand(server, case.there)
    server.restart()
    found = outcomes(KIND, target(server), settings(case.declared))
    blocked = [outcome.message for outcome in found if getattr(outcome, "type", "") is NoticeType.BLOCKED]
    assert [message for message in blocked if "the server would not start" in message and case.message in message]

    set_by_hand(server, case.declared)
    with pytest.raises(ServerFailed):
        server.restart()
    (server.data / "postgresql.auto.conf").write_text("")


TOGETHER = [
    {"superuser_reserved_connections": "2", "max_connections": "9"},
    {"max_connections": "9", "superuser_reserved_connections": "2"},
    {"wal_level": "minimal", "max_wal_senders": "0"},
    {"max_wal_size": "32MB", "min_wal_size": "32MB"},
]


@pytest.mark.parametrize("declared", TOGETHER, ids=" and ".join)
def test_what_goes_together_is_planned_together_and_the_server_starts(server, declared):
    set_by_hand(server, {"superuser_reserved_connections": "9"})
    server.restart()
    planned = changes(KIND, target(server), settings(declared))
    for change in planned:
        resource = KIND.resource.model_validate(dict(change.desired))
        alone = [each for each in KIND.plan(resource, _seen(server, resource)) if each.address == change.address]
        assert alone == [change], "apply looks at one resource at a time, and has to come to the same"
    converge(KIND, target(server), settings(declared))
    server.restart()


def _seen(server: PostgresServer, resource):
    from reconciler.secrets import Secrets
    from reconciler.targets.connect import connect

    session = connect(target(server), Secrets({}))
    try:
        return KIND.observe(session, [resource])[resource.address]
    finally:
        session.close()
