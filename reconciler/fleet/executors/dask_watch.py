"""What a cluster is like at this moment, and whether its scheduler is there: asked again and again, by one thread."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from reconciler.applying.interruption import Interruption
from reconciler.fleet.executors import dask_task

if TYPE_CHECKING:
    from distributed import Client

BETWEEN_LOOKS = 1.0
"""Seconds between two looks. Also how long an interruption takes to get there."""

SILENCE = 60
"""Seconds without an answer, after which a scheduler counts as gone: twice what Dask gives a connection."""


class Watch(threading.Thread):
    """Looks at the cluster until it is closed, and passes an interruption of `run` on to all of its workers."""

    def __init__(self, client: Client, run: str, interruption: Interruption) -> None:
        super().__init__(daemon=True, name="watch of the cluster")
        self._client = client
        self._run = run
        self._interruption = interruption
        self._told = 0
        self._closed = threading.Event()
        self._workers: dict[str, Any] = {}
        self._begun: frozenset[str] = frozenset()
        self.is_lost = False

    def run(self) -> None:
        """Looks until `close`, or until nobody answers."""
        while not self._closed.wait(BETWEEN_LOOKS):
            try:
                self.look()
            except Exception:  # whatever Dask says: that is no answer, or none in time
                self.is_lost = True
                return

    def look(self) -> None:
        """Looks once. Raises whatever Dask does where there is no answer."""
        ask, scheduler = self._client.sync, self._client.scheduler
        self._workers = ask(scheduler.identity, callback_timeout=SILENCE)["workers"]
        while self._told < int(self._interruption.asked()) + int(self._interruption.insisted()):
            self._client.run(dask_task.interrupt, self._run, on_error="return")
            begun = ask(scheduler.processing, workers=None, callback_timeout=SILENCE)
            self._begun = frozenset(str(key) for keys in begun.values() for key in keys)
            self._told += 1

    def close(self) -> None:
        """Looks no more."""
        self._closed.set()

    @property
    def addresses(self) -> Collection[str]:
        """Of the workers that there are."""
        return [*self._workers]

    def missing(self, resources: Collection[str]) -> str:
        """What no worker has that is there: one of `resources`, or a worker at all; empty: it can run."""
        if not self._workers:
            return "the cluster has no worker"
        wanted = {*resources}
        if any(wanted <= {*worker["resources"]} for worker in self._workers.values()):
            return ""
        return f"no worker of the cluster has {' and '.join(sorted(wanted))}"

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody has asked the run to end."""
        return self._interruption.asked()

    def is_turned_away(self, key: str) -> bool:
        """Whether the task was with no worker yet when the run was interrupted: it is not to begin any more."""
        return self._told > 0 and key not in self._begun
