"""How long the builds of a change take, as its plan has it."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model import Change, HazardType, Step


def builds(step: Step) -> bool:
    """Whether `step` builds an index."""
    return any(hazard.type is HazardType.INDEX_BUILD for hazard in step.hazards)


def estimate(change: Change) -> timedelta | None:
    """How long the builds of `change` take; None: it has some, and nobody can say."""
    known = [fact.value for fact in change.evidence if (fact.name, fact.unit) == ("build time", "seconds")]
    if known:
        return timedelta(seconds=sum(float(each) for each in known))
    return None if any(map(builds, change.steps)) else timedelta()
