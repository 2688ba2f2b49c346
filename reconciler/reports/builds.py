"""What the builds of a plan take: how large each becomes, and how long; and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.model import Change, HazardType
from reconciler.reports.hazards import hazards_of
from reconciler.reports.labels import counted
from reconciler.reports.quantities import is_finite, quantity

BUILD = ("build", "builds")

UNKNOWN = "not estimated"


class Build(NamedTuple):
    """What one change builds, as it is estimated: `size` in bytes, `seconds`, and both in words; None: not known."""

    size: float | None
    seconds: float | None
    size_says: str
    seconds_says: str


def build_of(change: Change) -> Build | None:
    """None where nothing is built."""
    if all(hazard.type is not HazardType.INDEX_BUILD for hazard in hazards_of([change])):
        return None
    found = {fact.name: fact.value for fact in change.evidence if fact.estimated}
    size, seconds = (
        value if isinstance(value, int | float) and is_finite(value) else None
        for value in (found.get("index"), found.get("build time"))
    )
    return Build(size, seconds, _about(size, "bytes"), _about(seconds, "seconds"))


def builds_summary(changes: Sequence[Change]) -> str:
    """`3 builds: about 28 MB, about 4 s one after the other.`; empty where nothing is built or nothing is estimated."""
    built = [build for change in changes if (build := build_of(change))]
    known = [build.size for build in built if build.size is not None]
    timed = [build.seconds for build in built if build.seconds is not None]
    if not known and not timed:
        return ""
    parts = [_about(sum(known), "bytes")] if known else []
    parts += [f"{_about(sum(timed), 'seconds')} one after the other"] if timed else []
    unknown = len(built) - min(len(known), len(timed))
    rest = f"; of {unknown} of them not all is estimated" if unknown else ""
    return f"{counted(len(built), BUILD)}: {', '.join(parts)}{rest}."


def _about(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"about {quantity(value, unit)}"
