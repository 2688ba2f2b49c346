"""What policies will say of a plan when it is applied, for whoever reviews it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.model import Change, Plan, Policy, Target
from reconciler.planning.policies import hazard_types, holding, needed_approvals, target_name
from reconciler.reports.windows import local, span
from reconciler.windows import standing


def lines(plan: Plan, targets: Mapping[str, Target], runner: Policy, now: datetime) -> Iterator[str]:
    """A line for each: how many have to approve, what is denied, and when windows open or close."""
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_target.setdefault(target_name(change, plan), []).append(change)
    needed = needed_approvals(plan, plan.changes, targets, runner, 0)
    if needed.most:
        yield f"To apply it takes {needed.most} approval{'' if needed.most == 1 else 's'}: {needed.whose} asks for it."
    for name, changes in by_target.items():
        for each in holding(name, targets, runner):
            for hazard in sorted({found for change in changes for found in hazard_types(change)} & {*each.policy.deny}):
                yield f"{name}: {hazard} is denied by {each.whose}: apply will refuse this plan."
            if not each.policy.windows:
                continue
            zone = each.policy.windows[0].zone
            at = standing(each.policy.windows, now)
            if at.is_open and at.closes:
                yield f"{name}: the window closes at {local(at.closes, zone)}, in {span(at.closes - now)}."
            elif not at.is_open and at.opens:
                yield f"{name}: the window opens at {local(at.opens, zone)}, in {span(at.opens - now)}."
            elif not at.is_open:
                yield f"{name}: no window of {each.whose} opens within a year."
