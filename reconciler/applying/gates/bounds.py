"""A build or a restart begins while the server bears it: replicas are not far behind, there is little WAL, and room.

Decided: docs/decisions.md#bounds-on-what-a-server-bears
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.model import Applied
from reconciler.planning.policies import burdens, holding, target_name
from reconciler.reports.headroom import against


def gate(facts: Facts) -> Iterator[Refusal]:
    """Holds each change that burdens a server which is over a bound of one of its policies."""
    for change in facts.changes:
        found = facts.headrooms.get(change.address.target)
        if found is None or not burdens(change):
            continue
        for each in holding(target_name(change, facts.plan), facts.targets, facts.options.policy):
            if why := "; ".join(against(each.policy.bounds, found)):
                yield Refusal(
                    f"{change.address.target}: {each.whose} lets nothing begin now: {why}",
                    "apply it again when that is over",
                    None, (change.address,), Applied.HELD,
                )  # fmt: skip
                break
