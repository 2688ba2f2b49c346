"""Waiting for a lock that another apply holds: tried again for a while, with growing pauses.

Decided: docs/decisions.md#waiting-for-another-apply
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.applying.executing.retry import Patience
from reconciler.applying.interruption import Interruption
from reconciler.errors import LockHeld


class Waiting:
    """How long a lock may still be waited for: `seconds` from now on. That it is waited for is said once, by `tell`."""

    def __init__(
        self, seconds: float, patience: Patience, interruption: Interruption, tell: Callable[[str], object]
    ) -> None:  # fmt: skip
        self._deadline = time.monotonic() + seconds
        self._patience = patience
        self._interruption = interruption
        self._tell = tell
        self._attempts = 0

    @contextmanager
    def while_held(self) -> Iterator[None]:
        """The body tries to take the lock. Where another apply holds it, this pauses, so that it can be tried again.

        Raises LockHeld where the time is over, or the apply is interrupted.
        """
        try:
            yield
        except LockHeld as held:
            if self._is_over():
                raise
            if not self._attempts:
                self._tell(f"{held.message}; waiting for it")
            self._attempts += 1
            self._patience.pause(self._attempts, self._is_over)
            if self._interruption:
                raise

    def _is_over(self) -> bool:
        return bool(self._interruption) or time.monotonic() >= self._deadline
