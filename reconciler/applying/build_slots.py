"""How much may be at work at once in one stage of an apply: changes, and partitions of one change beside each other.

Decided: docs/decisions.md#partitions-side-by-side
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BuildSlots:
    """One count for all lanes of a stage and for what they build beside. May be used from several threads.

    No more than `at_once` of the `lanes` may run at any moment; who runs them sees to that. A partition is only begun
    beside where a slot is left for each lane that is still to come: no lane waits for a partition of another.
    """

    def __init__(self, at_once: int, lanes: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._to_come = lanes

    @contextmanager
    def lane(self) -> Iterator[None]:
        """While the body runs a lane, that has a slot."""
        with self._lock:
            self._to_come -= 1
            self._free -= 1
        try:
            yield
        finally:
            self.leave()

    def take_spare(self) -> bool:
        """Whether there was a slot that no lane needs; whoever took it leaves it."""
        with self._lock:
            spare = self._free > self._to_come
            self._free -= spare
            return spare

    def leave(self) -> None:
        """Gives a slot back."""
        with self._lock:
            self._free += 1
