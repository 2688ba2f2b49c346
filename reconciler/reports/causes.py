"""What differences come from, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reconciler.model import Cause, CauseType, Plan, UnknownReason
from reconciler.reports.labels import Number, numbered

CAUSES: Mapping[CauseType, Number] = {
    CauseType.CHANGED_OUTSIDE: ("was changed outside", "were changed outside"),
    CauseType.NOT_APPLIED: ("is not applied yet", "are not applied yet"),
    CauseType.UNKNOWN: ("is of unknown cause", "are of unknown cause"),
}
"""In the order in which a summary counts them."""


WHY_UNKNOWN: Mapping[UnknownReason, str] = {
    UnknownReason.NO_RECEIPT: "no receipt tells of it",
    UnknownReason.FAILED: "its last apply has not come to its end",
    UnknownReason.NOT_COMPARABLE: "what was made cannot be compared",
    UnknownReason.SECRET: "it is a secret",
    UnknownReason.VARIABLE: "variables declare it, and no commit tells what they were",
    UnknownReason.NO_COMMIT: "the receipt does not name the commit of its YAML",
    UnknownReason.COMMIT_UNREADABLE: "the commit of the receipt cannot be read here by git",
    UnknownReason.YAML_UNREADABLE: "the YAML of the receipt's commit cannot be read by itself",
}


def cause_says(cause: Cause | None) -> str:
    """`changed outside, after the apply that ended on 2026-11-30 02:00 UTC`; empty where nobody asked."""
    if cause is None or cause.since is None:
        return f"cause unknown: {WHY_UNKNOWN[cause.why]}" if cause and cause.why else ""
    when = f"the apply that ended on {cause.since:%Y-%m-%d %H:%M} UTC"
    if cause.type is CauseType.CHANGED_OUTSIDE:
        same = f"; commit {cause.commit[:12]} declares the same" if cause.commit else ""
        return f"changed outside, after {when}{same}"
    if cause.commit:
        return f"declared and not applied yet; commit {cause.commit[:12]}, of {when}, does not declare it so"
    return f"declared and not applied yet; as {when} made it"


def causes_summary(plan: Plan) -> list[str]:
    """The sentence that counts them; none where receipts were not asked for, or nothing differs."""
    counts = Counter(each.type for each in plan.causes or ())
    said = [f"{counts[type]} {numbered(counts[type], words)}" for type, words in CAUSES.items() if counts[type]]
    return [f"Of these, {', '.join(said)}."] if said else []
