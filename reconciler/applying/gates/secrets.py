"""Every secret that the changes need can be had where apply runs: one that is missed half-way leaves half of a plan.

Decided: docs/decisions.md#secrets-before-the-first-step
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import ApplyError
from reconciler.model import Change, SecretRef
from reconciler.planning.needed_secrets import needed


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan with changes whose secrets cannot be had; all of them in one."""
    missed: dict[SecretRef, list[Change]] = {}
    for change in facts.changes:
        for reference in needed(change):
            if reference in facts.unresolved:
                missed.setdefault(reference, []).append(change)
    if missed:
        lines = [
            f"  {facts.unresolved[reference].message}: needed by {', '.join(str(each.address) for each in changes)}"
            for reference, changes in missed.items()
        ]
        changes = dict.fromkeys(change.address for changes in missed.values() for change in changes)
        yield Refusal(
            "this plan needs secrets that cannot be had here; nothing was run\n" + "\n".join(lines),
            "\n  ".join(dict.fromkeys(facts.unresolved[reference].hint for reference in missed)),
            ApplyError,
            tuple(changes),
        )
