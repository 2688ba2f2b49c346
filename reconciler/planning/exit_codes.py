"""What a checklist comes to, what an apply leaves of a plan, and which exit code each verb makes of it.

The one place that decides this, from what outcomes mean (`verdicts.py`): text, JSON, exit codes and checks ask it.

Decided: docs/decisions.md#exit-codes-of-plan-and-apply, docs/decisions.md#exit-codes-of-drift,
docs/decisions.md#exit-codes-of-partial-results
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.model import (
    Address,
    ChangeReceipt,
    CheckResult,
    CheckStatus,
    CheckVerdict,
    Plan,
    Receipt,
    Unlooked,
    Verdict,
)
from reconciler.verdicts import found_in, of_applied, of_outcome, of_plan, worst

_OF_CHECKS: Mapping[CheckStatus, CheckVerdict] = {
    CheckStatus.FAIL: CheckVerdict.FAILED,
    CheckStatus.ERROR: CheckVerdict.FAILED,
    CheckStatus.NOT_VISIBLE: CheckVerdict.UNDECIDED,
    CheckStatus.NO_DATA: CheckVerdict.UNDECIDED,
    CheckStatus.PASS: CheckVerdict.MET,
    CheckStatus.WAIVED: CheckVerdict.MET,
    CheckStatus.ATTESTED: CheckVerdict.MET,
    CheckStatus.NOT_APPLICABLE: CheckVerdict.MET,
}

_DRIFT: Mapping[Verdict, int] = {
    Verdict.UNREACHABLE: 1,
    Verdict.BLOCKED: 2,
    Verdict.DIFFERS: 2,
    Verdict.HALF_WAY: 4,
    Verdict.NOT_VISIBLE: 5,
    Verdict.WAITS: 3,
    Verdict.IN_SYNC: 0,
}

_NOTHING_TO_RUN: Mapping[Verdict, int] = {
    Verdict.UNREACHABLE: 1,
    Verdict.BLOCKED: 1,
    Verdict.DIFFERS: 0,
    Verdict.HALF_WAY: 1,
    Verdict.NOT_VISIBLE: 1,
    Verdict.WAITS: 0,
    Verdict.IN_SYNC: 0,
}
"""Of `plan --detailed-exitcode` where there is no change: then what differs is what nobody declared."""


def of_check(result: CheckResult) -> CheckVerdict:
    """What a checklist item came to."""
    return _OF_CHECKS[result.status]


def of_checklist(plan: Plan) -> CheckVerdict:
    """What all items of a plan came to: not met where a target was not read, whether it has items or none."""
    unread = CheckVerdict.UNDECIDED if plan.unreachable else CheckVerdict.MET
    return min(of_checks(plan.checks), unread, key=list(CheckVerdict).index)


def of_checks(results: Iterable[CheckResult]) -> CheckVerdict:
    """What a checklist came to: the worst of its items; met where it has none."""
    return min(map(of_check, results), key=list(CheckVerdict).index, default=CheckVerdict.MET)


class Left(NamedTuple):
    """What an apply left of a plan: what became of its changes, and the fields of `Receipt` of the same names."""

    changes: Sequence[ChangeReceipt]
    remaining: Sequence[Address] = ()
    waiting: Sequence[Address] = ()
    unlooked: Sequence[Unlooked] = ()
    blocked: Sequence[Address] = ()
    half_way: Sequence[Address] = ()
    beside: Verdict = Verdict.IN_SYNC
    unseen: Sequence[str] = ()

    def of_change(self, change: ChangeReceipt) -> Verdict:
        """What is left of one change."""
        return of_applied(change, self)

    def of_all(self) -> Verdict:
        """What is left of all that the plan was about."""
        found = [self.of_change(change) for change in self.changes]
        rests = {Verdict.DIFFERS: self.remaining, Verdict.BLOCKED: self.blocked, Verdict.HALF_WAY: self.half_way}
        unread = [Verdict.UNREACHABLE] if self.unseen else []
        return worst([*unread, *found, self.beside, *(verdict for verdict, addresses in rests.items() if addresses)])

    def succeeded(self, *, allow_blocked: bool) -> bool:
        """Whether `apply` ends with 0: all targets were read by its plan, and all else was applied where something is
        blocked and may be."""
        rest = self._replace(beside=Verdict.IN_SYNC, blocked=() if allow_blocked else self.blocked)
        return rest.of_all() in (Verdict.IN_SYNC, Verdict.WAITS)


def left_by(receipt: Receipt) -> Left:
    """What the apply of `receipt` left."""
    return Left(
        receipt.changes, receipt.remaining, receipt.waiting, receipt.unlooked, receipt.blocked, receipt.half_way,
        receipt.beside, receipt.unseen,
    )  # fmt: skip


def blocked(plan: Plan) -> tuple[Address, ...]:
    """What is declared and no step can mend now, each once."""
    return _at(plan, Verdict.BLOCKED)


def beside(plan: Plan) -> Verdict:
    """What a plan could not see, or has no step for and needs none to succeed: what is not visible, and what nobody
    declared where that counts."""
    return worst(each for each in map(of_outcome, plan.notices) if each in (Verdict.DIFFERS, Verdict.NOT_VISIBLE))


def half_way(plan: Plan) -> tuple[Address, ...]:
    """What runs and is not persisted, or the other way round, and has no step that mends it; each once."""
    mended = {change.address for change in plan.changes}
    return tuple(address for address in _at(plan, Verdict.HALF_WAY) if address not in mended)


def drift_exit_code(plan: Plan, fail_on: Collection[Verdict] | None = None) -> int:
    """Of `drift`; `fail_on`: which verdicts count, None for all. What could not be read always does."""
    if plan.unreachable or fail_on is None:
        return _DRIFT[of_plan(plan)]
    return _DRIFT[worst(found_in(plan) & {*fail_on})]


def plan_exit_code(plan: Plan, *, detailed: bool) -> int:
    """Of `plan`, with `--detailed-exitcode` where `detailed`.

    Where the plan allows it, what is blocked does not count; what could not be read always does.
    """
    if plan.unreachable:
        return 1
    if blocked(plan) and not plan.allow_blocked:
        return 1
    if not detailed:
        return 0
    if plan.changes:
        return 2
    left = (each for each in map(of_outcome, plan.notices) if each is not Verdict.BLOCKED)
    return max((_NOTHING_TO_RUN[each] for each in left), default=0)


def check_exit_code(plan: Plan) -> int:
    """Of `check`."""
    if plan.unreachable:
        return 1
    return 2 if of_checks(plan.checks) is CheckVerdict.FAILED else 0


def _at(plan: Plan, verdict: Verdict) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(each.address for each in plan.notices if of_outcome(each) is verdict))
