"""What became of each target of a run so far."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from reconciler import __version__
from reconciler.model import Fleet, FleetReceipt, Shard, TargetReceipt


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
        self._run = run
        self._now = now
        self._started_at = now()
        self._targets: dict[str, TargetReceipt] = {}

    def enter(self, name: str, receipt: TargetReceipt) -> None:
        """Notes what became of one target."""
        self._targets[name] = receipt

    def receipt(self) -> FleetReceipt:
        """Everything so far. Only one in which every target has come to its end can be a success."""
        unseen = tuple(name for name in self._fleet.unseen if name in self._names)
        whole = len(self._targets) == sum(name in self._names for name in self._fleet.targets)
        return FleetReceipt(
            reconciler_version=__version__,
            run=self._run,
            fleet_digest=self._fleet.digest,
            shard=self._shard,
            approved=None if self._approved is None else tuple(sorted(self._approved)),
            started_at=self._started_at,
            finished_at=self._now(),
            targets=dict(sorted(self._targets.items())),
            unseen=unseen,
            partial=self._fleet.partial,
            complete=whole,
            succeeded=whole and not unseen and all(each.succeeded for each in self._targets.values()),
        )
