"""Targets that a plan has not read: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.model import Plan, Unreachable, UnreadReason, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.labels import UNREAD, UNREAD_SIGN, counted
from reconciler.reports.places import Place, place
from reconciler.verdicts import of_targets


class UnreadRow(NamedTuple):
    """A target, and the node of it that could not be read: `says` why, `hint` the way out, `place` where it is
    declared, `declared_at` in full, and `declared` the same behind what is said: ` (desired/targets.yaml:9:3)`."""

    target: str
    node: str
    reason: UnreadReason
    verdict: Verdict
    sign: str
    says: str
    hint: str
    declared_at: str
    declared: str
    place: Place


def unread_rows(plan: Plan) -> tuple[UnreadRow, ...]:
    """What was not read, in the order of the plan."""
    verdicts = of_targets(plan) if plan.unreachable else {}
    return tuple(_row(each, verdicts[each.target]) for each in plan.unreachable)


def unread_summary(targets: Iterable[str]) -> list[str]:
    """The sentence about targets that were not read; none where all were."""
    count = len(set(targets))
    return [f"{counted(count, UNREAD)}, and nothing is known of {'it' if count == 1 else 'them'}."] if count else []


def _row(one: Unreachable, verdict: Verdict) -> UnreadRow:
    of_node = f"its node {one.node}: " if one.node != one.target else ""
    return UnreadRow(
        target=one.target,
        node=one.node,
        reason=one.reason,
        verdict=verdict,
        sign=UNREAD_SIGN,
        says=visible(f"could not be read: {of_node}{one.message}"),
        hint=visible(one.hint),
        declared_at=visible(one.declared_at),
        declared=f" ({visible(one.declared_at)})" if one.declared_at else "",
        place=place(one.declared_at),
    )
