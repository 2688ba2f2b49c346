"""A cluster has the nodes that it had when the plan was made: one that came since would be left without the change."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PlanFileError
from reconciler.model import Plan


def targets_of(plan: Plan) -> list[str]:
    """The targets that a plan's changes are for, as they are declared: of a node, the target that it is one of."""
    names = (plan.targets[change.address.target].node_of or change.address.target for change in plan.changes)
    return list(dict.fromkeys(names))


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan of a target that has other nodes by now."""
    for target in targets_of(facts.plan):
        planned = {name for name, info in facts.plan.targets.items() if target in (name, info.node_of)}
        found = {name for name, node in facts.nodes.items() if target in (name, node.node_of)}
        if planned != found:
            said = [
                *(f"{name} is gone" for name in sorted(planned - found)),
                *(f"{name} was not there" for name in sorted(found - planned)),
            ]
            yield Refusal(
                f"{target} has other nodes than when the plan was made: {', '.join(said)}",
                "make a new plan",
                PlanFileError,
            )
