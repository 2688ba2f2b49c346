"""What a failed build leaves behind is taken away by the same apply, where a plan of that moment would do so."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from pg_index.declared import declared
from waiting import LIMITS, given_time, until

from applying.acting import Applying, Interruption, apply, lock_timeout, message, plan_for, results
from applying.conftest import waiting
from reconciler.applying import verification
from reconciler.model import Applied
from reconciler.planning import staleness

COLUMNS = {"columns": ["status", "priority desc"]}
TAKEN_AWAY = "what it left behind was taken away: drop index concurrently public."


@pytest.fixture
def snapshot(holder):
    """A transaction that a build has to wait for at its end, and that holds no lock on the table."""
    holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    holder.execute("select count(*) from users")
    return holder


@pytest.mark.parametrize("there", [False, True], ids=["create", "replace"])
def test_a_unique_violation_leaves_nothing_and_changes_nothing_for_writers(there, tasks, pg_target, leftovers):
    if there:
        tasks.execute("create index i on tasks (title)")
    wanted = declared(pg_target, i={"columns": ["status"], "unique": True})
    plan = plan_for(pg_target, wanted)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "could not create unique index" in message(receipt)
    assert f"{TAKEN_AWAY}{'i_rcl_new' if there else 'i'}" in message(receipt)
    leftovers(*(["i"] if there else []))
    tasks.execute("insert into tasks values (1001, 's1', 1, 't'), (1002, 's1', 1, 't')")
    assert plan_for(pg_target, wanted).changes[0].fingerprint == plan.changes[0].fingerprint


def test_a_build_that_gives_up_waiting_names_who_was_in_the_way_and_leaves_nothing(
    tasks, pg_target, snapshot, leftovers
):
    def attempt(seconds: float):
        tasks.execute("drop index if exists i")
        with lock_timeout(seconds):
            return apply(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target)

    waited = f"waited for process {snapshot.info.backend_pid}, user postgres (the report)"
    receipt = given_time(attempt, lambda receipt: all(said in message(receipt) for said in (waited, TAKEN_AWAY)))
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert waited in message(receipt)
    assert f"{TAKEN_AWAY}i" in message(receipt)
    leftovers()


def test_what_cannot_be_taken_away_in_time_is_named_and_left_to_the_next_plan(tasks, pg_target, holder, leftovers):
    """To drop it concurrently waits for the very writer that the build waited for."""
    wanted = declared(pg_target, i=COLUMNS)

    def attempt(seconds: float):
        holder.rollback()
        tasks.execute("drop index if exists i")
        holder.execute("update tasks set priority = 0 where id = 1")
        with lock_timeout(seconds):
            said = message(apply(plan_for(pg_target, wanted), pg_target))
        build, _, cleaning = said.partition("what it left behind is still there, for the next plan: ")
        return build, cleaning

    waited = f"waited for process {holder.info.backend_pid}"
    both = given_time(attempt, lambda found: all(waited in said for said in found))
    for said in both:
        assert "canceling statement due to lock timeout (55P03)" in said
        assert waited in said
    holder.rollback()
    assert apply(plan_for(pg_target, wanted), pg_target).succeeded
    assert plan_for(pg_target, wanted).is_empty
    leftovers("i")


def test_a_build_that_is_interrupted_leaves_nothing(tasks, pg_target, snapshot, leftovers):
    interruption = Interruption()
    applying = Applying(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target, interruption=interruption)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    interruption.set()
    said = message(applying.ended())
    assert said.startswith("interrupted: main: canceling statement due to user request (57014)")
    assert f"{TAKEN_AWAY}i" in said
    leftovers()


def test_a_second_ctrl_c_does_not_wait_for_the_cleaning_up(tasks, pg_target, holder, leftovers):
    holder.execute("update tasks set priority = 0 where id = 1")
    wanted = declared(pg_target, i=COLUMNS)
    interruption = Interruption()
    applying = Applying(plan_for(pg_target, wanted), pg_target, interruption=interruption)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    interruption.set()
    until(lambda: waiting(tasks, "drop index%"), "the cleaning up waits")
    interruption.set()
    said = message(applying.ended())
    assert said.count("canceling statement due to user request (57014)") == 2
    assert "what it left behind is still there, for the next plan" in said
    holder.rollback()
    assert apply(plan_for(pg_target, wanted), pg_target).succeeded
    leftovers("i")


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_build_that_somebody_ends_leaves_nothing(how, tasks, pg_target, snapshot, leftovers):
    applying = Applying(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    tasks.execute(
        f"select {how}(pid) from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'create index%'"  # noqa: S608 - ours
    )
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert f"{TAKEN_AWAY}i" in message(receipt)
    leftovers()


def test_a_server_that_is_gone_is_not_cleaned_up_and_the_next_plan_is_promised(
    tasks, pg_target, holder, postgres, leftovers
):
    holder.execute("update tasks set priority = 0 where id = 1")
    applying = Applying(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    postgres.stop("immediate")
    receipt = applying.ended()
    postgres.start()
    assert "what it may have left behind was not looked at, the next plan will see it: main: cannot connect" in (
        message(receipt)
    )


@pytest.fixture
def meanwhile(monkeypatch):
    """Lets the test act between the look of an apply and its first step."""

    def arrange(act) -> None:
        real, acts = staleness.judge, [act]

        def judged(change, outcomes):
            verdict = real(change, outcomes)
            if acts:
                acts.pop()()
            return verdict

        monkeypatch.setattr(staleness, "judge", judged)

    return arrange


def test_what_another_session_builds_under_that_name_is_not_touched(
    tasks, pg_target, holder, database, meanwhile, monkeypatch, leftovers
):
    """Ours waits for it, and gives up: there is an INVALID index of that very name, and it is not ours to drop."""
    monkeypatch.setattr(verification, "LETTING_GO_SECONDS", 0.3)
    with closing(psycopg.connect(database, autocommit=True)) as other, lock_timeout(LIMITS[0]):
        plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))

        def build() -> None:
            holder.execute("update tasks set priority = 0 where id = 1")
            other.pgconn.send_query(b"create index concurrently i on tasks (title)")
            until(lambda: waiting(tasks, "create index%"), "the other build waits")

        meanwhile(build)
        receipt = apply(plan, pg_target)
        assert results(receipt) == {"public.i": Applied.FAILED}
        assert "nothing was cleaned up" in message(receipt)
        assert f"by process {other.info.backend_pid}" in message(receipt)
        holder.rollback()
        until(lambda: tasks.execute("select bool_and(indisvalid) from pg_index").fetchone() == (True,), "it is built")
    leftovers("i")


def test_what_somebody_made_meanwhile_under_that_name_is_not_touched(tasks, pg_target, meanwhile, leftovers):
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    meanwhile(lambda: tasks.execute("create index i on tasks (title)"))
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "already exists (42P07)" in message(receipt)
    assert "nothing was cleaned up, since a plan of this moment has nothing to take away" in message(receipt)
    leftovers("i")
