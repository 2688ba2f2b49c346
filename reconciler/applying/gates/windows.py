"""Changes are made while a window is open: those of a target whose windows are closed are held, and the others made.

What closes while an apply runs is seen by `time_left`, before each change.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import PolicyRefuses
from reconciler.model import Address, Applied
from reconciler.planning.policies import holding, target_name
from reconciler.reports.windows import closed
from reconciler.windows import standing


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses the changes of targets whose windows are closed; the whole plan where those are all it has."""
    reason = facts.options.outside_window
    by_target: dict[str, list[Address]] = {}
    for change in facts.changes:
        by_target.setdefault(target_name(change, facts.plan), []).append(change.address)
    found: list[Refusal] = []
    for name, addresses in by_target.items():
        for each in holding(name, facts.targets, facts.options.policy):
            if reason and each.policy.windows and not each.policy.outside_window:
                yield Refusal(
                    f"{each.whose} lets nobody apply outside of its windows, whatever the reason",
                    "leave --outside-window away, and apply when they are open",
                    PolicyRefuses,
                )
            at = standing(each.policy.windows, facts.now, outside=bool(reason))
            if not at.is_open:
                why, way_out = closed(name, each.whose, at, facts.now, may_go_outside=each.policy.outside_window)
                found.append(Refusal(why, way_out, None, tuple(addresses), Applied.HELD))
                break
    if found and len(found) == len(by_target):
        reasons = "\n".join(dict.fromkeys(f"  {each.reason}" for each in found))
        yield Refusal(f"nothing was run: no window is open\n{reasons}", found[0].hint, PolicyRefuses)
    yield from found
