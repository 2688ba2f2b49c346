"""In which order, and how carefully, the plans of a fleet are applied."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from reconciler.model.base import Frozen

LONGEST_BAKE = 7 * 86_400
"""Seconds. Somebody waits for the run all that time; and a saved plan is not applied for longer where nobody does."""

MOST_AT_ONCE = 256
"""Each is a thread, and some sessions."""


class Unreached(StrEnum):
    """What becomes of targets that do not answer when their turn has come."""

    ERROR = "error"
    """They count as failed."""
    LATER = "later"
    """They are tried once more behind the last wave."""
    SKIP = "skip"
    """They are told of, and left out."""


class Wave(Frozen):
    """Targets that are applied before those of the next one.

    by       how they were chosen, as it is declared: `where tier = canary`, `share 25%`.
    bake     seconds between the end of its last target and what comes next: its checks, and the next wave.
    checks   whether the checks that are declared for its targets have to pass then.
    targets  their names. Those without changes are among them.
    """

    by: str
    bake: int = Field(default=0, ge=0, le=LONGEST_BAKE)
    checks: bool = False
    targets: tuple[str, ...] = ()


class Rollout(Frozen):
    """The waves of a fleet, in each of which a target is once, and what ends a run before the last of them.

    at_once                 servers that are worked on at the same time; None: as whoever runs it says.
    stop_after              failures in all, of all waves, at which nothing more is begun; None: none.
    stop_after_unreachable  the same of targets that do not answer, where those do not count as failed.
    """

    waves: tuple[Wave, ...]
    at_once: int | None = Field(default=None, ge=1, le=MOST_AT_ONCE)
    stop_after: int | None = Field(default=None, ge=1)
    stop_after_unreachable: int | None = Field(default=None, ge=1)
    unreachable: Unreached = Unreached.ERROR
