"""One change: run its steps where it is still as planned, clean up after a failed one, and have its promise verified.

Decided: docs/decisions.md#undo-of-a-failed-change
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import TypeVar

from reconciler.applying.batches import Way, merged, way
from reconciler.applying.build_slots import BuildSlots
from reconciler.applying.change_so_far import ChangeSoFar
from reconciler.applying.change_steps import Means, run
from reconciler.applying.events import Events
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import Patience
from reconciler.applying.executing.sequence import Stepper
from reconciler.applying.executing.step import Executor
from reconciler.applying.executing.writers import Writers
from reconciler.applying.interruption import Interruption
from reconciler.applying.last_gates import LastGates
from reconciler.applying.ledger import receipt_of
from reconciler.applying.lock.holding import Held
from reconciler.applying.settings_batch import Broken, SettingsBatch
from reconciler.applying.verification import Before, Kept, Reading, evidence, verify
from reconciler.errors import ApplyError, ConnectionFailed, ReconcilerError, TargetError
from reconciler.kind.applying import SeenAtOnce
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Address,
    Applied,
    Change,
    ChangeReceipt,
    Resource,
    Step,
    Target,
    Verdict,
)
from reconciler.model.event import Purpose
from reconciler.planning import staleness
from reconciler.planning.staleness import Standing, no_longer_beside, went
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.session import Session
from reconciler.verdicts import of_outcome, worst

Asked = Callable[[], bool]

Answer = TypeVar("Answer")


class Runner:
    """Applies changes of one target, one at a time, through one writing connection: one that is free among `writers`,
    else one that is made when the first of them runs; and through others where `slots` has room for more.

    `expected` raises where a system is not the one that the plan was made for. `planned` tells what is declared of the
    changes that this apply makes, on whatever target: those that are made, and those that are still to come. `gates`
    are asked once more where how the server stands decides. `reachable` becomes false when the target cannot be
    connected to: there is no use in trying the next change.
    """

    def __init__(
        self, target: Target, sessions: OpenSessions, *,
        held: Held, events: Events, interruption: Interruption, patience: Patience, restarts: Restarts,
        expected: Callable[[Session], object],
        planned: Callable[[], Mapping[Address, Resource]],
        gates: LastGates,
        writers: Writers,
        slots: BuildSlots,
        alone: AbstractContextManager[object] | None = None,
    ) -> None:  # fmt: skip
        self._target = target
        self._expected = expected
        self._planned = planned
        self._gates = gates
        self._secrets = sessions.secrets
        self._held = held
        self._events = events
        self._interruption = interruption
        self._writers = writers

        def new_stepper() -> Stepper:
            return Stepper(target, sessions, patience, restarts, writers.taken(target), alone)

        self._new_stepper = new_stepper
        self._stepper = new_stepper()
        self._reading = Reading(target, sessions)
        self._means = Means(self._reading, self._stepper, self._another, slots, events, interruption)
        self._settings = SettingsBatch(target, self._reading, self._stepper, events, interruption.asked, self._renew)
        self.reachable = True

    def apply(self, changes: Sequence[Change]) -> list[ChangeReceipt]:
        """What became of `changes`: one, or several that are made as one. Raises nothing: a failure is a receipt, and
        so is a mistake of ours."""
        works = {change.address: ChangeSoFar(change) for change in changes}
        known: dict[Address, ChangeReceipt] = {}
        bounded = any(map(self._gates.look_at_headroom, changes))
        before = _tried(lambda: self._reading.before(changes, self._held, self._expected, bounded=bounded))
        for address, work in works.items():
            known[address] = self._receipt(work, lambda one: self._judged(one, before))
        ready = [works[change.address] for change in changes if known[change.address].result is Applied.NOT_RUN]
        if ready and way(ready[0].change) is Way.ONE_RELOAD and isinstance(before, Before):
            errors = before.errors
            made = _tried(lambda: self._settings.make(ready, errors))
            for work in ready:
                known[work.change.address] = self._receipt(work, lambda one: self._came_of(one, made))
        elif len(ready) == 1:
            known[ready[0].change.address] = self._receipt(ready[0], self._one)
        elif ready:
            sent = ChangeSoFar(ready[0].change, together=tuple(work.change.address for work in ready[1:]))
            error = self._sent(sent, merged([work.change for work in ready]))
            for work in ready:
                known[work.change.address] = self._receipt(work, lambda one: self._came_together(one, sent, error))
        return [known[change.address] for change in changes]

    def _receipt(self, work: ChangeSoFar, make: Callable[[ChangeSoFar], tuple[Applied, str]]) -> ChangeReceipt:
        try:
            result, message = make(work)
        except ReconcilerError as error:
            self.reachable = self.reachable and not isinstance(error, ConnectionFailed)
            result, message = Applied.FAILED, str(error)
        except Exception as error:  # it must not take the receipts of the other changes with it
            result, message = Applied.FAILED, f"unexpected {type(error).__name__}: {error}"
        if result is Applied.FAILED:
            self._renew()
        seconds = round(time.monotonic() - work.started, 3)
        return receipt_of(
            work.change, result, self._secrets.redact(message),
            steps=work.steps, seconds=seconds, evidence=work.evidence, waits=work.waits,
        )  # fmt: skip

    def left(self) -> Executor | None:
        """The connection that writes, for whoever comes next."""
        return self._stepper.left()

    def close(self) -> None:
        """Ends the connection that writes. Never raises."""
        self._stepper.close()

    def _renew(self) -> None:
        """Whatever comes next begins with new connections, since what failed may have been one. Never raises."""
        self._stepper.close()
        self._reading.anew()

    def _judged(self, work: ChangeSoFar, before: Before | Exception) -> tuple[Applied, str]:
        """What is to become of a change: NOT_RUN where it is as planned, so that its steps are to run."""
        change = work.change
        if isinstance(before, Exception):
            raise before
        work.judged = staleness.judge(change, before.looks[change.address])
        standing, message = work.judged.standing, work.judged.message
        match standing:
            case Standing.ALREADY_MADE:
                return Applied.SKIPPED, "; ".join(part for part in ("already as declared", message) if part)
            case Standing.STALE:
                return Applied.STALE, message
            case Standing.FORBIDDEN:
                return Applied.FAILED, message
        why = self._reading.ask(lambda session: no_longer_beside(session, change, self._planned()))
        if why:
            return Applied.STALE, why
        over = self._gates.over(change, before.headroom) if before.headroom else None
        return (over.result, str(over)) if over else (Applied.NOT_RUN, "")

    def _one(self, work: ChangeSoFar) -> tuple[Applied, str]:
        """Runs the steps of a change, and sees whether its promise is kept."""
        try:
            self._run(work, work.judged.steps, self._interruption.asked)
            return self._kept(work)
        except (ApplyError, TargetError) as error:
            if not work.steps or not work.judged.undo:
                raise
            return Applied.FAILED, self._undone(work, str(error))

    def _came_of(self, work: ChangeSoFar, made: Mapping[Address, Kept | Broken] | Exception) -> tuple[Applied, str]:
        """What came of a setting."""
        if isinstance(made, Exception):
            raise made
        found = made[work.change.address]
        if isinstance(found, Kept):
            return self._measured(work, found)
        self.reachable = self.reachable and not found.is_lost
        return found.result, found.message

    def _sent(self, sent: ChangeSoFar, steps: Sequence[Step]) -> ReconcilerError | None:
        """Runs the steps that several changes share; what went wrong is the receipt of each."""
        try:
            self._run(sent, steps, self._interruption.asked)
        except ReconcilerError as error:
            return error
        return None

    def _came_together(
        self, work: ChangeSoFar, sent: ChangeSoFar, error: ReconcilerError | None
    ) -> tuple[Applied, str]:
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

    def _kept(self, work: ChangeSoFar) -> tuple[Applied, str]:
        """Verifies the promise and measures the result. Raises PromiseBroken."""
        return self._measured(work, verify(self._reading, work.change, self._interruption.asked))

    def _measured(self, work: ChangeSoFar, kept: Kept) -> tuple[Applied, str]:
        with suppress(Exception):  # it is applied and verified, whether or not it can be measured
            work.evidence += evidence(work.change, kept.seen, work.steps, work.waited)
        work.waits = worst(map(of_outcome, kept.seen.outcomes)) is Verdict.WAITS
        gone = went(work.change, kept.seen.observed)
        left_out = f"gone since, and left out: {', '.join(gone)}" if gone else ""
        return kept.result, "; ".join(filter(None, (left_out, kept.message)))

    def _run(self, work: ChangeSoFar, wanted: Sequence[Step], interrupted: Asked) -> None:
        """Runs `wanted`. Whatever is read afterwards is read in a new session, unless an open one sees the same."""
        try:
            run(self._means, work, wanted, interrupted)
        finally:
            if not isinstance(BY_NAME[work.change.address.kind], SeenAtOnce):
                self._reading.anew()

    @contextmanager
    def _another(self) -> Iterator[Stepper]:
        """Runs steps beside the others, through a connection of its own."""
        with closing(self._new_stepper()) as stepper:
            yield stepper
            self._writers.leave(self._target, stepper.left())

    def _undone(self, work: ChangeSoFar, problem: str) -> str:
        self._renew()
        try:
            work.purpose = Purpose.UNDO
            self._run(work, work.judged.undo, lambda: False)
        except ReconcilerError as error:
            self.reachable = self.reachable and not isinstance(error, ConnectionFailed)
            return f"{problem}\n  and undoing it failed: {error}"
        return f"{problem}\n  it was undone"


def _tried(ask: Callable[[], Answer]) -> Answer | Exception:
    """What is asked for several changes at once; else what went wrong, which is told of each."""
    try:
        return ask()
    except Exception as error:  # a mistake of ours, too: each of the changes has its receipt
        return error
