"""Several targets: connected to, locked and rehearsed on side by side within a bound, and nothing runs before that."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings

from applying.acting import apply, now, plan_for
from reconciler.applying.lock import locked
from reconciler.applying.target_group import TargetGroup
from reconciler.errors import LockHeld
from reconciler.model import Target
from reconciler.model.event import Step
from reconciler.secrets import Secrets
from reconciler.targets.postgres.bounded_connection import HeardConnection

COLUMNS = {"columns": ["status"]}


@pytest.fixture
def others(postgres, pg_target) -> Iterator[list[Target]]:
    """Three more databases of the server, each with a table."""
    names = [f"group_{number}" for number in range(3)]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database {name}")
            with psycopg.connect(postgres.url(name), autocommit=True) as inside:
                inside.execute("create table tasks (id bigint primary key, status text)")
        url = type(pg_target.url)
        yield [pg_target.model_copy(update={"name": name, "url": url(postgres.url(name))}) for name in names]
        for name in names:
            connection.execute(f"drop database {name} (force)")


@pytest.mark.parametrize("at_once", [1, 16])
def test_nothing_runs_where_one_of_several_is_locked(tasks, pg_target, redis_target, at_once):
    resources = [*declared(pg_target, i=COLUMNS), *redis_settings({"maxmemory": "100mb"})]
    targets = [pg_target, redis_target]
    plan = plan_for(targets, resources)
    with (
        locked(redis_target, Secrets({}), now),
        pytest.raises(LockHeld, match="cache: another apply is at work"),
    ):
        apply(plan, targets, at_once=at_once)
    assert tasks.execute("select to_regclass('i')").fetchone() == (None,)
    assert apply(plan, targets, at_once=at_once).succeeded, "the lock of the other target was let go"
    assert plan_for(targets, resources).is_empty


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_targets_than_asked_are_connected_to_at_once(tasks, pg_target, redis_target, at_once, monkeypatch):
    """Each waits until another is there as well, for a moment: where one at a time may, there never is."""
    lock, there, most = TargetGroup.lock, [], []
    another = threading.Event()

    def counted(group, *arguments):
        there.append(group)
        most.append(len(there))
        if len(there) > 1:
            another.set()
        another.wait(0.3 if at_once == 1 else None)
        lock(group, *arguments)
        there.remove(group)

    monkeypatch.setattr(TargetGroup, "lock", counted)
    resources = [*declared(pg_target, i=COLUMNS), *redis_settings({"maxmemory": "100mb"})]
    targets = [pg_target, redis_target]
    assert apply(plan_for(targets, resources), targets, at_once=at_once).succeeded
    assert max(most) == at_once
    assert plan_for(targets, resources).is_empty


def test_of_several_databases_of_one_server_only_one_is_read_and_written_at_a_time(tasks, others):
    """Seen to fail while each of them kept the sessions that it was rehearsed and looked at by."""
    resources = [each for target in others for each in declared(target, i=COLUMNS)]
    plan = plan_for(others, resources)
    seen = []

    def counted(told):
        if isinstance(told, Step):
            ours = "select count(*) from pg_stat_activity where application_name like 'reconciler%'"
            seen.extend(tasks.execute(ours).fetchone())

    assert apply(plan, others, listener=counted, parallel=1).succeeded
    assert max(seen) == 3, "the one with all locks, one that looks, and one that writes"
    assert plan_for(others, resources).is_empty


@pytest.mark.parametrize("parallel", [1, 2])
def test_databases_of_one_server_take_three_sessions_however_many_they_are(tasks, others, monkeypatch, parallel):
    """At each moment, also while they are locked and rehearsed on. Before, each had a session for its lock."""
    resources = [each for target in others for each in declared(target, i=COLUMNS)]
    plan = plan_for(others, resources)
    connect, made, at_once = HeardConnection.connect, [], []

    def counted(conninfo: str, **options):
        made.append(connect(conninfo, **options))
        at_once.append(sum(not each.closed for each in made))
        return made[-1]

    monkeypatch.setattr(HeardConnection, "connect", counted)
    assert apply(plan, others, parallel=parallel).succeeded
    assert max(at_once) == 3, "the one with all locks, one that looks, and one that writes"
    assert plan_for(others, resources).is_empty
