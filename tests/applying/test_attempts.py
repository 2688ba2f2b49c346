"""Instant steps are tried again where a lock is not to be had in time, inside a bound, and say who was in the way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from pg_index.declared import declared
from waiting import LIMITS, given_time, until

from applying.acting import Applying, Interruption, Seen, apply, lock_timeout, message, plan_for, results
from applying.conftest import waiting
from reconciler.applying.executing.retry import LONGEST_PAUSE, Patience, attempts
from reconciler.applying.executing.step import executor
from reconciler.errors import StepFailed
from reconciler.model import Applied, SqlStep
from reconciler.model.event import Waiting

COLUMNS = {"columns": ["status", "priority desc"]}
IN_THE_WAY = "alter index other set (fillfactor = 90)"


@pytest.fixture
def renaming(tasks, pg_target):
    """The declaration of `i`, which is there as `other`."""
    tasks.execute("create index other on tasks (status, priority desc)")
    return declared(pg_target, i=COLUMNS)


class When(Seen):
    """Does something once, when another attempt is announced."""

    def __init__(self, attempt: int, act) -> None:
        super().__init__()
        self._attempt, self._act = attempt, act

    def progressed(self, progress) -> None:
        super().progressed(progress)
        if progress.phase == f"waiting to try again, attempt {self._attempt} of 4":
            self._act()


def test_a_lock_that_is_let_go_while_it_is_tried_again_costs_nothing_but_time(
    tasks, renaming, pg_target, holder, leftovers
):
    pid = holder.info.backend_pid

    def attempt(seconds: float):
        holder.rollback()
        tasks.execute("alter index if exists i rename to other")
        holder.execute(IN_THE_WAY)
        listener = When(3, holder.rollback)
        with lock_timeout(seconds, attempts=4):
            receipt = apply(plan_for(pg_target, renaming), pg_target, listener=listener)
        again = [seen for seen in listener.progress if seen.phase.startswith("waiting to try again")]
        return (
            receipt,
            again,
            [isinstance(seen, Waiting) and pid in [blocker.pid for blocker in seen.blockers] for seen in again],
        )

    receipt, again, named = given_time(attempt, lambda found: all(found[2]))
    assert results(receipt) == {"public.i": Applied.APPLIED}
    assert [seen.attempt for seen in again] == [2, 3]
    assert all(named)
    assert plan_for(pg_target, renaming).is_empty
    leftovers("i")


def test_a_lock_that_is_held_for_good_ends_it_inside_the_bound_and_names_its_holder(
    renaming, pg_target, holder, leftovers
):
    holder.execute(IN_THE_WAY)

    def attempt(seconds: float):
        with lock_timeout(seconds, attempts=4):
            plan = plan_for(pg_target, renaming)
            receipt = apply(plan, pg_target)
            return plan, receipt, plan_for(pg_target, renaming)

    waited = f"waited for process {holder.info.backend_pid}, user postgres (the report), idle in transaction for"
    plan, receipt, afterwards = given_time(attempt, lambda found: waited in message(found[1]))
    assert results(receipt) == {"public.i": Applied.FAILED}
    said = message(receipt)
    assert "canceling statement due to lock timeout (55P03)" in said
    assert "tried 4 times in " in said
    assert waited in said
    assert receipt.changes[0].steps == ()
    holder.rollback()
    leftovers("other")
    assert afterwards.changes[0].fingerprint == plan.changes[0].fingerprint


def test_ctrl_c_ends_a_pause_at_once(renaming, pg_target, holder, leftovers):
    holder.execute(IN_THE_WAY)
    interruption, slept = Interruption(), []
    with lock_timeout(LIMITS[0], attempts=4):
        receipt = apply(
            plan_for(pg_target, renaming), pg_target, listener=When(2, interruption.set), interruption=interruption,
            patience=Patience(random=lambda: 1.0, sleep=slept.append),
        )  # fmt: skip
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert message(receipt).startswith("interrupted: ")
    assert slept == []
    holder.rollback()
    leftovers("other")


def test_what_does_not_go_away_by_itself_is_not_tried_again(renaming, pg_target, monkeypatch):
    """Between the look and the step somebody drops the index: there is nothing to wait for."""
    from reconciler.planning import staleness

    plan = plan_for(pg_target, renaming)
    real = staleness.judge

    def judged(change, outcomes):
        with psycopg.connect(pg_target.url.get_secret_value(), autocommit=True) as other:
            other.execute("drop index other")
        return real(change, outcomes)

    monkeypatch.setattr(staleness, "judge", judged)
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "does not exist (42P01)" in message(receipt)
    assert "tried" not in message(receipt)


def test_the_victim_of_a_deadlock_tries_again(tasks, pg_target, holder, monkeypatch, leftovers):
    """The swap has one index and wants the other, which somebody has who wants the first."""
    monkeypatch.setattr("reconciler.kinds.pg_index.changes.steps.INSTANT_LOCK_TIMEOUT", "1h")
    monkeypatch.setattr("reconciler.kinds.pg_index.changes.steps.INSTANT_ATTEMPTS", 4)
    # Who waits is looked at once, after that time: the swap is the last to wait, and so the one that is ended.
    tasks.execute(f"alter database {tasks.info.dbname} set deadlock_timeout = '2s'")
    tasks.execute("create index i on tasks (title)")
    tasks.execute("create index i_rcl_new on tasks (status, priority desc)")
    wanted = declared(pg_target, i=COLUMNS)
    plan = plan_for(pg_target, wanted)
    swap = plan.changes[0].steps[0]
    assert swap.transaction
    assert [statement.split()[2] for statement in swap.statements[:2]] == ["public.i", "public.i_rcl_new"]
    holder.execute("set deadlock_timeout = '1h'")  # so that it is never the victim
    holder.commit()
    holder.execute("alter index i_rcl_new set (fillfactor = 90)")
    listener = When(2, lambda: None)
    ours = threading.Thread(target=lambda: (holder.execute("alter index i set (fillfactor = 91)"), holder.rollback()))
    applying = Applying(plan, pg_target, listener=listener, allowed=["index-drop"])
    until(lambda: waiting(tasks, "begin%alter index%"), "the swap has its first index, and waits for the second")
    ours.start()
    receipt = applying.ended()
    ours.join()
    assert results(receipt) == {"public.i": Applied.APPLIED}
    assert [seen.attempt for seen in listener.progress if seen.phase.startswith("waiting to try")] == [2]
    assert plan_for(pg_target, wanted).is_empty
    leftovers("i")


@pytest.mark.parametrize("ended", ["by its timeout", "by somebody"])
def test_what_a_timeout_ends_may_be_tried_again_and_what_somebody_cancels_may_not(tasks, pg_target, secrets, ended):
    """Both have one SQLSTATE. Before, the words told which it was, and only in English."""
    limit = "200ms" if ended == "by its timeout" else "1h"
    step = SqlStep(statements=("select pg_sleep(3600)",), statement_timeout=limit)
    asleep = "select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
    with closing(executor(pg_target, secrets)) as running, ThreadPoolExecutor() as beside:
        done = beside.submit(running.run, step)
        if ended == "by somebody":
            until(lambda: tasks.execute(asleep, (running.pid,)).fetchall(), "it sleeps")
            tasks.execute("select pg_cancel_backend(%s)", (running.pid,))
        with pytest.raises(StepFailed, match="57014") as failed:
            done.result()
    assert failed.value.may_pass is (ended == "by its timeout")


PAUSES = [
    (1, 1.0, 0.5),
    (2, 1.0, 1.0),
    (5, 1.0, 8.0),
    (6, 1.0, LONGEST_PAUSE),
    (60, 1.0, 10.0),
    (6, 0.25, 2.5),
    (3, 0, 0),
]


@pytest.mark.parametrize(("attempt", "random", "seconds"), PAUSES)
def test_pauses_double_up_to_a_bound_with_full_jitter(attempt, random, seconds):
    slept = []
    Patience(random=lambda: random, sleep=slept.append).pause(attempt, lambda: False)
    assert sum(slept) == pytest.approx(seconds)
    assert max(slept, default=0) <= 0.1


ONCE = [
    (SqlStep(statements=("a",), attempts=5), 5, "one statement"),
    (SqlStep(statements=("a", "b"), transaction=True, attempts=5), 5, "one transaction"),
    (SqlStep(statements=("a", "b"), attempts=5), 1, "the first of two would be there already"),
    (SqlStep(statements=("a",), attempts=5, on_failure=("b",)), 1, "it leaves something behind"),
]


@pytest.mark.parametrize(("step", "most", "reason"), ONCE, ids=[case[2] for case in ONCE])
def test_only_what_leaves_nothing_behind_is_tried_again(step, most, reason):
    assert attempts(step) == most
