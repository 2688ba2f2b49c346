"""One change: observe again, run its steps, verify the promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from reconciler.applying.execute import Executor, executor
from reconciler.applying.lock import Held
from reconciler.applying.progress import Progress, watched
from reconciler.errors import ApplyError, ConnectionFailed, PromiseBroken, ReconcilerError, StepFailed
from reconciler.model import Applied, Change, ChangeReceipt, Outcome, SqlStep, Step, StepReceipt, Target
from reconciler.planning.again import Verdict, judge, outcomes_of, resource_of
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

SETTLING_SECONDS = 10.0
"""A reload reaches new sessions a moment later (the postmaster signals itself); ten seconds is a very busy moment."""

SETTLING_INTERVAL = 0.05

Tell = Callable[[Change, Progress], None]


class Runner:
    """Applies changes of one target, one at a time, through one writing connection made when the first one runs.

    `reachable` becomes false when the target cannot be connected to: there is no use in trying the next change.
    """

    def __init__(
        self, target: Target, secrets: Secrets, *, held: Held, tell: Tell, interrupted: Callable[[], bool]
    ) -> None:
        self._target = target
        self._secrets = secrets
        self._held = held
        self._tell = tell
        self._interrupted = interrupted
        self._executor: Executor | None = None
        self.reachable = True

    def apply(self, change: Change) -> ChangeReceipt:
        """What became of `change`. Raises nothing: a failure is a receipt, and so is a mistake of ours."""
        started = time.monotonic()
        steps: list[StepReceipt] = []
        try:
            result, message = self._apply(change, steps)
        except ReconcilerError as error:
            self.reachable = not isinstance(error, ConnectionFailed)
            result, message = Applied.FAILED, str(error)
        except Exception as error:  # it must not take the receipts of the other changes with it
            result, message = Applied.FAILED, f"unexpected {type(error).__name__}: {error}"
        if result is Applied.FAILED:
            self.close()  # the next change starts with a connection that nothing has happened to
        return ChangeReceipt(
            address=change.address,
            action=change.action,
            result=result,
            message=self._secrets.redact(message),
            steps=tuple(steps),
            seconds=round(time.monotonic() - started, 3),
        )

    def close(self) -> None:
        """Ends the writing connection. Never raises."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    def _apply(self, change: Change, steps: list[StepReceipt]) -> tuple[Applied, str]:
        self._held()
        verdict, message = judge(change, self._look(change))
        if verdict is Verdict.ALREADY_MADE:
            return Applied.SKIPPED, "; ".join(part for part in ("already as declared", message) if part)
        if verdict is Verdict.STALE:
            return Applied.STALE, message
        if verdict is Verdict.FORBIDDEN:
            return Applied.FAILED, message
        try:
            self._run(change, change.steps, steps, self._interrupted)
            return Applied.APPLIED, self._verify(change)
        except ApplyError as error:
            if not steps or not change.undo:
                raise
            return Applied.FAILED, self._undone(change, str(error), steps)

    def _look(self, change: Change) -> list[Outcome]:
        # A session of its own each time: settings reach new sessions first, and no snapshot is left open that a
        # concurrent build would have to wait for.
        with closing(connect(self._target, self._secrets)) as session:
            return outcomes_of(session, resource_of(change))

    def _run(
        self, change: Change, wanted: Sequence[Step], done: list[StepReceipt], interrupted: Callable[[], bool]
    ) -> None:
        if self._executor is None:
            self._executor = executor(self._target, self._secrets)
        running = self._executor
        for number, step in enumerate(wanted):
            if interrupted():
                raise ApplyError(f"interrupted after {number} of {len(wanted)} steps; a new plan has the rest")
            started = time.monotonic()
            with watched(
                self._target, self._secrets, running, lambda seen: self._tell(change, seen), interrupted
            ) as watch:
                try:
                    running.run(step)
                except StepFailed as error:
                    if interrupted():
                        raise ApplyError(f"interrupted: {error.message}; a new plan has the rest") from error
                    waited_for = "".join(f"\n  waited for {blocker}" for blocker in watch.blockers)
                    raise StepFailed(error.message + waited_for, hint=error.hint) from error
            done.append(StepReceipt(step=step, seconds=round(time.monotonic() - started, 3)))

    def _verify(self, change: Change) -> str:
        """What is still to be known of a kept promise. Raises PromiseBroken where it is not kept."""
        deadline = time.monotonic() + (SETTLING_SECONDS if _reloads(change) else 0)
        while True:
            verdict, message = judge(change, self._look(change))
            if verdict is Verdict.ALREADY_MADE:
                return message
            if time.monotonic() >= deadline:
                raise PromiseBroken(f"all steps ran, and yet it is not as promised: {message or 'nothing has changed'}")
            time.sleep(SETTLING_INTERVAL)

    def _undone(self, change: Change, problem: str, steps: list[StepReceipt]) -> str:
        self.close()  # what failed may have been the connection
        try:
            self._run(change, change.undo, steps, lambda: False)
        except ReconcilerError as error:
            return f"{problem}\n  and undoing it failed: {error}"
        return f"{problem}\n  it was undone"


def _reloads(change: Change) -> bool:
    """Whether the change is only true a moment after its steps. All others are true at once, or never."""
    statements = (text for step in change.steps if isinstance(step, SqlStep) for text in step.statements)
    return any("pg_reload_conf()" in statement for statement in statements)
