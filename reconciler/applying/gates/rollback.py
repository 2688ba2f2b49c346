"""A rollback is one that somebody has agreed to by its digest: no YAML speaks for it, as it does for other plans.

Decided: docs/decisions.md#a-rollback-is-named-by-its-digest
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PlanFileError


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a rollback that nobody has named by its digest, nor approved of."""
    approved = facts.approvals is not None and facts.options.require_approvals > 0
    if facts.plan.rolls_back is None or facts.options.digest or approved:
        return
    yield Refusal(
        "this plan undoes an apply, and no YAML declares what it makes: it is applied where its digest is named",
        f"read it, then name it: --digest {facts.plan.digest}; or have it approved: --allowed-signers FILE",
        PlanFileError,
    )
