"""One change: observe again, run its steps, verify the promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from reconciler.applying.execute import Executor, PostgresExecutor, executor
from reconciler.applying.progress import Progress, watched
from reconciler.errors import PromiseBroken, ReconcilerError, StepFailed
from reconciler.model import Applied, Change, ChangeReceipt, Outcome, Step, StepReceipt, Target
from reconciler.planning.again import Verdict, judge, outcomes_of, resource_of
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

SETTLING_SECONDS = 10.0
"""A reload reaches new sessions a moment later (the postmaster signals itself); ten seconds is a very busy moment."""

SETTLING_INTERVAL = 0.05

Tell = Callable[[Change, Progress], None]


class Stopped(Exception):
    """The apply was interrupted: nothing new may start."""


class Runner:
    """Applies changes of one target, one at a time, through one writing connection made when the first one runs."""

    def __init__(self, target: Target, secrets: Secrets, tell: Tell) -> None:
        self._target = target
        self._secrets = secrets
        self._tell = tell
        self._executor: Executor | None = None

    def apply(self, change: Change) -> ChangeReceipt:
        """What became of `change`. Raises nothing of ours: a failure is a receipt."""
        started = time.monotonic()
        steps: list[StepReceipt] = []

        def receipt(result: Applied, message: str) -> ChangeReceipt:
            return ChangeReceipt(
                address=change.address,
                action=change.action,
                result=result,
                message=self._secrets.redact(message),
                steps=tuple(steps),
                seconds=round(time.monotonic() - started, 3),
            )

        try:
            verdict, message = judge(change, self._look(change))
            if verdict is Verdict.ALREADY_MADE:
                return receipt(Applied.SKIPPED, "; ".join(part for part in ("already as declared", message) if part))
            if verdict is Verdict.STALE:
                return receipt(Applied.STALE, message)
            try:
                self._run(change, change.steps, steps)
                said = self._verify(change)
            except PromiseBroken as error:
                return receipt(Applied.FAILED, self._undone(change, str(error), steps))
        except ReconcilerError as error:
            return receipt(Applied.FAILED, str(error))
        return receipt(Applied.APPLIED, said)

    def cancel(self) -> None:
        """Ends what is running now; called from another thread. Never raises."""
        if self._executor is not None:
            self._executor.cancel()

    def close(self) -> None:
        """Ends the writing connection. Never raises."""
        if self._executor is not None:
            self._executor.close()

    def _look(self, change: Change) -> list[Outcome]:
        # A session of its own each time: settings reach new sessions first, and no snapshot is left open that a
        # concurrent build would have to wait for.
        with closing(connect(self._target, self._secrets)) as session:
            return outcomes_of(session, resource_of(change))

    def _run(self, change: Change, wanted: Sequence[Step], done: list[StepReceipt]) -> None:
        if self._executor is None:
            self._executor = executor(self._target, self._secrets)
        for step in wanted:
            started = time.monotonic()
            pid = self._executor.pid if isinstance(self._executor, PostgresExecutor) else 0
            with watched(self._target, self._secrets, pid, lambda seen: self._tell(change, seen)) as watch:
                try:
                    self._executor.run(step)
                except StepFailed as error:
                    waited_for = "".join(f"\n  waited for {blocker}" for blocker in watch.blockers)
                    raise StepFailed(error.message + waited_for, hint=error.hint) from error
            done.append(StepReceipt(step=step, seconds=round(time.monotonic() - started, 3)))

    def _verify(self, change: Change) -> str:
        """What is still to be known of a kept promise. Raises PromiseBroken where it is not kept."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while True:
            verdict, message = judge(change, self._look(change))
            if verdict is Verdict.ALREADY_MADE:
                return message
            if time.monotonic() > deadline:
                raise PromiseBroken(f"all steps ran, and yet it is not as promised: {message or 'nothing has changed'}")
            time.sleep(SETTLING_INTERVAL)

    def _undone(self, change: Change, problem: str, steps: list[StepReceipt]) -> str:
        if not change.undo:
            return problem
        try:
            self._run(change, change.undo, steps)
        except ReconcilerError as error:
            return f"{problem}; and it could not be undone: {error}"
        return f"{problem}; it was undone"
