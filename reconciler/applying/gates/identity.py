"""Behind the URL is the very system that the plan was made for, in the same role, and taken on by the same role.

Decided: docs/decisions.md#identity-of-a-redis
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PlanFileError
from reconciler.model import TargetInfo


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan that was made for another system than the one behind a URL, or for one that is no node of the same
    target; one whose node has changed its role, or is used as another role."""
    for name, found in facts.infos.items():
        planned, node_of = facts.plan.targets[name], facts.nodes[name].node_of
        if (planned.system, planned.identity, planned.node_of) != (found.system, found.identity, node_of):
            yield Refusal(
                f"the plan was made for another {name}: {_where(planned)}, and its URL now leads to {_where(found)}",
                "check the URL, or make a new plan for this system",
                PlanFileError,
            )
        if planned.role != found.role:
            yield Refusal(
                f"{name} was a {planned.role} when the plan was made, and is a {found.role} now: its order no longer "
                "holds",
                "make a new plan",
                PlanFileError,
            )
        if planned.as_role != found.as_role:
            before, now = (f"as role {each}" if each else "without `role`" for each in (planned.as_role, found.as_role))
            yield Refusal(f"{name} was planned {before}, and is declared {now}", "make a new plan", PlanFileError)


def _where(info: TargetInfo) -> str:
    database = f" database {info.database}" if info.database else ""
    return f"{info.product} {info.version} at {info.location}{database} ({info.identity})"
