"""All builds of a plan together: how large, and how long."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.formulas.human_readable import size
from reconciler.model import Change, HazardType
from reconciler.reports.hazards import hazards_of
from reconciler.reports.labels import counted
from reconciler.reports.quantities import duration

BUILD = ("build", "builds")


def builds_summary(changes: Sequence[Change]) -> str:
    """`3 builds: about 28 MB, about 4 s one after the other.`; empty where nothing is built or nothing is estimated."""
    built = [
        {fact.name: fact.value for fact in change.evidence if fact.estimated}
        for change in changes
        if any(hazard.type is HazardType.INDEX_BUILD for hazard in hazards_of([change]))
    ]
    known = [facts["index"] for facts in built if isinstance(facts.get("index"), int | float)]
    timed = [facts["build time"] for facts in built if isinstance(facts.get("build time"), int | float)]
    if not known and not timed:
        return ""
    parts = [f"about {size(sum(known))}"] if known else []  # type: ignore[arg-type]
    parts += [f"about {duration(sum(timed))} one after the other"] if timed else []  # type: ignore[arg-type]
    unknown = len(built) - min(len(known), len(timed))
    rest = f"; of {unknown} of them not all is estimated" if unknown else ""
    return f"{counted(len(built), BUILD)}: {', '.join(parts)}{rest}."
