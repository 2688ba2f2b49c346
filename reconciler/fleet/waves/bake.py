"""The time that a wave has to show what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.fleet.waves.tally import Tally
from reconciler.model import NotRun, Wave

LOOK = 0.5
"""Seconds between two looks for who wants it to end: nobody waits for that at the keyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baking:
    """Waits behind the last change of a wave, be it one of an earlier run: what is over by now is not waited for again.

    `tell` hears of a wait that begins: the number of the wave, and when it ends.
    """

    tally: Tally
    now: Callable[[], datetime]
    tell: Callable[[int, datetime], None]

    def __call__(self, number: int, wave: Wave) -> NotRun | None:
        """INTERRUPTED where somebody asked for that; None once the time is over, or where nothing was changed."""
        ended = self.tally.last_end(wave.targets)
        if ended is None:
            return None
        bake = timedelta(seconds=wave.bake)
        now = self.now()
        left = min(bake, ended + bake - now)  # a clock that was wrong makes nobody wait for longer
        if left <= timedelta():
            return None
        self.tell(number, now + left)
        over = time.monotonic() + left.total_seconds()
        while (left_seconds := over - time.monotonic()) > 0:
            if self.tally.stopped() is NotRun.INTERRUPTED:
                return NotRun.INTERRUPTED
            time.sleep(min(LOOK, left_seconds))
        return None
