"""What goes wrong on the way: said in plain words, undone where it can be, and mended by the next run."""

from __future__ import annotations

import threading

import psycopg
import pytest
from pg_index.declared import declared, tables
from redis_setting.declared import declared as redis_settings
from waiting import given_time, until

from applying.acting import Applying, Seen, apply, lock_timeout, message, pg_settings, plan_for, results
from applying.conftest import waiting
from reconciler.applying import settings_batch, verification
from reconciler.applying.interruption import Interruption
from reconciler.model import Applied
from reconciler.planning import staleness
from reconciler.views import render_receipt

COLUMNS = {"columns": ["status", "priority desc"]}


def test_a_server_that_restarts_in_the_midst_of_a_build(tasks, pg_target, holder, postgres, leftovers):
    holder.execute("update tasks set priority = 0 where id = 1")
    wanted = declared(pg_target, i=COLUMNS)
    applying = Applying(plan_for(pg_target, wanted), pg_target)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    postgres.stop("immediate")
    receipt = applying.ended()
    postgres.start()
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "main: the connection was lost" in message(receipt)
    with psycopg.connect(pg_target.url.get_secret_value(), autocommit=True) as fresh:
        assert apply(plan_for(pg_target, wanted), pg_target).succeeded
        assert plan_for(pg_target, wanted).is_empty
        rows = fresh.execute("select count(*), bool_and(indisvalid) from pg_index where indrelid = 'tasks'::regclass")
        assert rows.fetchone() == (2, True)


def test_a_server_that_is_gone_is_not_asked_again_for_every_change(tasks, pg_target, holder, postgres):
    holder.execute("update tasks set priority = 0 where id = 1")
    wanted = declared(pg_target, i=COLUMNS, j={"columns": ["title"]}, k={"columns": ["id", "title"]})
    applying = Applying(plan_for(pg_target, wanted), pg_target)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    postgres.stop("immediate")
    receipt = applying.ended()
    postgres.start()
    assert "the connection was lost" in receipt.changes[0].message
    assert "cannot connect" in receipt.changes[1].message
    assert not receipt.succeeded


@pytest.mark.parametrize(
    ("held", "level"),
    [("update tasks set title = 'secret value' where id = 1", "READ_COMMITTED"), ("select 1 from users", "SNAPSHOT")],
)
def test_a_build_that_waits_too_long_names_who_it_waited_for(held, level, tasks, pg_target, holder, leftovers):
    if level == "SNAPSHOT":
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    wanted = declared(pg_target, i=COLUMNS)
    pid = holder.info.backend_pid

    def attempt(seconds: float):
        holder.rollback()
        tasks.execute("drop index if exists i")
        holder.execute(held)
        listener = Seen()
        with lock_timeout(seconds):
            receipt = apply(plan_for(pg_target, wanted), pg_target, listener=listener)
        return receipt, [look for look in listener.waits if pid in [blocker.pid for blocker in look.blockers]]

    waited = f"waited for process {pid}, user postgres (the report), idle in transaction for"
    receipt, waits = given_time(attempt, lambda found: found[1] and waited in message(found[0]))
    assert results(receipt) == {"public.i": Applied.FAILED}
    said = message(receipt)
    assert "canceling statement due to lock timeout (55P03)" in said
    assert "in: create index concurrently i on public.tasks" in said
    assert waited in said
    assert "secret value" not in said
    assert waits[0].phase.startswith("waiting for")
    holder.rollback()
    assert apply(plan_for(pg_target, wanted), pg_target).succeeded
    leftovers("i")


def test_a_build_that_waits_for_a_prepared_transaction_names_it(tasks, pg_target, leftovers):
    wanted = declared(pg_target, i=COLUMNS)

    def attempt(seconds: float):
        tasks.execute("drop index if exists i")
        tasks.execute("begin")
        tasks.execute("update tasks set priority = 0 where id = 1")
        tasks.execute("prepare transaction 'forgotten one'")
        try:
            with lock_timeout(seconds):
                return apply(plan_for(pg_target, wanted), pg_target)
        finally:
            tasks.execute("rollback prepared 'forgotten one'")

    receipt = given_time(attempt, lambda receipt: "waited for" in message(receipt))
    assert "waited for prepared transaction 'forgotten one' of user postgres" in message(receipt)
    assert apply(plan_for(pg_target, wanted), pg_target).succeeded
    leftovers("i")


def test_a_promise_that_redis_does_not_keep_is_undone(redis_target, redis_client, monkeypatch):
    """As of a version whose ranges are not known; else the plan would refuse it."""
    monkeypatch.setattr("reconciler.kinds.redis_setting.values.accepted_ranges.TRIED", frozenset())
    plan = plan_for(redis_target, redis_settings({"hz": "1000", "maxmemory": "100mb"}))
    receipt = apply(plan, redis_target)
    assert results(receipt) == {"hz": Applied.FAILED, "maxmemory": Applied.APPLIED}
    said = receipt.changes[0].message
    assert "all steps ran, and yet it is not as promised: value was 10 in the plan and is 500 now" in said
    assert said.endswith("it was undone")
    assert redis_client.config_get("hz") == {"hz": "10"}
    assert not receipt.succeeded


def test_a_change_that_cannot_be_persisted_is_taken_back_so_that_the_next_plan_has_it_again(
    redis_target, redis_client, redis_server
):
    """A value that runs as declared, and is in no file, could never be told from one that is."""
    wanted = redis_settings({"maxmemory": "100mb"})
    plan = plan_for(redis_target, wanted)
    content = redis_server.conf.read_text()
    redis_server.conf.unlink()
    redis_server.conf.mkdir()  # a folder cannot be written as a file, not even by root
    receipt = apply(plan, redis_target)
    redis_server.conf.rmdir()
    redis_server.conf.write_text(content)
    assert results(receipt) == {"maxmemory": Applied.FAILED}
    assert "the configuration file could not be written" in message(receipt)
    assert "in: CONFIG REWRITE" in message(receipt)
    assert redis_client.config_get("maxmemory") == {"maxmemory": "0"}
    assert apply(plan_for(redis_target, wanted), redis_target).succeeded
    assert "maxmemory 100mb" in redis_server.conf.read_text().lower() or "104857600" in redis_server.conf.read_text()


def test_what_cannot_be_seen_at_the_end_is_not_said_to_be_done(tasks, pg_target, postgres):
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    receipt = apply(plan, pg_target, record=lambda _: postgres.stop("immediate"))
    postgres.start()
    assert results(receipt) == {"public.i": Applied.APPLIED}
    assert receipt.remaining == ()
    [one] = receipt.unlooked
    assert str(one.address) == "main/pg_index/public.i"
    assert "main" in one.why
    assert not receipt.succeeded
    said = render_receipt(receipt, format="text")
    assert "Not looked at again: " in said
    assert "Whether anything is left only a new plan tells." in said


def test_a_setting_that_never_comes_true_is_undone(tasks, pg_target, postgres, monkeypatch):
    """After the last look at the files somebody breaks postgresql.conf: the server then keeps all that it had."""
    monkeypatch.setattr(verification, "SETTLING_SECONDS", 0.5)
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))
    conf = postgres.data / "postgresql.conf"
    before = conf.read_text()

    def looked(*_):
        conf.write_text(before + "\nthis is not a setting at all\n")

    monkeypatch.setattr(settings_batch, "refuse_new", looked)
    try:
        receipt = apply(plan, pg_target)
    finally:
        conf.write_text(before)
    assert results(receipt) == {"work_mem": Applied.FAILED}
    assert "not as promised" in message(receipt)
    assert message(receipt).endswith("it was undone")
    assert "work_mem" not in (postgres.data / "postgresql.auto.conf").read_text()


def test_a_role_that_may_not_is_told_so_and_the_others_go_on(tasks, pg_target, postgres):
    tasks.execute("drop role if exists builder")
    tasks.execute("create role builder login")
    tasks.execute("alter table users owner to builder")
    tasks.execute("grant create on schema public to builder")
    builder = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(tasks.info.dbname, "builder"))})
    wanted = tables(builder, {"public.tasks": {"indexes": {"i": COLUMNS}}, "public.users": {"indexes": {"j": COLUMNS}}})
    receipt = apply(plan_for(builder, wanted), builder)
    tasks.execute("reassign owned by builder to postgres")
    tasks.execute("drop owned by builder")
    tasks.execute("drop role builder")
    assert results(receipt) == {"public.i": Applied.FAILED, "public.j": Applied.APPLIED}
    assert "public.tasks belongs to postgres" in receipt.changes[0].message
    assert receipt.changes[0].steps == ()


def test_a_mistake_of_ours_in_one_change_does_not_take_the_others_with_it(tasks, pg_target, monkeypatch):
    real = staleness.judge

    def mistaken(change, outcomes):
        if change.address.name == "public.i":
            raise KeyError("nobody thought of this")
        return real(change, outcomes)

    monkeypatch.setattr(staleness, "judge", mistaken)
    receipt = apply(plan_for(pg_target, declared(pg_target, i=COLUMNS, j={"columns": ["title"]})), pg_target)
    assert results(receipt) == {"public.i": Applied.FAILED, "public.j": Applied.APPLIED}
    assert "unexpected KeyError: 'nobody thought of this'" in receipt.changes[0].message


def test_a_listener_that_fails_stops_nothing(tasks, pg_target):
    class Closed(Seen):
        def __call__(self, told):
            raise BrokenPipeError

    def full_disk(receipt):
        raise OSError("No space left on device")

    receipt = apply(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target, listener=Closed(), record=full_disk)
    assert receipt.succeeded


def test_the_receipt_is_complete_after_every_change(tasks, pg_target):
    seen = []
    plan = plan_for(pg_target, declared(pg_target, a=COLUMNS, b={"columns": ["title"]}))
    made = apply(plan, pg_target, record=seen.append)
    assert [[change.result for change in receipt.changes] for receipt in seen] == [
        [Applied.APPLIED, Applied.NOT_RUN],
        [Applied.APPLIED, Applied.APPLIED],
    ]
    assert [receipt.succeeded for receipt in seen] == [False, False], "nobody has looked yet at what came of it"
    assert made.succeeded
    assert seen[0].changes[1].message == "the apply did not come to its end"


def test_interrupted_behind_the_last_change_it_is_no_success(tasks, pg_target):
    """Nobody has looked at what came of it: before, it ended with 0."""
    interruption, seen = Interruption(), Seen()
    plan = plan_for(pg_target, declared(pg_target, a=COLUMNS))
    made = apply(plan, pg_target, listener=seen, interruption=interruption, record=lambda _: interruption.set())
    assert [change.result for change in made.changes] == [Applied.APPLIED]
    assert not made.succeeded
    assert made.notes == ("interrupted: nobody has looked at what came of the changes",)
    assert [*made.notes] == seen.notes


def test_builds_on_two_tables_run_side_by_side_and_two_on_one_never(tasks, pg_target, holder):
    holder.execute("update tasks set priority = 0 where id = 1")
    holder.execute("update users set priority = 0 where id = 1")
    two = {"a": COLUMNS, "b": {"columns": ["title"]}}
    wanted = tables(pg_target, {"public.tasks": {"indexes": two}, "public.users": {"indexes": {"c": COLUMNS}}})
    applying = Applying(plan_for(pg_target, wanted), pg_target, parallel=3)
    statement = "select query from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'create index%'"
    until(lambda: len(tasks.execute(statement).fetchall()) == 2, "two builds wait")
    assert {query.split()[5] for (query,) in tasks.execute(statement)} == {"public.tasks", "public.users"}
    holder.rollback()
    assert applying.ended().succeeded


def test_one_at_a_time_is_one_at_a_time(tasks, pg_target, holder):
    holder.execute("update tasks set priority = 0 where id = 1")
    wanted = tables(pg_target, {f"public.{name}": {"indexes": {f"{name}_i": COLUMNS}} for name in ("tasks", "users")})
    listener = Seen()
    applying = Applying(plan_for(pg_target, wanted), pg_target, parallel=1, listener=listener)
    until(lambda: listener.progress, "the first build waits, and its progress is told")
    assert listener.events == [("started", "public.tasks_i")]
    holder.rollback()
    assert applying.ended().succeeded


def test_no_thread_and_no_connection_is_left(tasks, pg_target):
    before = set(threading.enumerate())
    apply(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target)
    assert set(threading.enumerate()) <= before
    sessions = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    until(lambda: tasks.execute(sessions).fetchone() == (0,), "all sessions are closed")
