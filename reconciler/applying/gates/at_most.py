"""One apply builds so much on a target as its policies let it: the first of what is planned, and the rest is held.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.model import Applied, Change
from reconciler.planning.build_estimates import builds, estimate
from reconciler.planning.policies import Holding, holding, target_name
from reconciler.reports.windows import span


def gate(facts: Facts) -> Iterator[Refusal]:
    """Holds the builds of each target that are beyond what one of its policies lets an apply do."""
    by_target: dict[str, list[Change]] = {}
    for change in facts.changes:
        if any(map(builds, change.steps)):
            by_target.setdefault(target_name(change, facts.plan), []).append(change)
    for name, building in by_target.items():
        for each in holding(name, facts.targets, facts.options.policy):
            yield from _beyond(name, building, each)


def _beyond(name: str, building: Sequence[Change], found: Holding) -> Iterator[Refusal]:
    most, time = found.policy.at_most.builds, found.policy.at_most.build_time
    begun, taken = 0, timedelta()
    for change in building:
        needs = estimate(change)
        if most is not None and begun >= most:
            why = f"lets one apply build {most} at most"
        elif time is not None and needs is None and not found.policy.without_estimate:
            why = f"lets one apply build for {span(time)}, and nobody can say how long this takes"
        elif time is not None and needs is not None and taken + needs > time:
            why = f"lets one apply build for {span(time)}, and with this it would be about {span(taken + needs)}"
        else:
            begun, taken = begun + 1, taken + (needs or timedelta())
            continue
        yield Refusal(
            f"{name}: {found.whose} {why}", "what is left needs a new plan", None, (change.address,), Applied.HELD
        )
