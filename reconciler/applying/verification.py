"""What an apply sees of one target: before a change and between its steps, and whether its promise is kept.

Decided: docs/decisions.md#undo-of-a-failed-change
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from reconciler.applying.executing.reload_preflight import Files, files, loaded, reloads
from reconciler.errors import PromiseBroken, TargetError
from reconciler.model import (
    Applied,
    Change,
    Fact,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    PatroniStep,
    Step,
    StepReceipt,
    Target,
)
from reconciler.planning import staleness
from reconciler.planning.staleness import Look, Standing, left_over, look, measured, resource_of
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.session import Session

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

SETTLING_SECONDS = 30.0
"""A reload reaches new sessions a moment later (the postmaster signals itself); half a minute is a very busy moment.
Everything else is true at once, or never."""

PATRONI_SECONDS = 90.0
"""Patroni brings its configuration to every member within loop_wait: 10 s by default, and 30 s is not unusual."""

LOADING_SECONDS = 5.0
"""For an open session to load the files; after that new sessions are asked, for as long as settling takes."""

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.5
"""Seconds between two looks at what is about to come true: each pause is twice the one before. A reload takes a
millisecond or two; what takes longer may take minutes, and a connection for each look costs the server something."""

LETTING_GO_SECONDS = 3.0
"""A server process that was told to end, or lost its client, still shows as building for a second or so."""

Answer = TypeVar("Answer")


class Kept(NamedTuple):
    """What came of the steps of a change: APPLIED or INCOMPLETE, what is still to be known of it, and what was seen."""

    result: Applied
    message: str
    seen: Look


class Reading:
    """How an apply reads one target: in a session that is open, and in a new one where that is what has to be seen,
    since settings reach new sessions first.

    Decided: docs/decisions.md#shared-sessions
    """

    def __init__(self, target: Target, sessions: OpenSessions) -> None:
        self._target = target
        self._sessions = sessions

    def ask(self, ask: Callable[[Session], Answer]) -> Answer:
        """The answer of `ask` in a session that is open, else in a new one. Raises TargetError."""
        return self._sessions.ask(self._target, ask)

    def anew(self) -> None:
        """What is asked from now on is asked in a new session. Never raises."""
        self._sessions.renew(self._target)

    def look(self, change: Change) -> Look:
        """What there is of the resource of `change`, and what a plan of this moment would say of it."""
        return self.ask(lambda session: look(session, resource_of(change)))

    def files(self) -> Files:
        """The configuration files of a PostgreSQL."""
        # Only a step of PostgreSQL reloads its files, and only by them it is asked.
        return self.ask(lambda session: files(cast("PostgresSession", session)))

    def wait_until_loaded(self, before: str, interrupted: Callable[[], bool]) -> None:
        """Waits in the open session until the files are loaded again: new ones have loaded them by then.

        Where that cannot be seen (a file with an error is not loaded), verifying takes longer.
        """
        with suppress(TargetError):
            for _ in _looks(LOADING_SECONDS):  # of a PostgreSQL, as above
                if interrupted() or self.ask(lambda session: loaded(cast("PostgresSession", session))) != before:
                    return

    def once_built(self, change: Change) -> Sequence[Outcome]:
        """The outcomes of this moment, as soon as nobody builds any more; of a while later, if somebody still does."""
        outcomes: Sequence[Outcome] = ()
        for _ in _looks(LETTING_GO_SECONDS):
            outcomes = self.look(change).outcomes
            if not any(isinstance(one, Notice) and one.type is NoticeType.BEING_BUILT for one in outcomes):
                break
        return outcomes


def verify(reading: Reading, change: Change, to_stop: Callable[[], bool]) -> Kept:
    """Looks until the promise of `change` is kept, for as long as that may take.

    Raises PromiseBroken where it is not, and not for what came meanwhile.
    """
    message = ""
    for last in _looks(_settling(change)):
        seen = reading.look(change)
        judged = staleness.judge(change, seen)
        message = judged.message
        if judged.standing is Standing.ALREADY_MADE:
            return Kept(Applied.APPLIED, message, seen)
        if left := left_over(change, seen):
            return Kept(Applied.INCOMPLETE, f"came after the plan, and needs a new one: {', '.join(left)}", seen)
        if to_stop() and not last:
            raise PromiseBroken(f"interrupted before it could be seen to come true: {message or 'not yet'}")
        reading.anew()
    raise PromiseBroken(f"all steps ran, and yet it is not as promised: {message or 'nothing has changed'}")


def evidence(change: Change, seen: Look, steps: Sequence[StepReceipt], waited: float = 0.0) -> list[Fact]:
    """What is worth measuring: all of what was built, with its time, and how much of that it `waited` for others; else
    what the plan had an estimate of."""
    facts = measured(change, seen.observed)
    built = [one.seconds for one in steps if builds(one.step)]
    if built:
        of_it = [Fact(name="of it waiting for others", value=round(waited, 1), unit="seconds")] if waited else []
        return [*facts, Fact(name="build time", value=round(sum(built), 3), unit="seconds"), *of_it]
    estimated = {fact.name for fact in change.evidence}
    return [fact for fact in facts if fact.name in estimated]


def builds(step: Step) -> bool:
    """Whether `step` builds an index."""
    return any(hazard.type is HazardType.INDEX_BUILD for hazard in step.hazards)


def _looks(seconds: float) -> Iterator[bool]:
    """When to look again: at once, then with longer and longer pauses, and a last time when `seconds` are over.

    Yields whether it is the last.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        yield False
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
    yield True


def _settling(change: Change) -> float:
    """Seconds until what the steps have done is true for everybody."""
    if any(isinstance(step, PatroniStep) for step in change.steps):
        return PATRONI_SECONDS
    return SETTLING_SECONDS if any(map(reloads, change.steps)) else 0.0
