"""What is said of an apply of a fleet while it runs: a line on standard error for each target and each wave, and the
receipt of the run as it is by then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.app import Run
from reconciler.errors import ReconcilerError
from reconciler.model import Rollout, TargetReceipt, TargetResult, Wave, WaveReceipt
from reconciler.reports.labels import counted
from reconciler.reports.waves import TARGET, ended, title

if TYPE_CHECKING:
    from reconciler.fleet.receipts import Receipts
    from reconciler.fleet.results import Results

MOST_NAMED = 5
"""Shards that are waited for: whoever has to look for one starts with these."""

PAUSE = 20
"""Times as long as the receipt of the run took to write, it is not written again for a target: it holds all of them,
and of 500 it would take longer than what is applied. The receipt of the target is there, whatever happens."""


class Progress:
    """Hears what `roll_out` tells. `of` targets are to be applied; of `waves` it speaks where some are declared."""

    def __init__(
        self, run: Run, rollout: Rollout, results: Results, receipts: Receipts, *, of: int, waves: bool
    ) -> None:
        self._run = run
        self._rollout = rollout
        self._results = results
        self._receipts = receipts
        self._of = of
        self._told: set[str] = set()
        self._waves = waves
        self._next_save = 0.0

    def begins(self, number: int, wave: Wave, targets: int) -> None:
        """A wave begins, in which so many targets are to be applied."""
        self._say(number, f"{counted(targets, TARGET)} to apply")
        self._save()

    def target(self, name: str, receipt: TargetReceipt) -> None:
        """What became of a target. Those that were not run are told of in the end, and together."""
        self._results.enter(name, receipt)
        if receipt.result is TargetResult.NOT_RUN:
            return
        self._told.add(name)
        self._run.tell(f"{name}: {receipt.result} ({len(self._told)} of {self._of})")
        if time.monotonic() >= self._next_save:
            self._save()

    def bakes(self, number: int, until: datetime) -> None:
        """A wave bakes."""
        self._say(number, f"bakes until {until:%Y-%m-%d %H:%M:%S} UTC")
        self._save()

    def waits(self, number: int, shards: Sequence[str]) -> None:
        """Other shards have not come to the end of a wave."""
        more = f" and {len(shards) - MOST_NAMED} more" if len(shards) > MOST_NAMED else ""
        self._say(number, f"waits for the shards {', '.join(shards[:MOST_NAMED])}{more}")

    def wave(self, receipt: WaveReceipt) -> None:
        """A wave came to its end."""
        if self._waves:
            self._results.enter_wave(receipt)
            says, more = ended(receipt)
            self._say(receipt.number, "; ".join([says, *more]))
            self._save()

    def _say(self, number: int, what: str) -> None:
        if self._waves:
            waves = self._rollout.waves
            self._run.tell(f"{title(number, len(waves), waves[number - 1])}: {what}")

    def _save(self) -> None:
        began = time.monotonic()
        with suppress(ReconcilerError):  # at the end it is tried once more, and said
            self._receipts.of_run(self._results.receipt())
        ended = time.monotonic()
        self._next_save = ended + PAUSE * (ended - began)
