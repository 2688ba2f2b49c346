"""What a policy denies is not applied, whoever approves or allows it.

Decided: docs/decisions.md#who-has-the-last-word
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PolicyRefuses
from reconciler.planning.policies import hazard_types, holding, target_name


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan with hazards that a policy denies; all of them in one."""
    lines, changes = [], []
    for change in facts.changes:
        for each in holding(target_name(change, facts.plan), facts.targets, facts.options.policy):
            for hazard in sorted(hazard_types(change) & {*each.policy.deny}):
                lines.append(f"  {change.address}: {hazard} is denied by {each.whose}")
                changes.append(change.address)
    if lines:
        yield Refusal(
            "this plan has hazards that a policy denies; nothing was run\n" + "\n".join(lines),
            "neither --allow nor an approval is above a policy: plan without these changes, or change the policy",
            PolicyRefuses,
            tuple(dict.fromkeys(changes)),
        )
