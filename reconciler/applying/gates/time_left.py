"""What is about to begin may begin now, and will end in time: windows close, and approvals expire, while an apply runs.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.model import Applied, Change
from reconciler.planning.build_estimates import estimate
from reconciler.planning.policies import Holding, counted, holding, needed_approvals, target_name
from reconciler.reports.characters import visible
from reconciler.reports.windows import closed, too_long, unknown_length
from reconciler.windows import standing

ESTIMATES_ARE_WITHIN = 3
"""How many times as long as estimated a build may take: what the estimator says of itself."""


def gate(facts: Facts) -> Iterator[Refusal]:
    """Holds each change that is no longer approved, whose windows have closed, or that would not end before they do."""
    if why := _expired(facts):
        hint = "have it approved again: reconciler approve PLAN --key FILE"
        yield Refusal(why, hint, None, tuple(each.address for each in facts.changes), Applied.HELD)
        return
    for change in facts.changes:
        name = target_name(change, facts.plan)
        for each in holding(name, facts.targets, facts.options.policy):
            if against := _against(change, name, each, facts.now, outside=bool(facts.options.outside_window)):
                yield Refusal(*against, None, (change.address,), Applied.HELD)
                break


def _expired(facts: Facts) -> str:
    """Why approvals that were enough when the apply began are so no longer; empty where they are."""
    options = facts.options
    needed = needed_approvals(facts.plan, facts.changes, facts.targets, options.policy, options.require_approvals)
    if not needed.most or facts.approvals is None:
        return ""
    found = counted(facts.plan, facts.approvals, options.not_by, facts.now)
    if found.suffice(needed):
        return ""
    whys = "; ".join(f"{visible(each.source)} {visible(each.why)}" for each in found.rejected)
    return f"fewer approvals count by now than {needed.whose} asks for: {whys}"


def _against(change: Change, name: str, found: Holding, now: datetime, *, outside: bool) -> tuple[str, str] | None:
    """Why the windows of one policy are against it, and what to do; None: they are not."""
    at = standing(found.policy.windows, now, outside=outside)
    if not at.is_open:
        return closed(name, found.whose, at, now, may_go_outside=found.policy.outside_window)
    if at.closes is None:
        return None
    needs = estimate(change)
    if needs is None:
        return None if found.policy.without_estimate else unknown_length(name, found.whose, at.closes - now)
    if needs * ESTIMATES_ARE_WITHIN > at.closes - now:
        return too_long(name, found.whose, at.closes - now, needs, ESTIMATES_ARE_WITHIN)
    return None
