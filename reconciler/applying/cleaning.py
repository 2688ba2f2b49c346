"""What a failed step left behind is taken away, where a plan of that moment would do the very same.

Decided: docs/decisions.md#leftovers-of-failed-builds
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reconciler.applying.events import Events
from reconciler.applying.executing.sequence import Stepper
from reconciler.applying.verification import Reading
from reconciler.errors import ReconcilerError
from reconciler.model import Change, Notice, SqlStep
from reconciler.model.event import Purpose
from reconciler.planning.staleness import would_run

CLEANING_LOCK_TIMEOUT = "10s"
"""What a failed build leaves is dropped by waiting for every transaction that is older: longer than for an instant,
and far shorter than for a build, since the next plan can do it as well."""


def cleaned(
    change: Change, step: SqlStep, reading: Reading, stepper: Stepper, events: Events, interrupted: Callable[[], bool]
) -> str:
    """What was done about it, behind the error of the step.

    The plan decides, not we: what somebody else builds, or has made meanwhile, is not in it. Connections begin anew
    before, since what failed may have been one.
    """
    wanted = "; ".join(step.on_failure)
    try:
        outcomes = reading.once_built(change)
    except ReconcilerError as error:
        return f"\n  what it may have left behind was not looked at, the next plan will see it: {error.message}"
    if not would_run(outcomes, change.address, step.on_failure):
        kept = "".join(f": {one.message}" for one in outcomes if isinstance(one, Notice))
        return f"\n  nothing was cleaned up, since a plan of this moment has nothing to take away{kept}"
    cleaning = SqlStep(statements=step.on_failure, lock_timeout=CLEANING_LOCK_TIMEOUT)
    try:
        with events.step(change.address, cleaning, Purpose.CLEAN_UP):
            stepper.run(cleaning, partial(events.progressed, change.address), interrupted)
    except ReconcilerError as error:
        return f"\n  what it left behind is still there, for the next plan: {error}"
    return f"\n  what it left behind was taken away: {wanted}"
