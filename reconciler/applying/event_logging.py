"""An apply in the log: what `-v` tells of it."""

from __future__ import annotations

from reconciler.model.event import (
    Done,
    Event,
    Finished,
    Noted,
    Planned,
    Progress,
    Purpose,
    Started,
    Step,
    StepState,
    Waiting,
)
from reconciler.targets import log


def logged(told: Event) -> None:
    """Hears the events of an apply, and tells the log."""
    match told:
        case Planned():
            log.event(f"apply of plan {told.plan_digest[:12]}: changes to make", changes=len(told.changes))
        case Started():
            log.event(f"{told.address.kind}/{told.address.name}: {told.action} begins", told.address.target)
        case Step(state=StepState.BEGAN):
            log.event(f"{_step(told)} begins", told.address.target)
        case Step():
            log.event(f"{_step(told)} {told.state}", told.address.target, ms=told.seconds * 1000, error=told.message)
        case Waiting():
            pids = " ".join(str(blocker.pid) for blocker in told.blockers)
            log.event(f"{told.address.kind}/{told.address.name}: {told.phase}", told.address.target, waits_for=pids)
        case Progress():
            log.event(
                f"{told.address.kind}/{told.address.name}: {told.phase}", told.address.target, fraction=told.fraction
            )
        case Finished():
            log.event(
                f"{told.address.kind}/{told.address.name}: {told.receipt.result}", told.address.target,
                ms=told.receipt.seconds * 1000, message=told.receipt.message,
            )  # fmt: skip
        case Noted():
            log.event(told.line, told.target)
        case Done():
            log.event("apply done", verdict=told.verdict, succeeded=told.succeeded)


def _step(told: Step) -> str:
    what = "step" if told.purpose is Purpose.CHANGE else f"{told.purpose} step"
    return f"{told.address.kind}/{told.address.name}: {what} {told.number} of {told.of} ({told.step.type})"
