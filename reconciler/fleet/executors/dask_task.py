"""What Dask's workers run, by its name: bytes in, bytes out.

A task that runs in a thread is not stopped by Dask, whatever becomes of its client or its scheduler. So it looks for
itself whether anybody still waits for it, and ends what it has begun on the server where nobody does.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.applying.interruption import Interruption

if TYPE_CHECKING:
    from distributed import Worker

INTERRUPTED: Counter[str] = Counter()
"""By run, how often it was interrupted, as far as this process was told: of tasks that come later as well."""


class TaskInterruption(Interruption):
    """Set by whoever asked for the task, or since nobody waits for it any more."""

    def __init__(self, run: str, worker: Worker, key: str) -> None:
        super().__init__()
        self._run = run
        self._worker = worker
        self._key = key

    def __bool__(self) -> bool:
        return super().__bool__() or INTERRUPTED[self._run] > 0 or self._is_abandoned()

    def insisted(self) -> bool:
        """Whether it was set more than once."""
        return super().insisted() or INTERRUPTED[self._run] > 1

    def _is_abandoned(self) -> bool:
        """Whether the client is gone, or the scheduler, or the worker is to end."""
        from distributed.core import Status

        task = self._worker.state.tasks.get(self._key)
        is_wanted = task is not None and task.state in ("executing", "long-running")
        return not is_wanted or self._worker.status not in (Status.running, Status.paused)


def interrupt(run: str) -> None:
    """Interrupts all tasks of a run that this worker has, or gets; a second time: what they clean up, too."""
    INTERRUPTED[run] += 1


def apply(run: str, data: bytes) -> bytes:
    """Applies the plan in a task of `run`, and says what became of it."""
    from distributed import get_worker

    from reconciler.fleet.executors.worker import result_of

    worker = get_worker()
    return result_of(data, os.environ, TaskInterruption(run, worker, str(worker.get_current_task())))
