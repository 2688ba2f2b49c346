"""An apply in the log: what `-v` tells of it."""

from __future__ import annotations

from reconciler.applying.events import Subscriber
from reconciler.model import Address
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


def logging() -> Subscriber:
    """Hears the events of one apply, and tells the log. Of what is looked at twice a second, what is new of it: who is
    waited for, and each tenth of a build."""
    seen: dict[Address, tuple[str, str]] = {}

    def hear(told: Event) -> None:
        if isinstance(told, Waiting | Progress):
            of = " ".join(str(blocker.pid) for blocker in told.blockers) if isinstance(told, Waiting) else _tenth(told)
            if seen.get(told.address) == (told.phase, of):
                return
            seen[told.address] = (told.phase, of)
        elif isinstance(told, Finished):
            seen.pop(told.address, None)
        _log(told)

    return hear


def _tenth(told: Progress) -> str:
    return "" if told.fraction is None else str(int(10 * told.fraction))


def _log(told: Event) -> None:
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
