"""The plan is the one that was reviewed, where whoever runs apply says which that is.

Decided: docs/decisions.md#plans-that-hold-fewer-changes
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PlanFileError


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan of another digest than `--digest` names."""
    found, wanted = facts.plan.digest, facts.options.digest
    if wanted and found != wanted:
        yield Refusal(
            f"this is another plan than the one that --digest names: its digest is {found}, and not {wanted}",
            "apply the plan that was reviewed, or review this one: reconciler show FILE",
            PlanFileError,
        )
