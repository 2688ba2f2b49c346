"""What people are told of the plans of a fleet: groups of equal changes, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Change, ChangeGroup, Fleet
from reconciler.reports.characters import visible
from reconciler.reports.hazards import HazardRow, hazards_to_read
from reconciler.reports.labels import ACTIONS, Labelled, Number, counted, listed
from reconciler.reports.steps import StepRow, on_failure, step_rows
from reconciler.reports.unreachable import unread_summary
from reconciler.reports.waves import rollout_lines

TARGET: Number = ("target", "targets")
GROUP: Number = ("group of equal changes", "groups of equal changes")

MOST_NAMED = 10
"""Targets of a group that are named: those of a canary, and enough of a fleet to see which it is."""


class GroupRow(NamedTuple):
    """A group; `about` is what its changes are called without a target, `on` says on which targets, `approved_by` is
    the option that approves it."""

    sign: str
    about: str
    on: str
    steps: Sequence[StepRow]
    on_failure: Sequence[str]
    hazards: Sequence[HazardRow]
    approved_by: Labelled


class FleetReport(NamedTuple):
    """The groups, those of most targets first; what was not read; the waves; what it all comes to."""

    groups: Sequence[GroupRow]
    unread: Sequence[str]
    rollout: Sequence[str]
    summary: Sequence[str]
    digest: Labelled


def fleet_report(fleet: Fleet, examples: Mapping[str, Change]) -> FleetReport:
    """What is told of `fleet`; `examples` has a change of each group."""
    groups = sorted(fleet.groups, key=lambda group: (-len(group.targets), group.kind, group.name, group.digest))
    return FleetReport(
        groups=[_row(group, examples[group.digest], len(fleet.targets)) for group in groups],
        unread=[visible(f"{each.node}: {each.message}") for each in fleet.unreachable],
        rollout=rollout_lines(fleet, fleet.rollout) if fleet.rollout else [],
        summary=_summary(fleet),
        digest=Labelled("Digest:", fleet.digest),
    )


def _row(group: ChangeGroup, example: Change, targets: int) -> GroupRow:
    names = [*group.targets[:MOST_NAMED]]
    more = len(group.targets) - len(names)
    told = listed([*map(visible, names), *([f"{more} more"] if more else [])])
    return GroupRow(
        sign=ACTIONS[group.action].sign,
        about=visible(f"{group.kind}/{group.name}"),
        on=f"on {len(group.targets)} of {counted(targets, TARGET)}: {told}",
        steps=step_rows(example.steps),
        on_failure=on_failure(example),
        hazards=hazards_to_read(example),
        approved_by=Labelled("--approve", group.digest),
    )


def _summary(fleet: Fleet) -> list[str]:
    changed = sum(bool(plan.groups) for plan in fleet.targets.values())
    first = f"Fleet: {counted(len(fleet.targets), TARGET)}"
    told = f"{changed} with changes, in {counted(len(fleet.groups), GROUP)}" if changed else "no changes"
    return [f"{first}, {told}.", *unread_summary(fleet.unseen)]
