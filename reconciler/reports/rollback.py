"""What a plan, or an apply, undoes, in sentences."""

from __future__ import annotations

from reconciler.documents.document import timestamp
from reconciler.model import RollsBack
from reconciler.reports.characters import visible

SHOWN = 12
"""Of a digest, and of a commit, so much is said: enough to find the one that is meant."""


def rollback_summary(rolls_back: RollsBack | None) -> list[str]:
    """Which apply is undone; nothing of a plan that is made of YAML."""
    if rolls_back is None:
        return []
    plan = visible(rolls_back.plan[:SHOWN])
    return [f"Rollback of the apply that ended at {timestamp(rolls_back.applied_at)} (plan {plan})."]


def revert_too(rolls_back: RollsBack | None) -> list[str]:
    """That the YAML goes on declaring what is undone, and which commit is to be looked at."""
    if rolls_back is None:
        return []
    which = f"; it was applied at commit {visible(rolls_back.commit[:SHOWN])}" if rolls_back.commit else ""
    return [f"Revert what was declared, too, or the next plan makes it again{which}."]
