"""The other shards of a run, by the receipts that they leave in a folder which all of them share.

Decided: docs/decisions.md#waves-of-shards
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.documents import fleet_receipt
from reconciler.errors import DocumentError
from reconciler.fleet.receipts import OF_RUN
from reconciler.fleet.waves.tally import IN_VAIN, Tally
from reconciler.model import FleetReceipt, NotRun, Rollout, Shard, TargetResult, Wave

LOOK = 2.0
"""Seconds between two looks into the folder, which may be on the other side of a network."""

MOMENT = 0.5
"""Seconds between two looks for who wants it to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Waits for the other shards at the end of a wave, for no longer than `patience`, beyond the time that it bakes.

    `folder` has the receipts of all; `digest` is that of the index whose plans are applied, `rollout` its waves, and
    `began` when this run did. `tell` hears of a wait: the number of the wave, and the shards that are waited for.
    """

    folder: Path
    digest: str
    rollout: Rollout
    shard: Shard
    began: datetime
    patience: timedelta
    tally: Tally
    tell: Callable[[int, list[str]], None]
    _of_others: set[Path] = field(default_factory=set, init=False)
    """Receipts that are of other plans, or of this shard: they stay so, and are not read again."""

    def __call__(self, number: int, wave: Wave) -> NotRun | None:
        """Why the next wave is not to be begun: SHARDS where one of them has not come to the end of this one, and what
        the results of all of them say against it."""
        over = time.monotonic() + self.patience.total_seconds() + wave.bake  # which may be at another shard alone
        told: list[str] = []
        while True:
            others = self._others()
            now = {shard: run for shard, run in others.items() if not self._is_earlier(run)}
            self.tally.enter_elsewhere(_results(now.values()))
            if why := self.tally.stopped():
                return why
            missing = [shard for shard in self._shards() if not self._has_passed(others.get(shard), number)]
            if not missing:
                why, missing = self._said(number, wave, others, now)
                if not why or not missing:
                    return why
            if any(self._is_over(others.get(shard)) for shard in missing) or time.monotonic() >= over:
                return why or NotRun.SHARDS
            if (names := list(map(str, missing))) != told:
                self.tell(number, names)
                told = names
            look = min(time.monotonic() + LOOK, over)
            while time.monotonic() < look and not self.tally.stopped():
                time.sleep(MOMENT)

    def _said(
        self, number: int, wave: Wave, others: Mapping[Shard, FleetReceipt], now: Mapping[Shard, FleetReceipt]
    ) -> tuple[NotRun | None, list[Shard]]:
        """What the results of all say against the next wave, and the shards that may yet put that right, since it is of
        their runs from before this one."""
        up_to_here = {name for wave in self.rollout.waves[:number] for name in wave.targets}
        found = _results(run for shard, run in others.items() if shard not in now)
        earlier = {name: result for name, result in found.items() if name in up_to_here}
        current = _results(now.values())
        self.tally.enter_elsewhere(current | earlier)
        why = self.tally.stopped_behind(wave.targets)
        self.tally.enter_elsewhere(current)
        against = {name for name, result in earlier.items() if result is TargetResult.HELD or result in IN_VAIN}
        return why, [shard for shard, run in others.items() if shard not in now and against & {*run.targets}]

    def _shards(self) -> list[Shard]:
        every = (Shard(number=number, of=self.shard.of) for number in range(self.shard.of))
        return [shard for shard in every if shard != self.shard]

    def _others(self) -> dict[Shard, FleetReceipt]:
        """The last run of each other shard over these plans."""
        found: dict[Shard, FleetReceipt] = {}
        for path in self.folder.glob(f"*/{OF_RUN}"):
            if path in self._of_others:
                continue
            try:
                run = fleet_receipt.read(path)
            except DocumentError:
                continue  # it may be anybody's, or be on its way; whoever it is of is waited for
            if run.fleet_digest != self.digest or not run.shard or run.shard not in self._shards():
                self._of_others.add(path)
                continue
            last = found.get(run.shard)
            if last is None or last.started_at < run.started_at:
                found[run.shard] = run
        return found

    def _is_earlier(self, run: FleetReceipt) -> bool:
        """Whether it ended before this run began, so that its shard may be resumed as this one is."""
        return run.complete and run.finished_at < self.began

    def _is_over(self, run: FleetReceipt | None) -> bool:
        """Whether it has ended since this run began, so that nothing more comes of it by itself."""
        return run is not None and run.complete and not self._is_earlier(run)

    def _has_passed(self, run: FleetReceipt | None, number: int) -> bool:
        """Whether it came to the end of a wave; also where it ended earlier, with nothing left to do up to there."""
        if run is None or any(wave.stopped for wave in run.waves if wave.number <= number):
            return False
        if any(wave.number == number for wave in run.waves):
            return True
        earlier = {name for wave in self.rollout.waves[:number] for name in wave.targets}
        waits = any(each.result is TargetResult.NOT_RUN for name, each in run.targets.items() if name in earlier)
        return run.complete and not waits


def _results(runs: Iterable[FleetReceipt]) -> dict[str, TargetResult]:
    return {name: each.result for run in runs for name, each in run.targets.items()}
