"""A live system in one line: what it is, and where."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.model import Plan, TargetInfo, Verdict
from reconciler.reports.characters import visible
from reconciler.verdicts import of_targets


class TargetRow(NamedTuple):
    """A target or node of a plan."""

    name: str
    says: str
    verdict: Verdict


def target_rows(plan: Plan) -> tuple[TargetRow, ...]:
    """The targets in the order of the plan."""
    verdicts = of_targets(plan)
    return tuple(TargetRow(name, target_line(info), verdicts[name]) for name, info in plan.targets.items())


def target_line(info: TargetInfo) -> str:
    """`PostgreSQL 18.6, app at db1:5432`."""
    product = visible(f"{info.product} {info.version}".strip())
    if not info.location:
        return f"{product}, not declared here"
    location = visible(info.location) + (", standby" if info.role == "standby" else "")
    location += f", as role {visible(info.as_role)}" if info.as_role else ""
    return f"{product}, {visible(info.database)} at {location}" if info.database else f"{product} at {location}"
