"""Targets that a plan has not read: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.model import Plan, Unreachable, UnreadReason, Verdict
from reconciler.planning.groups import unread_key
from reconciler.reports.characters import visible
from reconciler.reports.labels import UNREAD, UNREAD_SIGN, counted
from reconciler.reports.places import Place, place
from reconciler.reports.several import Several, several, together
from reconciler.verdicts import of_targets, worst


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
    several: Several | None = None


def unread_rows(plan: Plan, *, many: bool = False) -> tuple[UnreadRow, ...]:
    """What was not read, in the order of the plan; of `many` targets what is the same once, without its places."""
    verdicts = of_targets(plan) if plan.unreachable else {}
    found = together(plan.unreachable, unread_key, many=many)
    return tuple(_row(same, worst(verdicts[each.target] for each in same)) for same in found)


def unread_summary(targets: Iterable[str]) -> list[str]:
    """The sentence about targets that were not read; none where all were."""
    count = len(set(targets))
    return [f"{counted(count, UNREAD)}, and nothing is known of {'it' if count == 1 else 'them'}."] if count else []


def _row(same: Sequence[Unreachable], verdict: Verdict) -> UnreadRow:
    one = same[0]
    at = one.declared_at if len({each.declared_at for each in same}) == 1 else ""
    of_node = f"its node {one.node}: " if one.node != one.target else ""
    return UnreadRow(
        target=one.target,
        node=one.node,
        reason=one.reason,
        verdict=verdict,
        sign=UNREAD_SIGN,
        says=visible(f"could not be read: {of_node}{one.message}"),
        hint=visible(one.hint),
        declared_at=visible(at),
        declared=f" ({visible(at)})" if at else "",
        place=place(at),
        several=several([each.target for each in same]),
    )
