"""Applies the plans of many targets: servers side by side, the targets of one server one after the other.

What goes wrong with one target stops no other.

Decided: docs/decisions.md#applies-of-a-fleet
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from reconciler.applying.ledger import DONE
from reconciler.errors import ConnectionFailed, LockHeld, ReconcilerError
from reconciler.fleet.approval import unapproved
from reconciler.model import Plan, Receipt, TargetReceipt, TargetResult, Verdict
from reconciler.planning import exit_codes

SERVERS_AT_ONCE = 16
"""Each has a lock, what is asked before and after, and what runs: some four sessions. They mostly wait."""

MOST_SILENCES = 4
"""Targets of one server in a row without an answer: as many as a plan asks there at once, and none after them."""

MOST_NAMED = 3
"""Changes that are named of one target: its receipt, or its plan, has all of them."""

Apply = Callable[[str, Plan], Receipt]
"""Applies the plan of one target, as `apply_plan` does, and saves its receipt. Raises ReconcilerError."""

Told = Callable[[str, TargetReceipt], None]
"""Hears what became of each target, one at a time, from several threads."""


def settled(plan: Plan, approved: Collection[str] | None, *, done_before: bool) -> TargetReceipt | None:
    """What becomes of a target without anybody connecting to it; None: its plan is to be applied."""
    if plan.is_empty:
        left = exit_codes.Left(
            (), blocked=exit_codes.blocked(plan), half_way=exit_codes.half_way(plan), beside=exit_codes.beside(plan)
        )
        succeeded = left.succeeded(allow_blocked=plan.allow_blocked)
        return _settled(plan, TargetResult.NOTHING_TO_DO, succeeded=succeeded, left=left.of_all())
    if done_before:
        return _settled(plan, TargetResult.DONE_BEFORE, succeeded=True)
    if missing := unapproved(plan, approved):
        of = f"{len(missing)} of {len(plan.changes)} changes are" if len(plan.changes) > 1 else "its change is"
        message = f"{of} in no approved group: {', '.join(str(change.address) for change in missing[:MOST_NAMED])}"
        return _settled(plan, TargetResult.NOT_APPROVED, succeeded=False, message=message)
    return None


def apply_all(
    plans: Mapping[str, Plan], servers: Mapping[str, str], apply: Apply, *, interrupted: Callable[[], bool], told: Told
) -> None:
    """Applies `plans`, and tells what became of each; `servers` names that of each target.

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
            if interrupted():
                receipt = _settled(plans[name], TargetResult.NOT_RUN, succeeded=False, message="interrupted")
            else:
                receipt = _applied(name, plans[name], server.apply)
            with one_at_a_time:
                if receipt.result is TargetResult.HELD:
                    held[name] = receipt
                else:
                    told(name, receipt)

    with ThreadPoolExecutor(max_workers=SERVERS_AT_ONCE) as pool:
        for job in [pool.submit(on_one_server, names) for names in by_server.values()]:
            job.result()
    for name, receipt in held.items():
        told(name, receipt if interrupted() else _applied(name, plans[name], apply))


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


def _applied(name: str, plan: Plan, apply: Apply) -> TargetReceipt:
    try:
        receipt = apply(name, plan)
    except LockHeld as held:
        return _settled(plan, TargetResult.HELD, succeeded=False, message=str(held))
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
    )


def _settled(
    plan: Plan, result: TargetResult, *, succeeded: bool, message: str = "", left: Verdict | None = None
) -> TargetReceipt:
    return TargetReceipt(plan_digest=plan.digest, result=result, verdict=left, succeeded=succeeded, message=message)
