"""What policies will say of a plan when it is applied, for whoever reviews it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import click

from reconciler.cli.app import Run
from reconciler.model import Change, Plan, Policy, Target
from reconciler.planning.policies import burdens, hazard_types, holding, needed_approvals, target_name
from reconciler.planning.servers_now import ServerNow, decides, other_clock, servers_now
from reconciler.reports.headroom import against, clocks
from reconciler.reports.windows import local, span
from reconciler.targets.open_sessions import OpenSessions, open_sessions
from reconciler.windows import standing


def sessions(run: Run, targets: Mapping[str, Target], runner: Policy) -> OpenSessions | None:
    """Sessions for `told`, until the command ends, which others may leave theirs to; None where it asks no server."""
    if not decides(targets, runner):
        return None
    return click.get_current_context().with_resource(open_sessions(run.secrets))


def told(
    plan: Plan, targets: Mapping[str, Target], runner: Policy, now: datetime, opened: OpenSessions | None
) -> tuple[str, ...]:
    """All that policies say, also by how servers stand at this moment."""
    found = servers_now(plan, targets, runner, opened) if opened else {}
    return (*_lines(plan, targets, runner, now), *_of_servers(plan, targets, runner, found))


def _of_servers(
    plan: Plan, targets: Mapping[str, Target], runner: Policy, found: Mapping[str, ServerNow]
) -> Iterator[str]:
    """A line for each server that is over a bound, and for each whose clock is another."""
    for name, server in found.items():
        changes = [change for change in plan.changes if change.address.target == name]
        owner = target_name(changes[0], plan)
        if server.headroom and any(map(burdens, changes)):
            for each in holding(owner, targets, runner):
                for why in against(each.policy.bounds, server.headroom):
                    yield f"{name}: by {each.whose} no build and no restart would begin now: {why}."
        if other_clock(owner, targets, runner, server.clock_ahead):
            yield f"{clocks(name, server.clock_ahead)}."


def _lines(plan: Plan, targets: Mapping[str, Target], runner: Policy, now: datetime) -> Iterator[str]:
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
