"""Connections that write, and are free: a lane takes one, and leaves it to whoever comes next.

To open one takes several round trips of the network, and costs the server a process.

Decided: docs/decisions.md#connections-of-an-apply
"""

from __future__ import annotations

import threading
from collections import defaultdict

from reconciler.applying.executing.step import Executor
from reconciler.model import Target


class Writers:
    """May be used from several threads, and each connection by one of them at a time. To be closed at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: defaultdict[str, list[Executor]] = defaultdict(list)

    def taken(self, target: Target) -> Executor | None:
        """One to `target` that is free; whoever takes it closes it, or leaves it."""
        with self._lock:
            free = self._free[target.name]
            return free.pop() if free else None

    def leave(self, target: Target, executor: Executor | None) -> None:
        """Takes over an open connection from whoever does not need it any more."""
        if executor is not None:
            with self._lock:
                self._free[target.name].append(executor)

    def renew(self) -> None:
        """Whoever writes from now on does so in a session that begins from now on. Never raises."""
        with self._lock:
            free = [executor for each in self._free.values() for executor in each]
            self._free.clear()
        for executor in free:
            executor.close()

    close = renew
