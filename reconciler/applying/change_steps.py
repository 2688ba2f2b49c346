"""Runs the steps of one change: one after the other, and those of several partitions beside each other while there are
slots for it. What fails is cleaned up after once nothing of the change is at work any more.

Decided: docs/decisions.md#partitions-side-by-side
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from reconciler.applying.build_slots import BuildSlots
from reconciler.applying.change_so_far import ChangeSoFar
from reconciler.applying.cleaning import cleaned
from reconciler.applying.events import Events
from reconciler.applying.executing.progress import Progress
from reconciler.applying.executing.sequence import Stepper
from reconciler.applying.interruption import Interruption
from reconciler.applying.partitions import Part, beside_each_other
from reconciler.applying.verification import Reading
from reconciler.errors import ApplyError, ReconcilerError, StepFailed
from reconciler.model import Change, PatroniStep, RestartStep, SqlStep, Step, StepReceipt
from reconciler.planning.build_estimates import builds
from reconciler.planning.staleness import left_over, once_more, went

Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Means:
    """What the steps of a target's changes run with.

    stepper  runs what is not beside anything; `another` lends one more for the time that a slot of `slots` is held.
    """

    reading: Reading
    stepper: Stepper
    another: Callable[[], AbstractContextManager[Stepper]]
    slots: BuildSlots
    events: Events
    interruption: Interruption


@dataclass(slots=True)
class _Ended:
    """What came of a part: the `step` that failed, and why; or that it was `interrupted` before a step, or while one
    was at work. `in_doubt`: a step failed, and whether the part is gone is still to be seen."""

    receipts: list[StepReceipt] = field(default_factory=list)
    waited: float = 0.0
    step: Step | None = None
    error: Exception | None = None
    interrupted: bool = False
    in_doubt: bool = False


def run(means: Means, work: ChangeSoFar, wanted: Sequence[Step], interrupted: Asked) -> None:
    """Runs `wanted` for the change of `work`. Raises ApplyError where it is interrupted, StepFailed, TargetError."""
    needing_all = next((step for step in wanted if isinstance(step, SqlStep) and step.needs_all), None)
    gone: set[str] = set()
    settled = False
    for parts in beside_each_other(wanted):
        number, first = parts[0].steps[0]
        if first is needing_all and not interrupted():
            again, settled = _once_more(means, work.change), True
            if again is None:
                return
            run(means, work, again, interrupted)
        company = _Company(means, work, parts, len(wanted), interrupted, gone)
        ended = company.ended()
        for one in ended:
            work.steps += one.receipts
            work.waited += one.waited
        _raise_what_went_wrong(means, work.change, ended, number - 1, len(wanted))
    if gone and not settled and (again := _once_more(means, work.change)):
        run(means, work, again, interrupted)


def _once_more(means: Means, change: Change) -> Sequence[Step] | None:
    """The steps that a part which went has kept from what they are for. None where parts came meanwhile, which would be
    without once one index has taken the place of another, or where it is not whole for another reason."""
    found = means.reading.look(change)
    return None if left_over(change, found) else once_more(change, found)


def _raise_what_went_wrong(means: Means, change: Change, ended: Sequence[_Ended], before: int, of: int) -> None:
    """Cleans up what has failed, and raises it. `before`: so many steps came before these."""
    failed = [one for one in ended if one.error is not None]
    if not failed:
        if any(one.interrupted for one in ended):
            done = before + sum(len(one.receipts) for one in ended)
            raise ApplyError(f"interrupted after {done} of {of} steps; a new plan has the rest")
        return
    stopped = any(one.interrupted for one in failed)
    messages, cleanings = [], []
    for one in failed:
        if isinstance(one.error, StepFailed):
            messages.append(one.error.message)
            cleanings.append(_cleaned(means, change, one.step))
    other = next((one.error for one in failed if not isinstance(one.error, StepFailed)), None)
    if other is not None:
        raise other
    first = failed[0].error
    if stopped:
        said = "\n".join(messages)
        raise ApplyError(f"interrupted: {said}; a new plan has the rest{''.join(cleanings)}") from first
    said = "\n".join(message + cleaning for message, cleaning in zip(messages, cleanings, strict=True))
    raise StepFailed(said, hint=first.hint if isinstance(first, StepFailed) else "") from first


def _cleaned(means: Means, change: Change, step: Step | None) -> str:
    if not (isinstance(step, SqlStep) and step.on_failure):
        return ""
    means.stepper.close()
    means.reading.anew()
    return cleaned(change, step, means.reading, means.stepper, means.events, means.interruption.insisted)


class _Company:
    """Parts that may run beside each other. After the first failure none is begun, and those at work go on: what they
    have built by then is not to be built again."""

    def __init__(
        self, means: Means, work: ChangeSoFar, parts: Sequence[Part], of: int, interrupted: Asked, gone: set[str]
    ) -> None:
        self._means = means
        self._work = work
        self._of = of
        self._interrupted = interrupted
        self._gone = gone
        self._to_come = deque(enumerate(parts))
        self._begun: dict[int, _Ended] = {}
        self._changed = threading.Condition()

    def ended(self) -> list[_Ended]:
        """Runs all of them, and returns what came of those that began, in their order."""
        with ThreadPoolExecutor(max_workers=len(self._to_come)) as beside:
            self._run_all(self._means.stepper, beside)
        return [self._begun[number] for number in sorted(self._begun)]

    def _run_all(self, stepper: Stepper, beside: ThreadPoolExecutor) -> None:
        while found := self._next(beside):
            part, ended = found
            try:
                self._run(part, stepper, ended)
            except Exception as error:  # raised once the others have ended, whatever it is
                ended.error = error
                stepper.close()
            with self._changed:
                ended.in_doubt = False
                self._changed.notify_all()

    def _run_beside(self, beside: ThreadPoolExecutor) -> None:
        try:
            with self._means.another() as stepper:
                self._run_all(stepper, beside)
        finally:
            self._means.slots.leave()

    def _next(self, beside: ThreadPoolExecutor) -> tuple[Part, _Ended] | None:
        """The next part, and what is to come of it; where there is a slot for one more, that is begun as well."""
        with self._changed:
            self._changed.wait_for(lambda: not any(one.in_doubt for one in self._begun.values()))
            if not self._to_come or any(one.error for one in self._begun.values()):
                return None
            number, part = self._to_come.popleft()
            self._begun[number] = ended = _Ended()
            if self._to_come and self._means.slots.take_spare():
                beside.submit(self._run_beside, beside)
            return part, ended

    def _run(self, part: Part, stepper: Stepper, ended: _Ended) -> None:
        change, means = self._work.change, self._means
        for number, step in part.steps:
            if self._interrupted():
                ended.interrupted = True
                return
            if part.partition in self._gone:
                return
            if isinstance(step, RestartStep | PatroniStep):
                means.reading.anew()  # an open session would only be in its way
            started = time.monotonic()

            def progressed(seen: Progress, step: Step = step) -> None:
                if builds(step):
                    ended.waited += seen.waited
                means.events.progressed(change.address, seen)

            try:
                with means.events.step(
                    change.address, step, self._work.purpose,
                    number=number, of=self._of, together=self._work.together,
                ):  # fmt: skip
                    self._step(step, stepper, progressed, ended)
            except StepFailed:
                # Asked before the cleaning up, so that a Ctrl-C during that is not taken for the reason.
                ended.interrupted = self._interrupted()
                if part.partition and not ended.interrupted and self._went(part, stepper):
                    return
                ended.step = step
                raise
            ended.receipts.append(StepReceipt(step=step, seconds=round(time.monotonic() - started, 3)))

    def _step(self, step: Step, stepper: Stepper, tell: Callable[[Progress], None], ended: _Ended) -> None:
        try:
            stepper.run(step, tell, self._interrupted)
        except Exception:  # before anybody is told, so that nothing is begun by whoever hears of it
            with self._changed:
                ended.in_doubt = True
            raise

    def _went(self, part: Part, stepper: Stepper) -> bool:
        """Whether the partition is gone, as far as that can be seen; others that are gone are left out from now on."""
        stepper.close()
        self._means.reading.anew()
        change = self._work.change
        try:
            found = went(change, self._means.reading.look(change).observed)
        except ReconcilerError:
            return False
        with self._changed:
            self._gone.update(found)
        return part.partition in self._gone
