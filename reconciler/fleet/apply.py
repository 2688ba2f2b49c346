"""Applies the plans of many targets: servers side by side, the targets of one server one after the other.

What goes wrong with one target stops no other.

Decided: docs/decisions.md#applies-of-a-fleet
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol

from reconciler.applying.ledger import DONE
from reconciler.errors import ConnectionFailed, LockHeld, NotBegun, ReconcilerError
from reconciler.fleet.approval import unapproved
from reconciler.model import NotRun, Plan, Receipt, TargetReceipt, TargetResult, Verdict
from reconciler.planning import exit_codes

SERVERS_AT_ONCE = 16
"""Where nobody says otherwise. Each has a lock, what is asked before and after, and what runs: some four sessions. They
mostly wait."""

MOST_SILENCES = 4
"""Targets of one server in a row without an answer: as many as a plan asks there at once, and none after them."""

MOST_NAMED = 3
"""Changes that are named of one target: its receipt, or its plan, has all of them."""

Apply = Callable[[str, Plan], Receipt]
"""Applies the plan of one target, as `apply_plan` does, and saves its receipt. Raises ReconcilerError."""

Told = Callable[[str, TargetReceipt], None]
"""Hears what became of each target, one at a time, from several threads."""

Stopped = Callable[[], NotRun | None]
"""Why no further target is to be begun; None: nothing is against it. Asked before each of them."""


class Executor(Protocol):
    """Applies a set of plans, those of one wave, as `apply_all` does here; another may do so elsewhere.

    It returns once each target was told of, and raises nothing about one of them. `servers` names that of each target:
    those of one are taken one after the other, and so many of them `at_once`. What has begun comes to its end, whatever
    `stopped` says by then; what has not is told as not run, for that reason.
    """

    def __call__(
        self, plans: Mapping[str, Plan], servers: Mapping[str, str], *, at_once: int, stopped: Stopped, told: Told
    ) -> None:
        """Applies `plans`, and tells what became of each."""


def settled(plan: Plan, approved: Collection[str] | None, *, done_before: datetime | None) -> TargetReceipt | None:
    """What becomes of a target without anybody connecting to it; None: its plan is to be applied. `done_before`: when
    an earlier run has applied it."""
    if plan.is_empty:
        left = exit_codes.Left(
            (), blocked=exit_codes.blocked(plan), half_way=exit_codes.half_way(plan), beside=exit_codes.beside(plan)
        )
        succeeded = left.succeeded(allow_blocked=plan.allow_blocked)
        return _settled(plan, TargetResult.NOTHING_TO_DO, succeeded=succeeded, left=left.of_all())
    if done_before:
        done = _settled(plan, TargetResult.DONE_BEFORE, succeeded=True)
        return done.model_copy(update={"ended_at": done_before})
    if missing := unapproved(plan, approved):
        of = f"{len(missing)} of {len(plan.changes)} changes are" if len(plan.changes) > 1 else "its change is"
        message = f"{of} in no approved group: {', '.join(str(change.address) for change in missing[:MOST_NAMED])}"
        return _settled(plan, TargetResult.NOT_APPROVED, succeeded=False, message=message)
    return None


def apply_all(
    plans: Mapping[str, Plan], servers: Mapping[str, str], apply: Apply, *, at_once: int, stopped: Stopped, told: Told
) -> None:
    """Applies `plans` from here, each by `apply`: an `Executor`, once that is given.

    What is held is tried once more at the end, one after the other: the holder may have been of this very run, a target
    that calls the same server otherwise.
    """
    by_server: dict[str, list[str]] = {}
    for name in plans:
        by_server.setdefault(servers[name], []).append(name)
    one_at_a_time = threading.Lock()
    held: dict[str, TargetReceipt] = {}

    def on_one_server(names: Sequence[str]) -> None:
        server = _Server(apply)
        for name in names:
            why = stopped()
            receipt = not_run(plans[name], why) if why else applied(name, plans[name], server.apply)
            with one_at_a_time:
                if receipt.result is TargetResult.HELD:
                    held[name] = receipt
                else:
                    told(name, receipt)

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        for job in [pool.submit(on_one_server, names) for names in by_server.values()]:
            job.result()
    for name, receipt in held.items():
        told(name, receipt if stopped() else applied(name, plans[name], apply))


class _Server:
    """A server whose targets are applied one after the other. One that says nothing is waited for only so often,
    however many targets there are."""

    def __init__(self, apply: Apply) -> None:
        self._apply = apply
        self._silences = 0

    def apply(self, name: str, plan: Plan) -> Receipt:
        """As `Apply`. Raises ConnectionFailed, too, where several others in a row had no answer from there."""
        if self._silences >= MOST_SILENCES:
            raise ConnectionFailed(
                name, f"not tried: {MOST_SILENCES} others in a row had no answer from its server",
                hint="see what is said of those", silent=True,
            )  # fmt: skip
        try:
            receipt = self._apply(name, plan)
        except ConnectionFailed as error:
            self._silences = self._silences + 1 if error.silent else 0
            raise
        self._silences = 0
        return receipt


def not_run(plan: Plan, why: NotRun) -> TargetReceipt:
    """What became of a target whose turn did not come."""
    return TargetReceipt(plan_digest=plan.digest, result=TargetResult.NOT_RUN, succeeded=False, not_run=why)


def applied(name: str, plan: Plan, apply: Apply) -> TargetReceipt:
    """Applies one plan. Raises nothing: what goes wrong is in the receipt."""
    try:
        receipt = apply(name, plan)
    except LockHeld as held:
        return _settled(plan, TargetResult.HELD, succeeded=False, message=str(held))
    except NotBegun:
        return not_run(plan, NotRun.INTERRUPTED)
    except ConnectionFailed as error:  # of its beginning: once something ran, it is in the receipt
        return _settled(plan, TargetResult.UNREACHABLE, succeeded=False, message=str(error))
    except ReconcilerError as error:
        return _settled(plan, TargetResult.FAILED, succeeded=False, message=str(error))
    except Exception as error:  # a mistake of ours about one target must not hide what becomes of the others
        why = f"unexpected {type(error).__name__}: {error}"
        return _settled(plan, TargetResult.FAILED, succeeded=False, message=why)
    unmade = [change for change in receipt.changes if change.result not in DONE]
    return TargetReceipt(
        plan_digest=plan.digest,
        result=TargetResult.FAILED if unmade else TargetResult.APPLIED,
        verdict=receipt.verdict,
        succeeded=receipt.succeeded,
        message="; ".join(f"{each.address}: {each.result}: {each.message}" for each in unmade[:MOST_NAMED]),
        ended_at=datetime.now(UTC),  # by our clock: the receipt may be of a machine whose clock is wrong
    )


def _settled(
    plan: Plan, result: TargetResult, *, succeeded: bool, message: str = "", left: Verdict | None = None
) -> TargetReceipt:
    return TargetReceipt(plan_digest=plan.digest, result=result, verdict=left, succeeded=succeeded, message=message)
