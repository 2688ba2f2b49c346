"""The changes of a plan without what only an apply has to know, and what is the same for many of a kind once.

Decided: docs/decisions.md#a-quiet-plan
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.model import SqlStep
from reconciler.reports.changes import ChangeRow
from reconciler.reports.steps import StepRow

SEVERAL = 3
"""Changes from which on what they share is said once: of fewer, a legend is no shorter."""

SHARED = "…"
"""Stands for the step that the legend names."""


class Quiet(NamedTuple):
    """Changes with their statements, estimates and hazards; `legend` is what was left out of them, in sentences."""

    changes: tuple[ChangeRow, ...]
    legend: tuple[str, ...]


def quiet(changes: Sequence[ChangeRow]) -> Quiet:
    """The changes in their order."""
    by_kind: dict[str, list[ChangeRow]] = {}
    for change in changes:
        by_kind.setdefault(change.address.kind, []).append(change)
    ends = {kind: end for kind, of in by_kind.items() if (end := _shared_end(of))}
    ways = {kind: way for kind, of in by_kind.items() if (way := _shared_way(of))}
    legend = [f"{SHARED} of {kind} is: {end}" for kind, end in ends.items()]
    legend += [f"Steps of {kind}, unless said: {way}" for kind, way in ways.items()]
    if any(change.on_failure or change.to_undo or change.why for change in changes):
        legend.append("--verbose says why, what runs on failure, and what undoes it.")
    shown = []
    for change in changes:
        kind = change.address.kind
        steps = _shortened(change.steps, ends.get(kind, ""), ways.get(kind, ""))
        shown.append(change._replace(steps=steps, on_failure=(), to_undo=None, why=None))
    return Quiet(tuple(shown), tuple(legend))


def _shortened(steps: Sequence[StepRow], end: str, way: str) -> tuple[StepRow, ...]:
    short = [row._replace(how="" if row.how == way else row.how) for row in steps]
    if len(short) > 1 and end == short[-1].line:
        short[-1] = short[-1]._replace(line=SHARED)
    return tuple(short)


def _shared_end(changes: Sequence[ChangeRow]) -> str:
    """The instant step that most changes end with, behind others; empty where too few do."""
    lasts = [change.steps[-1] for change in changes if len(change.steps) > 1]
    ends = Counter(row.line for row in lasts if not row.how and not row.step.hazards)
    end, count = ends.most_common(1)[0] if ends else ("", 0)
    return end if count >= SEVERAL else ""


def _shared_way(changes: Sequence[ChangeRow]) -> str:
    """How most steps run; empty where some of them run as is usual, of which nothing is said either."""
    ways = Counter(row.how for change in changes for row in change.steps if isinstance(row.step, SqlStep))
    way, count = ways.most_common(1)[0] if ways and "" not in ways else ("", 0)
    return way if count >= SEVERAL else ""
