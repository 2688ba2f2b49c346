"""A live system in one line: what it is, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.model import Plan, TargetInfo, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.several import Several, several, together
from reconciler.verdicts import of_targets, worst


class TargetRow(NamedTuple):
    """A target or node of a plan, or what is said of `several`: their number as the name, and what they are."""

    name: str
    says: str
    verdict: Verdict
    several: Several | None = None


def target_rows(plan: Plan, *, many: bool = False) -> tuple[TargetRow, ...]:
    """The targets in the order of the plan; of `many` those of one version in a row."""
    verdicts = of_targets(plan)
    found = together(plan.targets.items(), lambda item: (item[1].product, item[1].version), many=many)
    rows = []
    for same in found:
        names = [name for name, _ in same]
        rows.append(_row(names, same[0][1], worst(verdicts[name] for name in names)))
    return tuple(rows)


def _row(names: Sequence[str], first: TargetInfo, verdict: Verdict) -> TargetRow:
    of = several(names)
    if of is None:
        return TargetRow(names[0], target_line(first), verdict)
    return TargetRow(of.number, f"{_product(first)}: {of.named}", verdict, of)


def target_line(info: TargetInfo) -> str:
    """`PostgreSQL 18.6, app at db1:5432`."""
    product = _product(info)
    if not info.location:
        return f"{product}, not declared here"
    location = visible(info.location) + (", standby" if info.role == "standby" else "")
    location += f", as role {visible(info.as_role)}" if info.as_role else ""
    location += f", applied as {visible(info.apply_as)}" if info.apply_as else ""
    return f"{product}, {visible(info.database)} at {location}" if info.database else f"{product} at {location}"


def _product(info: TargetInfo) -> str:
    return visible(f"{info.product} {info.version}".strip())
