"""What a webhook is told of a run of drift: counts and addresses. No value, no reason and no URL is in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reconciler.documents.document import timestamp
from reconciler.model import NoticeType, Plan, Verdict
from reconciler.verdicts import of_plan, of_resources

FORMAT_VERSION = "1.0"

MOST_ADDRESSES = 500
"""Of more, the number: a message is to be read, and drift has them all."""


def drift_message(plan: Plan) -> dict[str, Any]:
    """`{format, format_version, reconciler_version, created_at, verdict, counts: {verdict: number}, ignored, targets,
    unreachable: [target], resources: [{address, verdict}], left_out}`."""
    causes = {each.address: each.type for each in plan.causes or ()}
    drifted = {address: verdict for address, verdict in of_resources(plan).items() if verdict is not Verdict.IN_SYNC}
    return {
        "format": "reconciler-drift-message",
        "format_version": FORMAT_VERSION,
        "reconciler_version": plan.reconciler_version,
        "created_at": timestamp(plan.created_at),
        "verdict": of_plan(plan),
        "counts": dict(Counter(drifted.values())),
        "ignored": sum(each.type is NoticeType.IGNORED for each in plan.notices),
        "targets": len({info.node_of or name for name, info in plan.targets.items()}),
        "unreachable": list(plan.unseen),
        "resources": [
            {"address": str(address), "verdict": verdict} | ({"cause": causes[address]} if address in causes else {})
            for address, verdict in [*drifted.items()][:MOST_ADDRESSES]
        ],
        "left_out": max(0, len(drifted) - MOST_ADDRESSES),
    }
