"""Settings of PostgreSQL that are made as one: each is written by a statement of its own, one reload loads all of them,
and one new session shows what has become of each.

What the server refuses is told of its own setting, and the others are made. Where it would not take its files once all
are written, nothing is loaded: they are taken out again, and written and loaded one after the other, so that it is
found whose value that is.

Decided: docs/decisions.md#settings-in-one-reload
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from reconciler.applying.change_so_far import ChangeSoFar
from reconciler.applying.events import Events
from reconciler.applying.executing.reload_preflight import Errors, FilesRefused, refuse_new, reloads
from reconciler.applying.executing.sequence import Stepper
from reconciler.applying.verification import Kept, Reading, verify_all
from reconciler.errors import ApplyError, ConnectionFailed, PromiseBroken, ReconcilerError
from reconciler.model import Address, Applied, SqlStep, Step, StepReceipt, Target
from reconciler.model.event import Purpose


class Broken(NamedTuple):
    """Why a change was not made, or did not keep its promise; `is_lost`: there is no connection any more."""

    message: str
    result: Applied = Applied.FAILED
    is_lost: bool = False

    @classmethod
    def by(cls, error: ReconcilerError) -> Broken:
        """What `error` has ended."""
        return cls(str(error), is_lost=isinstance(error, ConnectionFailed))


Made = dict[Address, Kept | Broken]
"""What became of each change."""


class SettingsBatch:
    """How settings of one target are made; `renew` begins with new connections, since what failed may have been one."""

    def __init__(
        self, target: Target, reading: Reading, stepper: Stepper, events: Events,
        interrupted: Callable[[], bool], renew: Callable[[], None],
    ) -> None:  # fmt: skip
        self._target = target
        self._reading = reading
        self._stepper = stepper
        self._events = events
        self._interrupted = interrupted
        self._renew = renew

    def make(self, works: Sequence[ChangeSoFar], errors_before: Errors) -> Made:
        """Makes the changes, which were judged to be as planned; the files may have no error but `errors_before`.

        A failure is told, and never raised; undone is what has an undo.
        """
        made = self._written(works)
        written = _left(works, made)
        try:
            self._load(written, [work.judged.steps for work in written], errors_before)
        except FilesRefused as error:
            if len(written) > 1:
                return made | self._one_by_one(written, errors_before)
            return made | self._undone(written, {work.change.address: Broken.by(error) for work in written})
        except ReconcilerError as error:
            self._renew()
            return made | self._undone(written, {work.change.address: Broken.by(error) for work in written})
        return made | self._verified(written)

    def _written(self, works: Sequence[ChangeSoFar]) -> Made:
        """Runs all steps but those that reload, and tells what failed."""
        failed: Made = {}
        why_not = ""
        for work in works:
            why_not = why_not or ("interrupted" if self._interrupted() else "")
            if why_not:
                failed[work.change.address] = Broken(why_not, Applied.NOT_RUN)
                continue
            try:
                self._write(work, work.judged.steps, self._interrupted)
            except ReconcilerError as error:
                self._renew()
                failed[work.change.address] = broken = Broken.by(error)
                why_not = "the connection was lost before" if broken.is_lost else ""
        return failed

    def _write(self, work: ChangeSoFar, steps: Sequence[Step], interrupted: Callable[[], bool]) -> None:
        for number, step in enumerate(steps, 1):
            if not reloads(step):
                self._run([work], step, number, len(steps), interrupted)

    def _run(
        self, works: Sequence[ChangeSoFar], step: Step, number: int, of: int, interrupted: Callable[[], bool]
    ) -> None:
        """Runs a step that `works` have in common. Raises ApplyError where it is interrupted."""
        started = time.monotonic()
        address, *others = (work.change.address for work in works)
        purpose = works[0].purpose
        try:
            with self._events.step(address, step, purpose, number=number, of=of, together=tuple(others)):
                self._stepper.run(step, partial(self._events.progressed, address), interrupted)
        except ReconcilerError as error:
            if interrupted():
                raise ApplyError(f"interrupted: {error.message}; a new plan has the rest") from error
            raise
        for work in works:
            work.steps.append(StepReceipt(step=step, seconds=round(time.monotonic() - started, 3)))

    def _load(
        self, works: Sequence[ChangeSoFar], steps_of: Sequence[Sequence[Step]], errors_before: Errors | None
    ) -> None:
        """Has the server load its files, once, where any of the changes has a step for that; not where they have errors
        beside `errors_before` (None: whatever they have). What is read afterwards is read in a new session.

        Raises FilesRefused, ApplyError, TargetError.
        """
        loading = [work for work, steps in zip(works, steps_of, strict=True) if any(map(reloads, steps))]
        found = [step for steps in steps_of for step in steps if isinstance(step, SqlStep) and step.reloads]
        interrupted = self._interrupted if errors_before is not None else _never
        try:
            if not loading:
                return
            most = max(map(len, steps_of))
            if interrupted():
                raise ApplyError(f"interrupted after {most - 1} of {most} steps; a new plan has the rest")
            if errors_before is not None:
                refuse_new(errors_before, self._reading.errors(), self._target)
            hazards = tuple(hazard for step in found for hazard in step.hazards)
            step = found[0].model_copy(update={"hazards": hazards})
            self._run(loading, step, most, most, interrupted)
        finally:
            self._reading.anew()

    def _verified(self, works: Sequence[ChangeSoFar]) -> Made:
        """What has come of each; what did not come true is undone."""
        if not works:
            return {}
        try:
            found = verify_all(self._reading, [work.change for work in works], self._interrupted)
        except ReconcilerError as error:
            return self._undone(works, {work.change.address: Broken.by(error) for work in works})
        broken = {address: Broken.by(one) for address, one in found.items() if isinstance(one, PromiseBroken)}
        kept: Made = {address: one for address, one in found.items() if isinstance(one, Kept)}
        return kept | self._undone([work for work in works if work.change.address in broken], broken)

    def _one_by_one(self, works: Sequence[ChangeSoFar], errors_before: Errors) -> Made:
        """All of `works` are taken out of the files again, where that can be done, and made one after the other."""
        for work in works:
            work.purpose = Purpose.UNDO
            try:
                self._write(work, work.judged.undo, _never)
            except ReconcilerError:
                self._renew()  # whatever is wrong with it is told when its turn comes
        made: Made = {}
        for work in works:
            work.purpose = Purpose.CHANGE
            made |= self.make([work], errors_before)
        return made

    def _undone(self, works: Sequence[ChangeSoFar], broken: dict[Address, Broken]) -> Made:
        """What is said of changes that are `broken`, once those that can be are undone: with one reload for all."""
        made: Made = dict(broken)
        undoing = [work for work in works if work.steps and work.judged.undo]
        failed: dict[Address, ReconcilerError] = {}
        if not undoing:
            return made
        self._renew()
        for work in undoing:
            work.purpose = Purpose.UNDO
            try:
                self._write(work, work.judged.undo, _never)
            except ReconcilerError as error:
                self._renew()
                failed[work.change.address] = error
        written = [work for work in undoing if work.change.address not in failed]
        try:
            self._load(written, [work.judged.undo for work in written], None)
        except ReconcilerError as error:
            self._renew()
            failed |= {work.change.address: error for work in written}
        for work in undoing:
            address = work.change.address
            problem = failed.get(address)
            said = f"and undoing it failed: {problem}" if problem else "it was undone"
            is_lost = isinstance(problem, ConnectionFailed)
            made[address] = Broken(f"{broken[address].message}\n  {said}", is_lost=is_lost)
        return made


def _left(works: Sequence[ChangeSoFar], made: Made) -> list[ChangeSoFar]:
    return [work for work in works if work.change.address not in made]


def _never() -> bool:
    return False
