"""The locks of many databases that one session holds: each is as good as one with a session of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import psycopg
import pytest
from pg_index.declared import declared
from waiting import until

from applying.acting import apply, now, plan_for
from applying.conftest import tasks
from reconciler.applying.lock import locked
from reconciler.applying.lock.advisory import STANDING_IN
from reconciler.applying.lock.postgres import PostgresLock
from reconciler.demo.postgres_server import PostgresServer
from reconciler.errors import ApplyError, LockHeld
from reconciler.model import Target
from reconciler.model.event import Step
from reconciler.secrets import Secrets

__all__ = ["tasks"]

COLUMNS = {"columns": ["status"]}
SECRETS = Secrets({})
LOCKS = "select pid from pg_stat_activity where application_name like 'reconciler apply by %'"


def databases(server: PostgresServer, like: Target, many: int) -> list[Target]:
    """So many new ones, with a table each."""
    names = [f"many_{number}" for number in range(many)]
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database {name}".encode())
            with psycopg.connect(server.url(name), autocommit=True) as inside:
                inside.execute("create table tasks (id bigint primary key, status text)")
    url = type(like.url)
    return [like.model_copy(update={"name": name, "url": url(server.url(name))}) for name in names]


@pytest.fixture
def three(postgres, pg_target) -> Iterator[Sequence[Target]]:
    made = databases(postgres, pg_target, 3)
    yield made
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for each in made:
            connection.execute(f"drop database {each.name} (force)".encode())


def taken(targets: Sequence[Target], opened: ExitStack, *, instance: bool = False) -> list[PostgresLock]:
    held: list = []
    for each in targets:
        one = locked(each, SECRETS, now, instance=instance, ours=lambda: [lock.pid for lock in held], held=held)
        held.append(opened.enter_context(one))
    return held


def refused(target: Target, *, instance: bool = False) -> str:
    with pytest.raises(LockHeld) as raised, locked(target, SECRETS, now, instance=instance):
        pass
    return raised.value.message


def test_while_several_are_applied_each_is_locked(tasks, three):
    seen = []

    def try_all(told):
        if isinstance(told, Step):
            seen.extend(refused(each) for each in three)

    resources = [each for target in three for each in declared(target, i=COLUMNS)]
    assert apply(plan_for(three, resources), three, listener=try_all).succeeded
    assert len(seen) >= 9
    assert all("another apply is at work: reconciler apply by" in each for each in seen)
    for each in three:
        with locked(each, SECRETS, now):
            pass


def test_who_has_one_of_them_is_told_of_and_nothing_stays_locked(tasks, three):
    with locked(three[2], SECRETS, now), ExitStack() as opened, pytest.raises(LockHeld, match="many_2: another apply"):
        taken(three, opened)
    with ExitStack() as opened:
        assert len(taken(three, opened)) == 3


def test_after_a_restart_each_is_taken_anew(tasks, three):
    with ExitStack() as opened:
        held = taken(three, opened, instance=True)
        [(pid,)] = tasks.execute(LOCKS).fetchall()
        tasks.execute("select pg_terminate_backend(%s)", (pid,))
        until(lambda: tasks.execute(LOCKS).fetchall() == [], "it has ended")
        for lock in held:
            with pytest.raises(ApplyError, match="the lock was lost"):
                lock()
        for lock in held:
            lock.again()
            lock()
        [(again,)] = tasks.execute(LOCKS).fetchall()
        assert again != pid
        assert {lock.pid for lock in held} == {again}
        assert all("another apply" in refused(each) for each in three)


def test_the_lock_of_the_whole_server_is_held_for_each(tasks, pg_target, three):
    with ExitStack() as opened:
        taken(three[:1], opened)
        held = taken(three[1:], opened, instance=True)
        assert "another apply, which changes settings or restarts" in refused(pg_target, instance=True)
        assert len({lock.pid for lock in held}) == 1
    with locked(pg_target, SECRETS, now, instance=True):
        pass


def test_a_session_on_another_server_stands_in_for_nothing(tasks, three, monkeypatch):
    """As behind one address that leads to several: it takes the key, where nobody sees it."""
    monkeypatch.setattr(PostgresLock, "_stand_in", lambda *_, **__: True)
    with ExitStack() as opened:
        held = taken(three, opened)
        assert len({lock.pid for lock in held}) == len(tasks.execute(LOCKS).fetchall()) == 3
        assert all("another apply is at work" in refused(each) for each in three)


def test_a_stranger_who_stands_in_for_a_lock_is_told_of(tasks, three):
    with psycopg.connect(three[0].url.get_secret_value(), application_name="billing", autocommit=True) as stranger:
        number = "select oid from pg_database where datname = %s"
        [(database,)] = stranger.execute(number, (three[1].name,)).fetchall()
        stranger.execute("select pg_advisory_lock(%s)", (STANDING_IN | database,))
        assert "no apply, as far as can be told, holds its lock: billing" in refused(three[1])
        with locked(three[0], SECRETS, now):
            pass


@pytest.mark.thorough
def test_more_databases_than_a_server_has_connections_are_applied_in_one_go(postgres, pg_target, folder):
    """Before: too many clients, at the seventh lock."""
    server = PostgresServer(
        folder / f"few-{postgres.port}", postgres.binaries, {"fsync": "off", "max_connections": "10"}
    )
    with ExitStack() as opened:
        opened.callback(server.stop, "immediate")
        server.start()
        targets = databases(server, pg_target, 12)
        resources = [each for target in targets for each in declared(target, i=COLUMNS)]
        seen = []

        def counted(told):
            if isinstance(told, Step):
                with psycopg.connect(server.url(), autocommit=True) as connection:
                    ours = "select count(*) from pg_stat_activity where application_name like 'reconciler%'"
                    seen.extend(connection.execute(ours).fetchone())

        assert apply(plan_for(targets, resources), targets, listener=counted, parallel=1).succeeded
        assert max(seen) == 3
        assert plan_for(targets, resources).is_empty
