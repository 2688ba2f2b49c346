"""The changes stand in the order in which they are made: a drop that was moved before its build would come first.

Decided: docs/decisions.md#phases
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.documents.plan import NEW_PLAN
from reconciler.errors import PlanFileError
from reconciler.model import Change
from reconciler.planning.order import groups, in_order


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan whose changes stand out of their order."""
    group = groups(facts.plan.targets)
    together: dict[str, list[Change]] = {}
    for change in facts.changes:
        together.setdefault(group[change.address.target], []).append(change)
    if not all(map(in_order, together.values())):
        yield Refusal("the changes of the plan are not in the order in which they are made", NEW_PLAN, PlanFileError)
