"""What outcomes say of a resource, a target and a plan: the one table, for kinds, documents, planning and views alike.

What an apply leaves of a whole plan, and which exit code each verb makes of it, is `planning/exit_codes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from reconciler.model import (
    Action,
    Address,
    Applied,
    Change,
    ChangeReceipt,
    Difference,
    Notice,
    NoticeType,
    Outcome,
    Plan,
    Unlooked,
    Verdict,
)

_OF_NOTICES: Mapping[NoticeType, Verdict] = {
    NoticeType.BLOCKED: Verdict.BLOCKED,
    NoticeType.BEING_BUILT: Verdict.BLOCKED,
    NoticeType.NOT_PERSISTED: Verdict.HALF_WAY,
    NoticeType.NOT_VISIBLE: Verdict.NOT_VISIBLE,
    NoticeType.WAITS_FOR_RESTART: Verdict.WAITS,
    NoticeType.UNLISTED: Verdict.IN_SYNC,
    NoticeType.UNWANTED: Verdict.DIFFERS,
    NoticeType.IGNORED: Verdict.IN_SYNC,
    NoticeType.NOTE: Verdict.IN_SYNC,
    NoticeType.PREFLIGHT: Verdict.IN_SYNC,
}
"""What nobody declared, what is worth knowing and what the steps would meet say nothing of what is declared; but where
what nobody declared is to count, it is a difference. One that is ignored counts nowhere."""


_RANK: Mapping[Verdict, int] = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts of several; in sync of none."""
    return min(verdicts, key=_RANK.__getitem__, default=Verdict.IN_SYNC)


def of_outcome(outcome: Outcome) -> Verdict:
    """What one outcome says of its resource. A checklist item says nothing of what is declared."""
    match outcome:
        case Change():
            if outcome.difference is not Difference.DIFFERS:
                return Verdict.HALF_WAY
            return Verdict.WAITS if outcome.action is Action.RESTART else Verdict.DIFFERS
        case Notice():
            return _OF_NOTICES[outcome.type]
    return Verdict.IN_SYNC


def of_resource(address: Address, outcomes: Iterable[Outcome]) -> Verdict:
    """What the outcomes at `address` say of it."""
    return worst(of_outcome(outcome) for outcome in outcomes if outcome.address == address)


def of_targets(plan: Plan) -> dict[str, Verdict]:
    """What a plan says of all that is declared on each target or node that it has read, and of each target that it has
    not."""
    found = dict.fromkeys(plan.targets, Verdict.IN_SYNC) | dict.fromkeys(plan.unseen, Verdict.UNREACHABLE)
    for outcome in _outcomes(plan):
        name = outcome.address.target
        found[name] = worst((found.get(name, Verdict.IN_SYNC), of_outcome(outcome)))
    return found


def of_plan(plan: Plan) -> Verdict:
    """What a plan says of the live systems."""
    return Verdict.UNREACHABLE if plan.unreachable else worst(map(of_outcome, _outcomes(plan)))


def of_resources(plan: Plan) -> dict[Address, Verdict]:
    """What a plan says of each resource that it has an outcome for. A restart mends a difference, and is none."""
    found: dict[Address, Verdict] = {}
    for outcome in _outcomes(plan):
        if not (isinstance(outcome, Change) and outcome.action is Action.RESTART):
            address = outcome.address
            found[address] = worst((found.get(address, Verdict.IN_SYNC), of_outcome(outcome)))
    return found


def found_in(plan: Plan) -> set[Verdict]:
    """What its outcomes say of their resources; what was not read says nothing."""
    return set(map(of_outcome, _outcomes(plan)))


class Rest(Protocol):
    """What is left after an apply: the fields of `Receipt` of the same names."""

    @property
    def remaining(self) -> Sequence[Address]: ...  # noqa: D102 - the class says it
    @property
    def waiting(self) -> Sequence[Address]: ...  # noqa: D102 - the class says it
    @property
    def unlooked(self) -> Sequence[Unlooked]: ...  # noqa: D102 - the class says it
    @property
    def half_way(self) -> Sequence[Address]: ...  # noqa: D102 - the class says it


def of_applied(change: ChangeReceipt, rest: Rest) -> Verdict:
    """What an apply left of one change."""
    if change.result not in (Applied.APPLIED, Applied.SKIPPED) or change.address in rest.remaining:
        return Verdict.DIFFERS
    if any(each.address == change.address for each in rest.unlooked):
        return Verdict.UNREACHABLE
    if change.address in rest.half_way:
        return Verdict.HALF_WAY
    return Verdict.WAITS if change.address in rest.waiting else Verdict.IN_SYNC


def _outcomes(plan: Plan) -> list[Outcome]:
    return [*plan.changes, *plan.notices]
