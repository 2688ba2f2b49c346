"""Whoever applies has allowed by name what is dropped, restarted or made less safe.

Decided: docs/decisions.md#forbidden-changes, docs/decisions.md#who-has-the-last-word
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import HazardNotAllowed
from reconciler.model import NEEDS_PERMISSION
from reconciler.planning.policies import needed_approvals
from reconciler.reports.hazards import allowing


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan with steps whose hazards need permission and have not got it; all of them in one. Where approvals
    are needed, it is them that permit (`approvals`)."""
    options = facts.options
    if needed_approvals(facts.plan, facts.changes, facts.targets, options.policy, options.require_approvals).most:
        return
    missing = [
        (change, hazard)
        for change in facts.changes
        for step in change.steps
        for hazard in step.hazards
        if hazard.type in NEEDS_PERMISSION and hazard.type not in options.allowed
    ]
    if missing:
        lines = [f"  {change.address}: {hazard.type}: {hazard.message}" for change, hazard in missing]
        flags = allowing(hazard.type for _, hazard in missing)
        yield Refusal(
            "this plan has hazards that nobody has allowed; nothing was run\n" + "\n".join(lines),
            f"if they are wanted: reconciler apply … {flags}",
            HazardNotAllowed,
            tuple(dict.fromkeys(change.address for change, _ in missing)),
        )
