"""A plan has one change of an address: of two, nobody could say which was reviewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.documents.plan import NEW_PLAN
from reconciler.errors import PlanFileError


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan with two changes of one address."""
    for address, times in Counter(change.address for change in facts.changes).items():
        if times > 1:
            yield Refusal(f"the plan has two changes of {address}", NEW_PLAN, PlanFileError, (address,))
