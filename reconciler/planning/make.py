"""Makes the plan of what was read of all targets.

Decided: docs/decisions.md#targets-that-cannot-be-read
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler import __version__
from reconciler.desired.narrowing import EVERYTHING, Narrowing
from reconciler.documents.plan import seal
from reconciler.kind import Clusters, DecidesLast, NodeOutcomes, Notes
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import Address, Change, CheckResult, IgnoreRule, Notice, Plan, Resource, Target, Unreachable
from reconciler.planning.ignoring import Ignoring, idle_rules
from reconciler.planning.narrowing import narrowed
from reconciler.planning.order import ordered
from reconciler.planning.reading import read_all
from reconciler.planning.same_server import agreed
from reconciler.planning.viewing import TargetView
from reconciler.secrets import Secrets
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.thread_pool import MOST_TARGETS_AT_ONCE


class Planned(NamedTuple):
    """A plan, and what it has only in sum: by system, how many resources of each kind are as declared, and how many
    changes a plan that was narrowed leaves out."""

    plan: Plan
    in_sync: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, int] = {}


def make_plan(
    targets: Mapping[str, Target],
    resources: Sequence[Resource],
    secrets: Secrets,
    *,
    created_at: datetime,
    advised: bool = False,
    allow_blocked: bool = False,
    only: Narrowing = EVERYTHING,
    ignore: Sequence[IgnoreRule] = (),
    at_once: int = MOST_TARGETS_AT_ONCE,
) -> Plan:
    """As `planned`, the plan alone."""
    return planned(
        targets, resources, secrets,
        created_at=created_at, advised=advised, allow_blocked=allow_blocked, only=only, ignore=ignore,
        at_once=at_once,
    ).plan  # fmt: skip


def planned(
    targets: Mapping[str, Target],
    resources: Sequence[Resource],
    secrets: Secrets,
    *,
    created_at: datetime,
    advised: bool = False,
    allow_blocked: bool = False,
    only: Narrowing = EVERYTHING,
    ignore: Sequence[IgnoreRule] = (),
    at_once: int = MOST_TARGETS_AT_ONCE,
    unknown: Sequence[Unreachable] = (),
    left: OpenSessions | None = None,
    commit: str = "",
    of_nodes: bool = False,
) -> Planned:
    """The plan that brings `targets` to `resources`; so many systems are read `at_once`.

    `advised`: with what reviewers want to know beside it, which takes longer; see `kind.Advises`. `allow_blocked` is
    noted in it, for its apply, as is the `commit` that the YAML is of. `only`: what the plan is about, of all that is
    declared of `targets` (`narrowing`). A resource of a target that is not in `targets` is not looked at, but may be
    what a part of `only` is about. A target that cannot be read, or a node of which cannot, is in `Plan.unreachable`,
    and nothing is planned of it: of such a plan it is never said that all is in sync. So are templates whose targets
    are `unknown`. What `ignore` says of differences holds on the day of `created_at`. `of_nodes`: each resource is of
    the one node that its address names, and of no other of its target. `left` takes over sessions, as `read_all` says.
    Raises UsageError where a part of `only` is about nothing.
    """
    ignoring = Ignoring(ignore, created_at.astimezone(UTC).date())
    read = read_all(
        targets, resources, secrets,
        advised=advised, at_once=at_once, of_nodes=of_nodes, left=left, ignoring=ignoring,
    )  # fmt: skip
    unseen = {name: targets[name] for name in dict.fromkeys(each.target for each in read.unread)}
    views = _held_back(agreed(read.views, read.nodes, read.resources, unseen, resources))
    outcomes = [outcome for view in views.values() for outcome in view.outcomes]
    in_sync: Counter[str] = Counter()
    for view in views.values():
        in_sync.update(view.in_sync)
    checks = [outcome for outcome in outcomes if isinstance(outcome, CheckResult)]
    for kind in KINDS:
        if isinstance(kind, DecidesLast):
            checks = list(kind.decided(checks, outcomes, resources))
    infos = {name: view.info for name, view in views.items()}
    plan = Plan(
        reconciler_version=__version__,
        created_at=created_at,
        targets=infos,
        changes=ordered((outcome for outcome in outcomes if isinstance(outcome, Change)), infos),
        notices=(*(outcome for outcome in outcomes if isinstance(outcome, Notice)), *_said_once(views)),
        checks=(*checks, *_undecided(read.unread, resources)),
        in_sync=dict(sorted(in_sync.items())),
        unreachable=(*unknown, *read.unread),
        allow_blocked=allow_blocked,
        commit=commit,
    )
    of_each: Mapping[str, Mapping[str, int]] = {name: view.in_sync for name, view in views.items()}
    less = narrowed(plan, only, resources, read.resources)
    found = Planned(*less) if less else Planned(plan, of_each)
    made = {"changes": _noted(found.plan.changes), "idle_rules": idle_rules(ignoring, found.plan, resources)}
    return found._replace(plan=seal(found.plan.model_copy(update=made)))


def _noted(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, with what a kind has to say of those that are made together."""
    found: dict[Address, Change] = {}
    for kind in KINDS:
        if isinstance(kind, Notes):
            by_node: dict[str, list[Change]] = {}
            for change in changes:
                if change.address.kind == kind.name:
                    by_node.setdefault(change.address.target, []).append(change)
            for mine in by_node.values():
                found |= {change.address: change for change in kind.noted(mine)}
    return tuple(found.get(change.address, change) for change in changes)


def _held_back(views: Mapping[str, TargetView]) -> dict[str, TargetView]:
    """The views, without what one node of a cluster holds against another."""
    found = dict(views)
    clusters: dict[str, list[str]] = {}
    for name, view in views.items():
        clusters.setdefault(view.info.node_of or name, []).append(name)
    for names in clusters.values():
        if len(names) == 1:
            continue
        for kind in KINDS:
            if isinstance(kind, Clusters) and kind.system is views[names[0]].info.system:
                nodes = {name: NodeOutcomes(found[name].info, found[name].outcomes) for name in names}
                for name, outcomes in kind.held_back(nodes).items():
                    found[name] = replace(found[name], outcomes=tuple(outcomes))
    return found


def _undecided(unread: Iterable[Unreachable], resources: Iterable[Resource]) -> list[CheckResult]:
    """The checks of targets that were not read: nobody knows how they would have come out."""
    why = {each.target: f"{each.node} could not be read" for each in reversed([*unread])}
    return [
        outcome.model_copy(update={"message": why[resource.address.target]})
        for resource in resources
        if resource.address.target in why and BY_NAME[resource.address.kind].system is None
        for outcome in BY_NAME[resource.address.kind].plan(resource, None)
        if isinstance(outcome, CheckResult)
    ]


def _said_once(views: Mapping[str, TargetView]) -> list[Notice]:
    """The remarks on all systems; what is the same of all nodes of a cluster is said of the first."""
    found: dict[tuple[str, str], Notice] = {}
    for name, view in views.items():
        if view.remark:
            found.setdefault((view.info.node_of or name, view.remark.message), view.remark)
    return list(found.values())
