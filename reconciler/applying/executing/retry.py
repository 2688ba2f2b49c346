"""How often, and with which pauses, a step is tried again where a lock is not to be had."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model import SqlStep

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
"""Seconds. The bound of the pauses doubles from the first to the longest."""

SLICE = 0.1
"""Seconds between two looks at whether to go on waiting: a Ctrl-C is felt at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses between attempts. `random` gives numbers from 0 to 1, `sleep` takes seconds."""

    random: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int, interrupted: Callable[[], bool]) -> None:
        """Waits after `attempt` (from 1) has failed; returns early where `interrupted` becomes true.

        Exponential backoff with full jitter: anything from nothing to the bound, so that several who failed together
        do not come back together (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
        """
        left = self.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        while left > 0 and not interrupted():
            self.sleep(min(SLICE, left))
            left -= SLICE


PATIENCE = Patience()


def attempts(step: SqlStep) -> int:
    """How often `step` may be tried in all: once, unless a failed attempt leaves nothing of it behind."""
    whole = step.transaction or len(step.statements) == 1
    return step.attempts if whole and not step.on_failure else 1
