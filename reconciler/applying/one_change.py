"""One change: observe again, run its steps, clean up after a failed one, verify the promise, measure the result.

Decided: docs/decisions.md#undo-of-a-failed-change, docs/decisions.md#leftovers-of-failed-builds
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from reconciler.applying.batch import merged
from reconciler.applying.executing.progress import Progress
from reconciler.applying.executing.reload import Errors, Files, files, loaded, refuse_new, reloads
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import Patience
from reconciler.applying.executing.sequence import Stepper
from reconciler.applying.ledger import receipt_of
from reconciler.applying.lock.holding import Held
from reconciler.errors import ApplyError, ConnectionFailed, PromiseBroken, ReconcilerError, StepFailed, TargetError
from reconciler.model import (
    Address,
    Applied,
    Change,
    ChangeReceipt,
    Fact,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    PatroniStep,
    Resource,
    SqlStep,
    Step,
    StepReceipt,
    Target,
    Verdict,
)
from reconciler.outcomes import of_outcome, worst
from reconciler.planning.staleness import (
    Judgement,
    Look,
    Standing,
    judge,
    left_over,
    look,
    measured,
    no_longer_beside,
    once_more,
    resource_of,
    went,
    would_run,
)
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
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

CLEANING_LOCK_TIMEOUT = "10s"
"""What a failed build leaves is dropped by waiting for every transaction that is older: longer than for an instant,
and far shorter than for a build, since the next plan can do it as well."""

Tell = Callable[[Change, Progress], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether the apply is asked to stop, so that nothing new starts; whether even cleaning up is to end at once."""

    to_stop: Callable[[], bool]
    to_stop_at_once: Callable[[], bool]


_NOTHING_RUNS = Judgement(Standing.STALE, "")


@dataclass(slots=True)
class _Work:
    """What is done for one change, as it grows. `started` by the monotonic clock; `judged` before its steps."""

    change: Change
    judged: Judgement = _NOTHING_RUNS
    steps: list[StepReceipt] = field(default_factory=list)
    evidence: list[Fact] = field(default_factory=list)
    waits: bool = False
    started: float = field(default_factory=time.monotonic)


class Runner:
    """Applies changes of one target, one at a time, through one writing connection made when the first one runs.

    It reads in a session of its own, which is opened again only where it was lost, or where a new session is what has
    to be seen: after steps, since settings reach new sessions first. None is left idle beside a build, for however
    long that takes.

    `planned` tells what is declared of the changes that this apply makes, on whatever target: those that are made, and
    those that are still to come.
    `reachable` becomes false when the target cannot be connected to: there is no use in trying the next change.
    """

    def __init__(
        self, target: Target, secrets: Secrets, *,
        held: Held, tell: Tell, asked: Asked, patience: Patience, restarts: Restarts,
        planned: Callable[[], Mapping[Address, Resource]],
    ) -> None:  # fmt: skip
        self._target = target
        self._planned = planned
        self._secrets = secrets
        self._held = held
        self._tell = tell
        self._asked = asked
        self._stepper = Stepper(target, secrets, patience, restarts)
        self._reading: Session | None = None
        self.reachable = True

    def apply(self, changes: Sequence[Change]) -> list[ChangeReceipt]:
        """What became of `changes`: one, or several whose steps are sent as one. Raises nothing: a failure is a
        receipt, and so is a mistake of ours."""
        works = {change.address: _Work(change) for change in changes}
        known = {address: self._receipt(work, self._judged) for address, work in works.items()}
        ready = [works[change.address] for change in changes if known[change.address].result is Applied.NOT_RUN]
        if len(ready) == 1:
            known[ready[0].change.address] = self._receipt(ready[0], self._one)
        elif ready:
            sent = _Work(ready[0].change)
            error = self._sent(sent, merged([work.change for work in ready]))
            for work in ready:
                known[work.change.address] = self._receipt(work, lambda one: self._came_together(one, sent, error))
        return [known[change.address] for change in changes]

    def _receipt(self, work: _Work, make: Callable[[_Work], tuple[Applied, str]]) -> ChangeReceipt:
        change = work.change
        try:
            result, message = make(work)
        except ReconcilerError as error:
            self.reachable = not isinstance(error, ConnectionFailed)
            result, message = Applied.FAILED, str(error)
        except Exception as error:  # it must not take the receipts of the other changes with it
            result, message = Applied.FAILED, f"unexpected {type(error).__name__}: {error}"
        if result is Applied.FAILED:
            self.close()  # the next change starts with a connection that nothing has happened to
        return receipt_of(
            change,
            result,
            self._secrets.redact(message),
            steps=work.steps,
            seconds=round(time.monotonic() - work.started, 3),
            evidence=work.evidence,
            waits=work.waits,
        )

    def close(self) -> None:
        """Ends both connections. Never raises."""
        self._stepper.close()
        self._stop_reading()

    def _judged(self, work: _Work) -> tuple[Applied, str]:
        """What is to become of a change: NOT_RUN where it is as planned, so that its steps are to run."""
        change = work.change
        self._held()
        work.judged = judge(change, self._look(change))
        standing, message = work.judged.standing, work.judged.message
        match standing:
            case Standing.ALREADY_MADE:
                return Applied.SKIPPED, "; ".join(part for part in ("already as declared", message) if part)
            case Standing.STALE:
                return Applied.STALE, message
            case Standing.FORBIDDEN:
                return Applied.FAILED, message
        why = self._read(lambda session: no_longer_beside(session, change, self._planned()))
        return (Applied.STALE, why) if why else (Applied.NOT_RUN, "")

    def _one(self, work: _Work) -> tuple[Applied, str]:
        """Runs the steps of a change, and sees whether its promise is kept."""
        change, wanted = work.change, work.judged.steps
        # No other target has files that it could read.
        before = self._files().errors if any(map(reloads, wanted)) else frozenset()
        try:
            self._run(change, wanted, work.steps, self._asked.to_stop, before)
            return self._kept(work)
        except (ApplyError, TargetError) as error:
            if not work.steps or not work.judged.undo:
                raise
            return Applied.FAILED, self._undone(work, str(error))

    def _sent(self, sent: _Work, steps: Sequence[Step]) -> ReconcilerError | None:
        """Runs the steps that several changes share; what went wrong is the receipt of each."""
        try:
            self._run(sent.change, steps, sent.steps, self._asked.to_stop)
        except ReconcilerError as error:
            return error
        return None

    def _came_together(self, work: _Work, sent: _Work, error: ReconcilerError | None) -> tuple[Applied, str]:
        """What the shared steps have made of one change. Where the first of them failed, none was made."""
        work.steps += sent.steps
        try:
            if error is not None:
                raise error
            return self._kept(work)
        except ApplyError as problem:
            if not sent.steps or not work.judged.undo:
                raise
            return Applied.FAILED, self._undone(work, str(problem))

    def _kept(self, work: _Work) -> tuple[Applied, str]:
        """Verifies the promise and measures the result. Raises PromiseBroken."""
        result, message, seen = self._verify(work.change)
        with suppress(Exception):  # it is applied and verified, whether or not it can be measured
            work.evidence += _came_of(work.change, seen, work.steps)
        work.waits = worst(map(of_outcome, seen.outcomes)) is Verdict.WAITS
        gone = went(work.change, seen.observed)
        left_out = f"gone since, and left out: {', '.join(gone)}" if gone else ""
        return result, "; ".join(filter(None, (left_out, message)))

    def _look(self, change: Change) -> Look:
        return self._read(lambda session: look(session, resource_of(change)))

    def _files(self) -> Files:
        return self._read(lambda session: files(cast("PostgresSession", session)))

    def _read(self, ask: Callable[[Session], Answer]) -> Answer:
        """The answer of `ask` in the session that is open, else in a new one."""
        if self._reading is not None:
            try:
                return ask(self._reading)
            except ConnectionFailed:  # somebody has ended it since: a timeout for the idle, a restart
                self._stop_reading()
        self._reading = connect(self._target, self._secrets)
        return ask(self._reading)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _run(
        self, change: Change, wanted: Sequence[Step], done: list[StepReceipt], interrupted: Callable[[], bool],
        errors_before: Errors | None = None,
    ) -> None:  # fmt: skip
        """Runs `wanted`. Before a reload, the files may have no error but `errors_before` (None: any).

        Whatever is read afterwards is read in a new session.
        """
        if not any(map(reloads, wanted)):
            self._stop_reading()
        try:
            self._run_each(change, wanted, done, interrupted, errors_before)
        finally:
            self._stop_reading()

    def _run_each(
        self, change: Change, wanted: Sequence[Step], done: list[StepReceipt], interrupted: Callable[[], bool],
        errors_before: Errors | None,
    ) -> None:  # fmt: skip
        needing_all = next((step for step in wanted if isinstance(step, SqlStep) and step.needs_all), None)
        gone: Sequence[str] = ()
        settled = False
        for number, step in enumerate(wanted):
            if interrupted():
                raise ApplyError(f"interrupted after {number} of {len(wanted)} steps; a new plan has the rest")
            if step is needing_all:
                again, settled = self._once_more(change), True
                if again is None:
                    return
                self._run_each(change, again, done, interrupted, errors_before)
            partition = step.partition if isinstance(step, SqlStep) else ""
            if partition in gone:
                continue
            started = time.monotonic()
            before = self._files() if reloads(step) else None
            if before and errors_before is not None:
                refuse_new(errors_before, before.errors, self._target)
            try:
                self._stepper.run(step, lambda seen: self._tell(change, seen), interrupted)
                if before:
                    self._until_loaded(before.loaded, interrupted)
            except StepFailed as error:
                # Asked before the cleaning up, so that a Ctrl-C during that is not taken for the reason.
                stopped = interrupted()
                gone = self._went(change) if partition and not stopped else gone
                if partition in gone:
                    continue
                cleaned = self._cleaned(change, step) if isinstance(step, SqlStep) and step.on_failure else ""
                if stopped:
                    raise ApplyError(f"interrupted: {error.message}; a new plan has the rest{cleaned}") from error
                raise StepFailed(error.message + cleaned, hint=error.hint) from error
            done.append(StepReceipt(step=step, seconds=round(time.monotonic() - started, 3)))
        if gone and not settled and (again := self._once_more(change)):
            self._run_each(change, again, done, interrupted, errors_before)

    def _once_more(self, change: Change) -> Sequence[Step] | None:
        """The steps that a part which went has kept from what they are for. None where parts came meanwhile, which
        would be without once one index has taken the place of another, or where it is not whole for another reason."""
        found = self._look(change)
        self._stop_reading()
        return None if left_over(change, found) else once_more(change, found)

    def _went(self, change: Change) -> Sequence[str]:
        """The parts that steps of `change` are for, and that are gone; none where that cannot be seen."""
        self.close()  # what failed may have been the connection
        try:
            return went(change, self._look(change).observed)
        except ReconcilerError:
            return ()
        finally:
            self._stop_reading()

    def _until_loaded(self, before: str, interrupted: Callable[[], bool]) -> None:
        """Waits in the open session until the files are loaded again: new ones have loaded them by then.

        Where that cannot be seen (a file with an error is not loaded), verifying takes longer.
        """
        with suppress(TargetError):
            for _ in _looks(LOADING_SECONDS):
                if interrupted() or self._read(lambda session: loaded(cast("PostgresSession", session))) != before:
                    return

    def _cleaned(self, change: Change, step: SqlStep) -> str:
        """Takes away what a failed step left behind, if a plan of this moment would do the very same; says what it did.

        The plan decides, not we: what somebody else builds, or has made meanwhile, is not in it.
        """
        self.close()  # what failed may have been the connection
        wanted = "; ".join(step.on_failure)
        try:
            outcomes = self._let_go(change)
        except ReconcilerError as error:
            return f"\n  what it may have left behind was not looked at, the next plan will see it: {error.message}"
        if not would_run(outcomes, change.address, step.on_failure):
            kept = "".join(f": {one.message}" for one in outcomes if isinstance(one, Notice))
            return f"\n  nothing was cleaned up, since a plan of this moment has nothing to take away{kept}"
        cleaning = SqlStep(statements=step.on_failure, lock_timeout=CLEANING_LOCK_TIMEOUT)
        try:
            self._stepper.run(cleaning, lambda seen: self._tell(change, seen), self._asked.to_stop_at_once)
        except ReconcilerError as error:
            return f"\n  what it left behind is still there, for the next plan: {error}"
        return f"\n  what it left behind was taken away: {wanted}"

    def _let_go(self, change: Change) -> Sequence[Outcome]:
        """The outcomes of this moment, as soon as nobody builds any more; of a while later, if somebody still does."""
        outcomes: Sequence[Outcome] = ()
        for _ in _looks(LETTING_GO_SECONDS):
            outcomes = self._look(change).outcomes
            if not any(isinstance(one, Notice) and one.type is NoticeType.BEING_BUILT for one in outcomes):
                break
        return outcomes

    def _verify(self, change: Change) -> tuple[Applied, str, Look]:
        """What came of the steps that ran, what is still to be known of it, and what was seen.

        Raises PromiseBroken where the promise is not kept, and not for what came meanwhile.
        """
        message = ""
        for last in _looks(_settling(change)):
            seen = self._look(change)
            judged = judge(change, seen)
            standing, message = judged.standing, judged.message
            if standing is Standing.ALREADY_MADE:
                return Applied.APPLIED, message, seen
            if left := left_over(change, seen):
                return Applied.INCOMPLETE, f"came after the plan, and needs a new one: {', '.join(left)}", seen
            if self._asked.to_stop() and not last:
                raise PromiseBroken(f"interrupted before it could be seen to come true: {message or 'not yet'}")
            self._stop_reading()
        raise PromiseBroken(f"all steps ran, and yet it is not as promised: {message or 'nothing has changed'}")

    def _undone(self, work: _Work, problem: str) -> str:
        self.close()  # what failed may have been the connection
        try:
            self._run(work.change, work.judged.undo, work.steps, lambda: False)
        except ReconcilerError as error:
            self.reachable = not isinstance(error, ConnectionFailed)
            return f"{problem}\n  and undoing it failed: {error}"
        return f"{problem}\n  it was undone"


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


def _came_of(change: Change, seen: Look, steps: Sequence[StepReceipt]) -> list[Fact]:
    """What is worth measuring: all of what was built, with its time; else what the plan had an estimate of."""
    facts = measured(change, seen.observed)
    built = [one.seconds for one in steps if builds(one.step)]
    if built:
        return [*facts, Fact(name="build time", value=round(sum(built), 3), unit="seconds")]
    estimated = {fact.name for fact in change.evidence}
    return [fact for fact in facts if fact.name in estimated]


def builds(step: Step) -> bool:
    """Whether `step` builds an index."""
    return any(hazard.type is HazardType.INDEX_BUILD for hazard in step.hazards)
