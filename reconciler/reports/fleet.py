"""What people are told of the plans of a fleet: groups of equal changes, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Action, Change, ChangeGroup, Fleet, HazardType, NoticeType, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.hazards import HazardRow, hazards_to_read
from reconciler.reports.labels import ACTIONS, NOTICES, Labelled, Number, counted, listed
from reconciler.reports.narrowing import narrowed_summary
from reconciler.reports.steps import StepRow, on_failure, step_rows
from reconciler.reports.unreachable import unread_summary
from reconciler.reports.waves import rollout_lines

TARGET: Number = ("target", "targets")
GROUP: Number = ("group of equal changes", "groups of equal changes")

MOST_NAMED = 10
"""Targets of a group that are named: those of a canary, and enough of a fleet to see which it is."""


class GroupRow(NamedTuple):
    """A group; `about` is what its changes are called without a target, `says` before → after, and whether that waits
    for a restart, `on` on which targets; `approved_by` is the option that approves it."""

    sign: str
    action: Action
    about: str
    says: str
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
    verdict: Verdict
    digest: Labelled


def fleet_report(fleet: Fleet, examples: Mapping[str, Change]) -> FleetReport:
    """What is told of `fleet`; `examples` has a change of each group."""
    groups = sorted(fleet.groups, key=lambda group: (-len(group.targets), group.kind, group.name, group.digest))
    return FleetReport(
        groups=[_row(group, examples[group.digest], len(fleet.targets)) for group in groups],
        unread=[visible(f"{each.node}: {each.message}") for each in fleet.unreachable],
        rollout=rollout_lines(fleet, fleet.rollout) if fleet.rollout else [],
        summary=_summary(fleet),
        verdict=fleet.verdict,
        digest=Labelled("Digest:", fleet.digest),
    )


def _row(group: ChangeGroup, example: Change, targets: int) -> GroupRow:
    waits = NOTICES[NoticeType.WAITS_FOR_RESTART][0] if HazardType.WAITS_FOR_RESTART in group.hazards else ""
    return GroupRow(
        sign=ACTIONS[group.action].sign,
        action=group.action,
        about=visible(f"{group.kind}/{group.name}"),
        says="; ".join(filter(None, (visible(example.summary), waits))),
        on=f"on {len(group.targets)} of {counted(targets, TARGET)}: {_named(group.targets)}",
        steps=step_rows(example.steps),
        on_failure=on_failure(example),
        hazards=hazards_to_read(example),
        approved_by=Labelled("--approve", group.digest),
    )


def _summary(fleet: Fleet) -> list[str]:
    changed = sum(bool(plan.groups) for plan in fleet.targets.values())
    first = f"Fleet: {counted(len(fleet.targets), TARGET)}"
    told = f"{changed} with changes, in {counted(len(fleet.groups), GROUP)}" if changed else "no changes"
    said = [f"{first}, {told}.", *_blocked(fleet), *unread_summary(fleet.unseen)]
    return [*narrowed_summary(fleet.partial), *said]


def _blocked(fleet: Fleet) -> list[str]:
    """Where something is in the way that no group mends: an apply of those targets fails for it, unless that was
    allowed when they were planned."""
    names = [name for name, plan in fleet.targets.items() if plan.verdict is Verdict.BLOCKED]
    if not names:
        return []
    allowed = ", as was allowed" if fleet.allow_blocked else ""
    return [f"Something is blocked on {counted(len(names), TARGET)}{allowed}: {_named(names)}."]


def _named(names: Sequence[str]) -> str:
    """The first of them, and how many more."""
    more = len(names) - MOST_NAMED
    return listed([*map(visible, names[:MOST_NAMED]), *([f"{more} more"] if more > 0 else [])])
