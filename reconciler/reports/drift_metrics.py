"""What drift comes to in numbers, for a monitoring that asks again and again.

Names and labels are an interface: dashboards and alerts of others hold them.

Decided: docs/decisions.md#metrics-of-drift
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from reconciler.kinds.registry import BY_NAME
from reconciler.model import CauseType, Idleness, NoticeType, Plan, Verdict
from reconciler.verdicts import of_resources

COUNTED = tuple(each for each in Verdict if each not in (Verdict.UNREACHABLE, Verdict.IN_SYNC))
"""Verdicts of single resources. What is unreachable is a target, and has a metric of its own."""


class Sample(NamedTuple):
    """One number, and what it is of."""

    labels: Mapping[str, str]
    value: float


class Metric(NamedTuple):
    """A gauge: its name, what it says, and its samples."""

    name: str
    says: str
    samples: tuple[Sample, ...]


def drift_metrics(plan: Plan, seconds: float) -> tuple[Metric, ...]:
    """The numbers of one run, which took so many `seconds`."""
    owner = {name: info.node_of or name for name, info in plan.targets.items()}
    counts = Counter(
        (owner.get(address.target, address.target), address.kind, verdict)
        for address, verdict in of_resources(plan).items()
    )
    ignored = Counter(
        (owner.get(each.address.target, each.address.target), each.address.kind)
        for each in plan.notices
        if each.type is NoticeType.IGNORED
    )
    by_cause = Counter(
        (owner.get(each.address.target, each.address.target), each.address.kind, each.type)
        for each in plan.causes or ()
    )
    kinds = list(_kinds(plan, owner, [(target, kind) for target, kind, _ in counts]))
    unread = dict.fromkeys([*owner.values(), *plan.unseen], 0) | dict.fromkeys(plan.unseen, 1)
    idle = Counter(each.idleness for each in plan.idle_rules)
    return (
        Metric(
            "reconciler_drift",
            "Resources that are not as declared.",
            tuple(
                Sample({"target": target, "kind": kind, "verdict": verdict}, counts[target, kind, verdict])
                for target, kind in kinds
                for verdict in COUNTED
            ),
        ),
        Metric(
            "reconciler_drift_causes",
            "Resources that are not as declared, by what receipts tell of the cause.",
            tuple(
                Sample({"target": target, "kind": kind, "cause": cause}, by_cause[target, kind, cause])
                for target, kind in kinds
                for cause in CauseType
                if plan.causes is not None
            ),
        ),
        Metric(
            "reconciler_drift_ignored",
            "Differences that ignore rules let be.",
            tuple(Sample({"target": target, "kind": kind}, ignored[target, kind]) for target, kind in kinds),
        ),
        Metric(
            "reconciler_drift_idle_ignore_rules",
            "Ignore rules that have expired, or match nothing.",
            tuple(Sample({"idleness": each}, idle[each]) for each in Idleness),
        ),
        Metric(
            "reconciler_drift_unreachable",
            "Whether a target could not be read; nothing else is then said of it.",
            tuple(Sample({"target": target}, value) for target, value in unread.items()),
        ),
        Metric(
            "reconciler_drift_last_run_timestamp_seconds",
            "When this run began.",
            (Sample({}, plan.created_at.timestamp()),),
        ),
        Metric("reconciler_drift_duration_seconds", "How long this run took.", (Sample({}, round(seconds, 3)),)),
    )


def _kinds(plan: Plan, owner: Mapping[str, str], found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each target that was read with each kind that was looked at on targets of its system: a number that is 0 is told,
    since one that is missing says nothing."""
    systems = {owner[name]: info.system for name, info in plan.targets.items()}
    looked_at = dict.fromkeys(
        (target, kind)
        for target, system in systems.items()
        for kind in plan.in_sync
        if kind in BY_NAME and BY_NAME[kind].system is system
    )
    yield from looked_at | dict.fromkeys(found)
