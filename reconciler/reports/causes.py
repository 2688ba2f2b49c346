"""What differences come from, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reconciler.model import Cause, CauseType, Plan
from reconciler.reports.labels import Number, numbered

CAUSES: Mapping[CauseType, Number] = {
    CauseType.CHANGED_OUTSIDE: ("was changed outside", "were changed outside"),
    CauseType.NOT_APPLIED: ("is not applied yet", "are not applied yet"),
    CauseType.UNKNOWN: ("is of unknown cause", "are of unknown cause"),
}
"""In the order in which a summary counts them."""


def cause_says(cause: Cause | None) -> str:
    """`changed outside, after the apply of 2026-11-30 02:00 UTC`; empty where nobody asked, or nobody knows."""
    if cause is None or cause.since is None:
        return ""
    when = f"the apply that ended on {cause.since:%Y-%m-%d %H:%M} UTC"
    if cause.type is CauseType.CHANGED_OUTSIDE:
        return f"changed outside, after {when}"
    return f"declared and not applied yet; as {when} made it"


def causes_summary(plan: Plan) -> list[str]:
    """The sentence that counts them; none where receipts were not asked for, or nothing differs."""
    counts = Counter(each.type for each in plan.causes or ())
    said = [f"{counts[type]} {numbered(counts[type], words)}" for type, words in CAUSES.items() if counts[type]]
    return [f"Of these, {', '.join(said)}."] if said else []
