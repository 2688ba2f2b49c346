"""What became of each target of a run so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from reconciler import __version__
from reconciler.model import Fleet, FleetReceipt, Shard, TargetReceipt, WaveReceipt


class Results:
    """The results of one run over the targets `names` of `fleet`: complete at every moment, whatever happens next.

    `approved` are the groups that were; None: all.
    """

    def __init__(
        self, fleet: Fleet, names: Collection[str], approved: Collection[str] | None, *,
        shard: Shard | None, run: str, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._fleet = fleet
        self._names = names
        self._approved = approved
        self._shard = shard
        self.run = run
        self._now = now
        self._started_at = now()
        self._targets: dict[str, TargetReceipt] = {}
        self._waves: list[WaveReceipt] = []
        self._ended = False

    @property
    def targets(self) -> Mapping[str, TargetReceipt]:
        """What became of each so far."""
        return self._targets

    def enter(self, name: str, receipt: TargetReceipt) -> None:
        """Notes what became of one target."""
        self._targets[name] = receipt

    def enter_wave(self, receipt: WaveReceipt) -> None:
        """Notes what became of one wave."""
        self._waves.append(receipt)

    def end(self) -> None:
        """Notes that nothing more comes: until then it is not complete, even where every target is known."""
        self._ended = True

    def receipt(self) -> FleetReceipt:
        """Everything so far. Only one in which every target has come to its end can be a success."""
        unseen = tuple(name for name in self._fleet.unseen if name in self._names)
        whole = self._ended and len(self._targets) == sum(name in self._names for name in self._fleet.targets)
        in_the_way = unseen or any(wave.stopped for wave in self._waves)
        return FleetReceipt(
            reconciler_version=__version__,
            run=self.run,
            fleet_digest=self._fleet.digest,
            shard=self._shard,
            approved=None if self._approved is None else tuple(sorted(self._approved)),
            started_at=self._started_at,
            finished_at=self._now(),
            targets=dict(sorted(self._targets.items())),
            unseen=unseen,
            partial=self._fleet.partial,
            waves=tuple(self._waves),
            complete=whole,
            succeeded=whole and not in_the_way and all(each.succeeded for each in self._targets.values()),
        )
