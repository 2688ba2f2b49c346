"""What policies look at on servers beside the plan: how much those bear, and by which clock windows open and close."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import TargetError
from reconciler.insight.headroom import headroom
from reconciler.model import NO_BOUNDS, Change, Headroom, Plan, Policy, PostgresTarget, Target
from reconciler.planning.policies import bounded, holding, target_name
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import OpenSessions

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

CLOCKS_AGREE = timedelta(seconds=5)
"""Within that, nobody is told: windows open to the minute."""


class ServerNow(NamedTuple):
    """How a server stands: how much it bears, where a policy bounds that, and how far its clock is ahead of ours."""

    headroom: Headroom | None
    clock_ahead: timedelta


def decides(targets: Mapping[str, Target], runner: Policy) -> bool:
    """Whether a policy looks at any of that."""
    policies = [runner, *(target.policy for target in targets.values())]
    return any(policy.windows or policy.bounds != NO_BOUNDS for policy in policies)


def other_clock(name: str, targets: Mapping[str, Target], runner: Policy, ahead: timedelta) -> bool:
    """Whether the clock of the target `name` is another than ours, and a window decides when it is changed."""
    return abs(ahead) > CLOCKS_AGREE and any(each.policy.windows for each in holding(name, targets, runner))


def servers_now(
    plan: Plan, targets: Mapping[str, Target], runner: Policy, sessions: OpenSessions
) -> Mapping[str, ServerNow]:
    """The PostgreSQL servers that `plan` changes and policies look at, by the name of the node. What cannot be seen of
    one is left to its apply."""
    found: dict[str, ServerNow] = {}
    changes: dict[str, list[Change]] = {}
    for change in plan.changes:
        changes.setdefault(change.address.target, []).append(change)
    for name, of_node in changes.items():
        target = targets.get(target_name(of_node[0], plan))
        if not isinstance(target, PostgresTarget) or not decides({target.name: target}, runner):
            continue
        node = next((each for each in nodes(target, sessions) if each.name == name), None)
        if node is not None:
            wanted = any(bounded(change, plan, targets, runner) for change in of_node)
            with suppress(TargetError):
                found[name] = sessions.ask(node, partial(_seen, bounds=wanted))
    return found


def _seen(session: PostgresSession, *, bounds: bool) -> ServerNow:
    return ServerNow(headroom(session)() if bounds else None, session.clock_ahead)
