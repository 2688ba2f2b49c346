"""Which targets are applied side by side, and what becomes of those that are held; no servers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from waiting import PATIENCE

from reconciler.documents import plan as plan_file
from reconciler.errors import LockHeld
from reconciler.fleet.apply import apply_all
from reconciler.model import Plan, Receipt, TargetResult, Verdict

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN = plan_file.seal(Plan(reconciler_version="1.0", created_at=NOW, targets={}))


def made(plan: Plan) -> Receipt:
    return Receipt(
        reconciler_version="1.0", plan_digest=plan.digest, started_at=NOW, finished_at=NOW, changes=(),
        verdict=Verdict.IN_SYNC, succeeded=True,
    )  # fmt: skip


def applied(apply, *, interrupted=lambda: False) -> list[tuple[str, TargetResult]]:
    """What was told of two targets of one server, which they call otherwise."""
    told = []
    apply_all(
        {"a": PLAN, "b": PLAN}, {"a": "db1:5432", "b": "10.0.0.1:5432"}, apply,
        interrupted=interrupted, told=lambda name, receipt: told.append((name, receipt.result)),
    )  # fmt: skip
    return told


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

    told = dict(applied(apply, interrupted=interrupted.is_set))
    assert set(told.values()) <= {TargetResult.HELD, TargetResult.NOT_RUN}
    assert len(told) == 2
