"""Which targets are applied side by side, and what becomes of those that are held; no servers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from waiting import PATIENCE

from reconciler.documents import plan as plan_file
from reconciler.errors import ConnectionFailed, LockHeld, NotBegun
from reconciler.fleet.apply import apply_all
from reconciler.model import NotRun, Plan, Receipt, TargetResult, Verdict

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN = plan_file.seal(Plan(reconciler_version="1.0", created_at=NOW, targets={}))


def made(plan: Plan) -> Receipt:
    return Receipt(
        reconciler_version="1.0", plan_digest=plan.digest, started_at=NOW, finished_at=NOW, changes=(),
        verdict=Verdict.IN_SYNC, succeeded=True,
    )  # fmt: skip


def applied(apply, *, stopped=lambda: None) -> list[tuple[str, TargetResult]]:
    """What was told of two targets of one server, which they call otherwise."""
    told = []
    apply_all(
        {"a": PLAN, "b": PLAN}, {"a": "db1:5432", "b": "10.0.0.1:5432"}, apply,
        at_once=16, stopped=stopped, told=lambda name, receipt: told.append((name, receipt.result)),
    )  # fmt: skip
    return told


@pytest.mark.parametrize("clock", [NOW, NOW.replace(tzinfo=None)], ids=["behind", "without a zone"])
def test_a_target_has_ended_by_our_clock(clock):
    """A receipt may come from a machine whose clock is wrong, and a wave bakes behind the last of its targets."""
    before, told = datetime.now(UTC), []
    apply_all(
        {"a": PLAN}, {"a": "db1:5432"}, lambda name, plan: made(plan).model_copy(update={"finished_at": clock}),
        at_once=1, stopped=lambda: None, told=lambda name, receipt: told.append(receipt.ended_at),
    )  # fmt: skip
    assert before <= told[0] <= datetime.now(UTC)


def test_one_server_under_two_names_is_no_other_apply():
    """Before, each run held one of them against the other, and no run of both ever ended with 0."""
    lock, holds, refused = threading.Lock(), threading.Event(), threading.Event()

    def apply(name: str, plan: Plan) -> Receipt:
        if name == "b" and not refused.is_set():
            assert holds.wait(PATIENCE)
        if not lock.acquire(blocking=False):
            refused.set()
            raise LockHeld(f"{name}: another apply is at work")
        with_lock = made(plan)
        if name == "a":
            holds.set()
            assert refused.wait(PATIENCE)
        lock.release()
        return with_lock

    assert applied(apply) == [("a", TargetResult.APPLIED), ("b", TargetResult.APPLIED)]


def test_what_is_held_by_somebody_else_is_tried_once_more_and_told_once():
    tries = []

    def apply(name: str, plan: Plan) -> Receipt:
        tries.append(name)
        if name == "a":
            raise LockHeld(f"{name}: another apply is at work")
        return made(plan)

    assert applied(apply) == [("b", TargetResult.APPLIED), ("a", TargetResult.HELD)]
    assert sorted(tries) == ["a", "a", "b"]


def test_interrupted_nothing_is_tried_once_more():
    interrupted = threading.Event()

    def apply(name: str, plan: Plan) -> Receipt:
        interrupted.set()
        raise LockHeld(f"{name}: another apply is at work")

    told = dict(applied(apply, stopped=lambda: NotRun.INTERRUPTED if interrupted.is_set() else None))
    assert set(told.values()) <= {TargetResult.HELD, TargetResult.NOT_RUN}
    assert len(told) == 2


def test_what_waits_elsewhere_when_it_is_interrupted_was_not_run():
    """On a cluster a target that was submitted may still wait for a worker. Before, it was told to have failed."""
    told = []

    def apply(name: str, plan: Plan) -> Receipt:
        raise NotBegun("interrupted before its turn: nothing was run")

    apply_all(
        {"a": PLAN}, {"a": "db1:5432"}, apply, at_once=1, stopped=lambda: None,
        told=lambda name, receipt: told.append((receipt.result, receipt.not_run)),
    )  # fmt: skip
    assert told == [(TargetResult.NOT_RUN, NotRun.INTERRUPTED)]


def test_a_server_that_says_nothing_is_waited_for_only_so_often():
    """Before, each of its databases was: of five hundred, for an hour and a half."""
    names = [f"db{number:02}" for number in range(20)]
    tries = []

    def apply(name: str, plan: Plan) -> Receipt:
        tries.append(name)
        if name == "db02":
            return made(plan)
        raise ConnectionFailed(name, "no answer", silent=name != "db05")

    told = []
    apply_all(
        dict.fromkeys(names, PLAN), dict.fromkeys(names, "db1:5432"), apply,
        at_once=16, stopped=lambda: None,
        told=lambda name, receipt: told.append((name, receipt.result, receipt.message)),
    )  # fmt: skip
    assert tries == names[:10], "what answers, and what refuses, begins the count anew"
    assert [name for name, *_ in told] == names
    assert {result for name, result, _ in told if name != "db02"} == {TargetResult.UNREACHABLE}
    assert "not tried: 4 others in a row had no answer from its server" in told[-1][2]
