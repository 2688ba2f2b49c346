"""What an apply sees of one target: before a change and between its steps, and whether its promise is kept.

Decided: docs/decisions.md#undo-of-a-failed-change
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from reconciler.applying.executing.reload_preflight import Errors, errors_beside, reloads
from reconciler.applying.lock.holding import Held
from reconciler.errors import PromiseBroken
from reconciler.insight.headroom import headroom
from reconciler.model import (
    Address,
    Applied,
    Change,
    Fact,
    Headroom,
    Notice,
    NoticeType,
    Outcome,
    PatroniStep,
    StepReceipt,
    System,
    Target,
)
from reconciler.planning import staleness
from reconciler.planning.build_estimates import builds
from reconciler.planning.staleness import Look, Standing, left_over, looks, measured, resource_of
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.session import Session

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

SETTLING_SECONDS = 30.0
"""A reload reaches new sessions a moment later (the postmaster signals itself); half a minute is a very busy moment.
Everything else is true at once, or never."""

PATRONI_SECONDS = 90.0
"""Patroni brings its configuration to every member within loop_wait: 10 s by default, and 30 s is not unusual."""

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.5
"""Seconds between two looks at what is about to come true: each pause is twice the one before. A reload takes a
millisecond or two; what takes longer may take minutes, and a connection for each look costs the server something."""

IN_ONE_SESSION = 6
"""Looks before each is in a session of its own: a third of a second, in which an open one has loaded what it ever will.
What only those are told that begin later is seen after that."""

LETTING_GO_SECONDS = 3.0
"""A server process that was told to end, or lost its client, still shows as building for a second or so."""

INTERRUPTED = ("interrupted before it could be seen to come true", "not yet")
NOT_KEPT = ("all steps ran, and yet it is not as promised", "nothing has changed")

Answer = TypeVar("Answer")


class Before(NamedTuple):
    """What there is before changes are made, the errors of the configuration files where one of them reloads those, and
    how much the server bears where that was asked for."""

    looks: Mapping[Address, Look]
    errors: Errors
    headroom: Headroom | None


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
        return self.looks([change])[change.address]

    def looks(self, changes: Sequence[Change]) -> dict[Address, Look]:
        """The same of several changes of one kind, at once."""
        resources = [resource_of(change) for change in changes]
        return self.ask(lambda session: looks(session, resources))

    def before(
        self, changes: Sequence[Change], held: Held, expected: Callable[[Session], object], *, bounded: bool
    ) -> Before:
        """What there is before `changes`, which are of one kind, are made; the lock is `held` at that moment, and the
        system is the one that is `expected`, who raises otherwise. `bounded`: with how much a PostgreSQL bears. Raises
        ApplyError where the lock was lost."""
        resources = [resource_of(change) for change in changes]
        to_reload = any(reloads(step) for change in changes for step in change.steps)

        def asked(session: Session) -> Before:
            still_held = held.beside(session)
            # Only steps of PostgreSQL reload its files.
            errors = errors_beside(cast("PostgresSession", session)) if to_reload else None
            bears = (
                headroom(cast("PostgresSession", session)) if bounded and session.system is System.POSTGRES else None
            )
            found = looks(session, resources)
            still_held()
            expected(session)
            return Before(found, errors() if errors else frozenset(), bears() if bears else None)

        return self.ask(asked)

    def errors(self) -> Errors:
        """What a PostgreSQL has against its configuration files."""
        return self.ask(lambda session: errors_beside(cast("PostgresSession", session))())

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
    found = verify_all(reading, [change], to_stop)[change.address]
    if isinstance(found, PromiseBroken):
        raise found
    return found


def verify_all(
    reading: Reading, changes: Sequence[Change], to_stop: Callable[[], bool]
) -> dict[Address, Kept | PromiseBroken]:
    """The same of several changes of one kind, at once."""
    found: dict[Address, Kept | PromiseBroken] = {}
    messages: dict[Address, str] = {}
    pending = list(changes)
    for number, last in enumerate(_looks(max(map(_settling, changes))), 1):
        seen_of = reading.looks(pending)
        for change in pending:
            seen = seen_of[change.address]
            judged = staleness.judge(change, seen)
            messages[change.address] = judged.message
            if judged.standing is Standing.ALREADY_MADE:
                found[change.address] = Kept(Applied.APPLIED, judged.message, seen)
            elif left := left_over(change, seen):
                why = f"came after the plan, and needs a new one: {', '.join(left)}"
                found[change.address] = Kept(Applied.INCOMPLETE, why, seen)
        pending = [change for change in pending if change.address not in found]
        if not pending:
            return found
        stopped = to_stop() and not last
        if last or stopped:
            why, nothing = INTERRUPTED if stopped else NOT_KEPT
            broken = {each.address: PromiseBroken(f"{why}: {messages[each.address] or nothing}") for each in pending}
            return found | broken
        if number >= IN_ONE_SESSION:
            reading.anew()
    raise AssertionError("the last look is one")


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
