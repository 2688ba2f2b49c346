"""What may be applied, by whose leave and when: of a target, or of all for whoever runs the tool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from reconciler.model.base import Frozen
from reconciler.model.hazard import HazardType


class Overrun(StrEnum):
    """What becomes of a change that still runs when its window closes."""

    FINISH = "finish"
    """It comes to its end."""
    STOP = "stop"
    """It is cancelled, and what it leaves behind is taken away, as by Ctrl-C."""


class WindowRule(StrEnum):
    """What holds while a window lasts."""

    ALLOW = "allow"
    DENY = "deny"


class Window(Frozen):
    """When changes may be made, or may not.

    cron     when it begins, by the clocks of `zone`: five fields of cron.
    lasts    how long from there, as time goes by, whatever clocks are set to meanwhile.
    zone     the name of a time zone of IANA.
    overrun  what becomes of a change that still runs when this closes, or when it begins to deny.
    reason   why, for whoever is kept waiting.
    """

    rule: WindowRule
    cron: str
    lasts: timedelta
    zone: str
    overrun: Overrun = Overrun.FINISH
    reason: str = ""


class ApprovalsNeeded(Frozen):
    """How many people have to approve a plan: in any case, and where it has changes with these hazards."""

    required: int = 0
    by_hazard: Mapping[HazardType, int] = {}


class AtMost(Frozen):
    """What one apply does on a target at most: so many builds of indexes, and so much time for them all. None: any."""

    builds: int | None = None
    build_time: timedelta | None = None


class Bounds(Frozen):
    """How a PostgreSQL has to stand for a build or a restart to begin on it. None: however it does.

    replica_lag  what each replica that is connected may be behind at most: bytes of WAL, or time.
    wal          bytes of WAL that are kept at most.
    free_disk    bytes that are free at least on each disk that holds its data.
    """

    replica_lag: int | timedelta | None = None
    wal: int | None = None
    free_disk: int | None = None


NO_BOUNDS = Bounds()


class Policy(Frozen):
    """A policy. Of several that hold for a target, each has to agree: none takes away what another demands.

    deny               hazards that nobody can allow.
    approvals          how many have to approve.
    windows            none: always open; any that allows: closed outside of those; one that denies always counts.
    outside_window     whether whoever applies may do so outside of the windows that allow, with a reason.
    without_estimate   whether a build of which nobody can say how long it takes may begin in a window that closes, or
                       with a bound on the time of builds.
    at_most            what one apply does.
    bounds             how the server has to stand for a build or a restart to begin.
    declared_at        file:line:column, or the file.
    """

    deny: tuple[HazardType, ...] = ()
    approvals: ApprovalsNeeded = ApprovalsNeeded()
    windows: tuple[Window, ...] = ()
    outside_window: bool = True
    without_estimate: bool = False
    at_most: AtMost = AtMost()
    bounds: Bounds = NO_BOUNDS
    declared_at: str = ""


NO_POLICY = Policy()
