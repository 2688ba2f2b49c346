"""Locks: who may take their key, how soon they end with their holder, and what they do not cover."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
import redis
from applying.acting import Applying, apply, pg_settings, plan_for
from applying.conftest import TARGETS, command, holder, locks, tasks, unhurried, waiting
from faults.scenes import at_work
from fix_servers import ONCE
from freezing import FreezingProxy
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from sharing import SharingProxy
from waiting import PATIENCE, until

from reconciler.applying.executing.step_session import STEP_NAME
from reconciler.applying.lock import locked
from reconciler.applying.lock.advisory import ADVISORY_KEY, HOLDER_NAME
from reconciler.applying.lock.redis import REDIS_NAME
from reconciler.documents import plan as plan_file
from reconciler.errors import ApplyError, ConnectionFailed, LockHeld
from reconciler.model import Target
from reconciler.secrets import Secrets
from reconciler.targets.postgres.opening import FOUND_DEAD, open_connection

__all__ = ["command", "holder", "tasks", "unhurried"]

COLUMNS = {"columns": ["status", "priority desc"]}


def to(target: Target, url: str) -> Target:
    return target.model_copy(update={"url": type(target.url)(url)})


@pytest.fixture
def second(postgres, pg_target) -> Iterator[Target]:
    """Another database of the same server."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create database second")
    with psycopg.connect(postgres.url("second"), autocommit=True) as connection:
        connection.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    yield to(pg_target, postgres.url("second")).model_copy(update={"name": "second"})
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("drop database second (force)")


STRANGERS = [
    (
        "billing",
        r"no apply, as far as can be told, holds its lock: billing \(process {pid}, user postgres",
        "a stranger",
    ),
    ("", r"no apply, as far as can be told, holds its lock: an unnamed application \(process {pid}", "without a name"),
    (f"{HOLDER_NAME}x@y process 1", r"another apply is at work: reconciler apply by x@y", "a name can be copied"),
]


@pytest.mark.parametrize(("name", "said", "reason"), STRANGERS, ids=[row[2] for row in STRANGERS])
def test_a_key_that_a_stranger_holds_refuses_an_apply_and_says_whose_it_is(tasks, pg_target, name, said, reason):
    """Seen before: "another apply is at work: billing", which sent people looking for an apply."""
    resources = declared(pg_target, i=COLUMNS)
    with psycopg.connect(pg_target.url.get_secret_value(), application_name=name, autocommit=True) as stranger:
        stranger.execute("select pg_advisory_lock(%s)", (ADVISORY_KEY,))
        with pytest.raises(LockHeld, match=said.format(pid=stranger.info.backend_pid)) as raised:
            apply(plan_for(pg_target, resources), pg_target)
        if not name.startswith(HOLDER_NAME):
            assert f"select pg_terminate_backend({stranger.info.backend_pid})" in raised.value.hint
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


def test_two_applies_of_settings_on_two_databases_of_one_server_do_not_run_at_once(tasks, pg_target, second):
    """Seen before: both wrote postgresql.auto.conf and reloaded, each with half of the other's settings."""
    plans = [plan_for(each, pg_settings(each, {"work_mem": "7MB"})) for each in (pg_target, second)]
    with (
        locked(pg_target, Secrets({}), lambda: plans[0].created_at, instance=True),
        pytest.raises(LockHeld, match="second: another apply, which changes settings or restarts, is at work on the"),
    ):
        apply(plans[1], second)
    assert apply(plans[1], second).succeeded
    assert plan_for(second, pg_settings(second, {"work_mem": "7MB"})).is_empty


def test_of_two_applies_of_settings_that_start_at_once_neither_is_half_done(tasks, pg_target, second, monkeypatch):
    plans = [plan_for(each, pg_settings(each, {"work_mem": "7MB"})) for each in (pg_target, second)]
    both = [Applying(plan, each) for plan, each in zip(plans, (pg_target, second), strict=True)]
    for one in both:
        one.join(PATIENCE)
        assert one.error is None or "another apply, which changes settings" in str(one.error), one.error
        assert one.error or one.receipt.succeeded
    assert plan_for(second, pg_settings(second, {"work_mem": "7MB"})).is_empty or all(one.error for one in both)


def test_applies_of_indexes_on_two_databases_may_run_at_once(tasks, pg_target, second):
    resources = declared(second, i=COLUMNS)
    with locked(pg_target, Secrets({}), lambda: None):
        assert apply(plan_for(second, resources), second).succeeded
    assert plan_for(second, resources).is_empty


def test_one_apply_of_settings_for_two_databases_of_one_server_does_not_meet_itself(tasks, pg_target, second):
    resources = [*pg_settings(pg_target, {"work_mem": "7MB"}), *pg_settings(second, {"maintenance_work_mem": "77MB"})]
    assert apply(plan_for([pg_target, second], resources), [pg_target, second]).succeeded
    assert plan_for([pg_target, second], resources).is_empty


def test_what_an_apply_without_its_lock_still_runs_is_waited_for(tasks, pg_target):
    resources = declared(pg_target, i=COLUMNS)
    plan = plan_for(pg_target, resources)
    with psycopg.connect(pg_target.url.get_secret_value(), application_name=STEP_NAME) as gone:
        gone.execute("alter table tasks set (fillfactor = 90)")
        applying = Applying(plan, pg_target)
        until(lambda: locks(tasks), "it holds the lock")
        gone.rollback()
    assert applying.ended().succeeded
    assert plan_for(pg_target, resources).is_empty


def test_what_does_not_end_is_named_and_nothing_is_built_beside_it(tasks, pg_target, monkeypatch):
    """Seen before: the next apply began, and met the ALTER of a dead one in the midst of its own."""
    monkeypatch.setattr("reconciler.applying.lock.postgres.LETTING_GO_SECONDS", 0.5)
    resources = declared(pg_target, i=COLUMNS)
    with psycopg.connect(pg_target.url.get_secret_value(), application_name=STEP_NAME) as gone:
        gone.execute("alter table tasks set (fillfactor = 90)")
        with pytest.raises(LockHeld, match="what an apply has begun that lost its lock is still going on") as raised:
            apply(plan_for(pg_target, resources), pg_target)
        assert f"process {gone.info.backend_pid}, user postgres" in str(raised.value)
        assert "alter table tasks set (fillfactor" in str(raised.value)
        assert f"select pg_terminate_backend({gone.info.backend_pid})" in raised.value.hint
    until(lambda: not locks(tasks), "the lock is free")
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


@pytest.mark.matrix
def test_a_lock_ends_though_a_proxy_keeps_its_connection(tasks, pg_target, postgres, command, tmp_path, holder):
    """Seen before: behind what acknowledges for a holder that is gone, the lock was kept for ever."""
    plan_file.write(plan_for(pg_target, declared(pg_target, i=COLUMNS)), tmp_path / "plan.json")
    holder.execute("update tasks set priority = 0 where id = 1")
    with closing(FreezingProxy(postgres.port)) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{tasks.info.dbname}"
        (command.folder / "targets.yaml").write_text(TARGETS.replace('"${DATABASE_URL}"', url))
        soon = {
            "reconciler.applying.lock.holding.DEAD_SECONDS": 2,
            "reconciler.applying.lock.holding.SPEAKING_SECONDS": 0.3,
        }
        process = command.start("apply", tmp_path / "plan.json", constants=soon)
        until(lambda: waiting(tasks, "create index%"), "it builds")
        time.sleep(2 * soon["reconciler.applying.lock.holding.DEAD_SECONDS"])
        assert locks(tasks), "a holder that speaks holds it"
        proxy.after(0)
        process.kill()
        process.communicate()
        until(lambda: not locks(tasks), "the server has let go of the lock, with the proxy still frozen")
        holder.rollback()
    until(lambda: not at_work(tasks), "what it began has ended")
    assert apply(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target).succeeded
    assert plan_for(pg_target, declared(pg_target, i=COLUMNS)).is_empty


@pytest.mark.matrix
def test_the_server_looks_after_our_sessions(pg_target, secrets):
    """Which it finds dead by its own keepalives after a power cut."""
    with closing(open_connection(pg_target, secrets, {})) as ours:
        rows = ours.execute("select name, setting from pg_settings where name = any (%s)", (list(FOUND_DEAD),))
        found = {row["name"]: row["setting"] for row in rows}
    wanted = {**FOUND_DEAD, "idle_in_transaction_session_timeout": "60000"}
    assert found == {name: value for name, value in wanted.items() if name in found}
    assert found["tcp_keepalives_idle"] == "15"


def test_a_holder_of_redis_that_does_not_speak_holds_nothing(redis_target, redis_server, monkeypatch):
    """Seen before: a runner that lost power held the lock until somebody ended its connection on the server."""
    monkeypatch.setattr("reconciler.applying.lock.holding.DEAD_SECONDS", 1)
    resources = redis_settings({"hz": "20"})
    with redis.Redis.from_url(redis_server.url(), retry=ONCE).client() as dead:
        dead.client_setname(f"{REDIS_NAME}|x@y|2026-01-02T03:04:05+0000|1")
        with pytest.raises(LockHeld, match="another apply is at work: reconciler apply by x@y"):
            apply(plan_for(redis_target, resources), redis_target)
        time.sleep(3)
        assert apply(plan_for(redis_target, resources), redis_target).succeeded
    assert plan_for(redis_target, resources).is_empty


def test_a_holder_of_redis_speaks(redis_target, monkeypatch):
    monkeypatch.setattr("reconciler.applying.lock.holding.DEAD_SECONDS", 1)
    monkeypatch.setattr("reconciler.applying.lock.holding.SPEAKING_SECONDS", 0.2)
    plan = plan_for(redis_target, redis_settings({"hz": "20"}))
    with locked(redis_target, Secrets({}), lambda: plan.created_at) as held:
        time.sleep(3)
        with pytest.raises(LockHeld):
            apply(plan, redis_target)
        held()


def test_a_holder_of_redis_that_was_silent_for_too_long_stops(redis_target, monkeypatch):
    """Somebody else may hold it by then: a machine that slept."""
    monkeypatch.setattr("reconciler.applying.lock.redis.DOUBTFUL_SECONDS", 0.1)
    with locked(redis_target, Secrets({}), lambda: plan_for(redis_target, []).created_at) as held:
        time.sleep(0.3)
        with pytest.raises(ApplyError, match="its connection was silent for"):
            held()


def test_a_proxy_that_shares_connections_of_redis_is_refused(redis_target, redis_server, redis_client):
    """Seen before: the name was given to one connection, and asked of another."""
    with closing(SharingProxy(redis_server.port)) as proxy:
        target = to(redis_target, f"redis://127.0.0.1:{proxy.port}/0")
        plan = plan_for(target, redis_settings({"hz": "20"}))
        with pytest.raises(ConnectionFailed, match="cache: a proxy that shares connections stands between"):
            apply(plan, target)
        assert [client["name"] for client in redis_client.client_list() if client["name"]] == []
    assert redis_client.config_get("hz") == {"hz": "10"}


def test_a_proxy_that_does_not_share_them_is_none_of_our_business(redis_target, redis_server):
    with closing(FreezingProxy(redis_server.port)) as proxy:
        target = to(redis_target, f"redis://127.0.0.1:{proxy.port}/0")
        assert apply(plan_for(target, redis_settings({"hz": "20"})), target).succeeded
        assert plan_for(target, redis_settings({"hz": "20"})).is_empty
