"""What outcomes come to."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the outcomes of a resource, a target or a whole plan come to (`verdicts`); the worst first."""

    UNREACHABLE = "unreachable"
    """The target did not answer."""
    BLOCKED = "blocked"
    """It differs, or cannot be read as declared, and no step can mend it now: a typo, a missing table."""
    DIFFERS = "differs"
    """Steps mend it."""
    HALF_WAY = "half-way"
    """It runs and is not persisted, or the other way round."""
    NOT_VISIBLE = "not-visible"
    """This role, or this place, cannot see it."""
    WAITS = "waits"
    """It is changed, and comes true at a restart."""
    IN_SYNC = "in-sync"
    """It is as declared."""
