"""What makes a change this very change: a digest of all of it that can run.

Decided: docs/decisions.md#fingerprint-of-a-change
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.documents.digest import digest
from reconciler.model import Change

PARTS = (
    "address", "action", "before", "steps", "new_partitions", "undo", "undo_unseen", "inverse", "lane", "phase",
    "sensitive", "desired",
)  # fmt: skip
"""The fields of a change that can run, or decide whether and when something runs, or what is withheld of it. Each is
made again when the plan is applied (`planning.staleness.judge`)."""

SAID = ("why", "declared_at")
"""Of `desired`: words for people, and a place that moves with every line above it."""


def fingerprint(change: Change) -> str:
    """The fingerprint of `change`: over PARTS.

    Two changes with the same fingerprint find the same state, run the same steps in the same place of the order, and
    are undone alike. What is only said about a change (why, notes, evidence) does not count, nor does `after`, which
    the steps bring about, nor `forbidden`: a plan is made by a role that may only read, and applied by another.
    """
    return of_parts(parts(change))


def parts(change: Change) -> dict[str, object]:
    """PARTS of `change`, as JSON values, as far as they count."""
    return _counted(change.model_dump(mode="json", include=set(PARTS)))


def of_parts(values: Mapping[str, object]) -> str:
    """The fingerprint of a change given as JSON values, as a plan file holds them; of any shape, since files are."""
    return digest(_counted(values))


def _counted(values: Mapping[str, object]) -> dict[str, object]:
    """PARTS of `values` without what is only said.

    Of a hazard only the type counts: its message may tell how much memory is used, or how many rows there are, and
    that must not make a plan stale.
    """
    found = {key: values.get(key) for key in PARTS}
    for key in ("steps", "undo", "inverse"):
        steps = found[key]
        found[key] = [_without_messages(step) for step in steps] if isinstance(steps, list) else steps
    desired = found["desired"]
    if isinstance(desired, dict):
        found["desired"] = {key: value for key, value in desired.items() if key not in SAID}
    return found


def _without_messages(step: object) -> object:
    if not isinstance(step, dict) or not isinstance(step.get("hazards"), list):
        return step
    return step | {
        "hazards": [hazard.get("type") if isinstance(hazard, dict) else hazard for hazard in step["hazards"]]
    }
