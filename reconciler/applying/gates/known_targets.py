"""Every change is of a target that is declared here, and is made from the declaration of what it is said to change."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PlanFileError
from reconciler.planning.staleness import resource_of


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses what is of a target or a kind that is not known here, or holds the declaration of something else."""
    for change in facts.changes:
        name = change.address.target
        info = facts.plan.targets.get(name)
        if info is None or (info.node_of or name) not in facts.targets:
            yield Refusal(
                f"the plan is for the target {(info and info.node_of) or name}, which is not declared here",
                f"declared are: {', '.join(sorted(facts.targets)) or 'none'}",
                PlanFileError,
                (change.address,),
            )
            continue
        try:
            resource_of(change)
        except PlanFileError as error:
            yield Refusal(error.message, error.hint, PlanFileError, (change.address,))
