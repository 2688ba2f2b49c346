"""One step after the other on a writing connection: watched, tried again where that helps, and explained."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace

from reconciler.applying.executing.progress import Progress
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import Patience, attempts
from reconciler.applying.executing.step import Executor, Gone, executor
from reconciler.applying.executing.watch import watched
from reconciler.errors import StepFailed
from reconciler.model import HazardType, PatroniStep, PostgresTarget, RestartStep, SqlStep, Step, Target
from reconciler.targets.open_sessions import OpenSessions


class Stepper:
    """Runs steps on one target, through one connection, which is made when the first one runs, or was free."""

    def __init__(
        self, target: Target, sessions: OpenSessions, patience: Patience, restarts: Restarts,
        free: Executor | None = None, alone: AbstractContextManager[object] | None = None,
    ) -> None:  # fmt: skip
        """`free`: an executor that was left by somebody, before this one's changes were looked at. `alone`: entered
        while a step waits for a lock behind which others wait, each time that it is tried."""
        self._target = target
        self._restarts = restarts
        self._sessions = sessions
        self._patience = patience
        self._alone = alone or nullcontext()
        self._executor = free
        self._was_idle = free is not None

    def run(self, step: Step, tell: Callable[[Progress], None], interrupted: Callable[[], bool]) -> None:
        """Runs `step`, as often as it may be tried; cancels it when `interrupted` becomes true.

        Raises StepFailed, naming attempts and blockers; ConnectionFailed; DesiredError where a secret is missing.
        """
        match step, self._target:
            case RestartStep(), PostgresTarget() as target:
                self.close()  # it would only be in the way of a server that waits for its sessions
                self._restarts.run(target, step, tell, interrupted)
                return
            case PatroniStep(), PostgresTarget() as target:
                self.close()
                self._restarts.by_patroni(target, step, tell, interrupted)
                return
        was_idle, self._was_idle = self._was_idle, False
        try:
            self._attempt(step, tell, interrupted)
        except Gone:
            self.close()
            if not was_idle:
                raise
            self._attempt(step, tell, interrupted)

    def _attempt(self, step: Step, tell: Callable[[Progress], None], interrupted: Callable[[], bool]) -> None:
        if self._executor is None:
            self._executor = executor(self._target, self._sessions.secrets, step)
        running = self._executor
        most = attempts(step) if isinstance(step, SqlStep) else 1
        started = time.monotonic()
        blockers: tuple[object, ...] = ()
        for attempt in range(1, most + 1):
            telling = _telling(tell, attempt)
            alone = self._alone if _makes_others_wait(step) else nullcontext()
            with alone, watched(self._sessions, running, telling, interrupted) as watch:
                try:
                    running.run(step, telling, interrupted)
                    return
                except Gone:
                    raise
                except StepFailed as error:
                    failure = error
            blockers = watch.blockers or blockers
            if attempt == most or not failure.may_pass or interrupted():
                break
            with suppress(Exception):  # who is told may fail, the apply may not
                phase = f"waiting to try again, attempt {attempt + 1} of {most}"
                tell(Progress(phase, None, watch.blockers, attempt + 1))
            self._patience.pause(attempt, interrupted)
            if interrupted():
                break
        tried = f"\n  tried {attempt} times in {time.monotonic() - started:.0f} s" if attempt > 1 else ""
        waited_for = "".join(f"\n  waited for {blocker}" for blocker in blockers)
        raise StepFailed(failure.message + tried + waited_for, hint=failure.hint) from failure

    def left(self) -> Executor | None:
        """The connection, for whoever writes next: from now on it is theirs."""
        found, self._executor = self._executor, None
        if found is not None:
            found.left()
        return found

    def close(self) -> None:
        """Ends the connection; the next step makes a new one. Never raises."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None


def _telling(tell: Callable[[Progress], None], attempt: int) -> Callable[[Progress], None]:
    return lambda seen: tell(replace(seen, attempt=attempt))


def _makes_others_wait(step: Step) -> bool:
    return any(hazard.type is HazardType.LOCKS_PARTITIONS for hazard in step.hazards)
