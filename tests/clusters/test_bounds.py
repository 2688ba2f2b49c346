"""A policy's bounds on what a server bears: what is over one is held, and the next apply makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from applying.acting import apply, pg_settings, plan_for
from pg_index.declared import tables
from restarting import restart_command
from waiting import until

from clusters.pair import Pair
from reconciler.model import Applied, Bounds, HazardType, Policy, PostgresTarget, Receipt

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]


@pytest.fixture
def table(pair: Pair) -> Iterator[None]:
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute("create table bounded (id int, name text)")
        yield
        connection.execute("drop table bounded")


@contextmanager
def replay_paused(pair: Pair) -> Iterator[None]:
    with psycopg.connect(pair.standby.url(), autocommit=True) as connection:
        connection.execute("select pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("select pg_wal_replay_resume()")
    pair.replayed()


def written(pair: Pair) -> None:
    """Some WAL, of which the primary knows by now that the standby has not replayed it."""
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute("insert into bounded select i, repeat('x', 100) from generate_series(1, 20000) i")

        def behind() -> bool:
            return connection.execute(
                "select bool_and(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 1 << 20 "
                "and replay_lag > '1 second') from pg_stat_replication"
            ).fetchone()[0]

        until(behind, "a standby that is behind")


def bounded(pair: Pair, url: str = "", **other) -> PostgresTarget:
    policy = Policy(bounds=Bounds(**other), declared_at="x.yaml:1:1")
    return PostgresTarget(name="main", url=url or pair.primary.url(), policy=policy)


def built(of: PostgresTarget) -> Receipt:
    wanted = tables(of, {"public.bounded": {"indexes": {"bounded_id": {"columns": ["id"]}}}})
    return apply(plan_for(of, wanted), of)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("most", "words"), [(1 << 20, "MB behind, and the bound is 1 MB"), (timedelta(seconds=1), "and the bound is 1 s")]
)
def test_a_build_is_held_while_a_replica_is_behind_and_made_by_the_next_apply(pair, table, most, words):
    of = bounded(pair, replica_lag=most)
    with replay_paused(pair):
        written(pair)
        [held] = built(of).changes
    assert held.result is Applied.HELD
    assert f"lets nothing begin now: its replica {pair.standby.data.parent.name}" in held.message
    assert words in held.message
    assert not held.steps
    assert built(of).succeeded


def test_wal_and_disks_are_seen_beside_the_server(pair, table):
    [held] = built(bounded(pair, wal=1, free_disk=1 << 60)).changes
    assert held.result is Applied.HELD
    assert " of WAL, and the bound is 1 bytes; its fullest disk has " in held.message
    assert built(bounded(pair, wal=1 << 40, free_disk=1)).succeeded


def test_what_a_role_may_not_see_is_held_with_what_to_grant(pair, table):
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute("create role builder login")
        connection.execute("alter table bounded owner to builder")
        connection.execute("grant create on schema public to builder")
        try:
            url = pair.primary.url().replace("postgres@", "builder@")
            of = bounded(pair, url, replica_lag=1 << 40, wal=1 << 40)
            [held] = built(of).changes
            assert held.result is Applied.HELD
            assert "how far its replicas are behind cannot be seen: grant pg_monitor to its role" in held.message
            assert "how much WAL it keeps cannot be seen: grant pg_monitor to its role" in held.message
            connection.execute("grant pg_monitor to builder")
            assert built(of).succeeded
        finally:
            connection.execute("alter table bounded owner to postgres")
            connection.execute("drop owned by builder")
            connection.execute("drop role builder")


def test_a_restart_is_held_and_made_by_the_next_apply(pair):
    of = bounded(pair, wal=1).model_copy(update={"restart": restart_command(pair.primary), "memory": 4 << 30})
    wanted = pg_settings(of, {"wal_buffers": "2MB"})
    receipt = apply(plan_for(of, wanted), of, allowed=[HazardType.RESTART])
    assert [each.result for each in receipt.changes] == [Applied.APPLIED, Applied.HELD]
    free = of.model_copy(update={"policy": Policy()})
    assert apply(plan_for(free, wanted), free, allowed=[HazardType.RESTART]).succeeded
    assert plan_for(free, wanted).is_empty
