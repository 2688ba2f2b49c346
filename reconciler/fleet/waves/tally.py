"""What became of the targets so far, and whether that ends a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from reconciler.model import NotRun, Rollout, TargetReceipt, TargetResult, Unreached

DONE = (TargetResult.APPLIED, TargetResult.DONE_BEFORE)
IN_VAIN = (TargetResult.FAILED, TargetResult.UNREACHABLE, TargetResult.NOT_APPROVED)


class Tally:
    """Counts over all waves. Entered by one thread at a time, and asked by several. `unseen` are targets that have no
    plan, since they did not answer when it was made."""

    def __init__(self, rollout: Rollout, interrupted: Callable[[], bool], *, unseen: Collection[str] = ()) -> None:
        self._rollout = rollout
        self._unseen = frozenset(unseen)
        self._interrupted = interrupted
        self._targets: dict[str, TargetReceipt] = {}
        self._counts: Counter[TargetResult] = Counter()
        self._elsewhere: Mapping[str, TargetResult] = {}
        self._counts_elsewhere: Counter[TargetResult] = Counter()

    def enter(self, name: str, receipt: TargetReceipt) -> None:
        """Notes what became of one target, in place of what became of it before."""
        before = self._targets.get(name)
        if before:
            self._counts[before.result] -= 1
        self._targets[name] = receipt
        self._counts[receipt.result] += 1

    def enter_elsewhere(self, results: Mapping[str, TargetResult]) -> None:
        """Notes what became of the targets of other shards so far: failures count over all of them."""
        self._elsewhere, self._counts_elsewhere = results, Counter(results.values())

    def stopped(self) -> NotRun | None:
        """Why no further target is to be begun."""
        if self._interrupted():
            return NotRun.INTERRUPTED
        failed, unreached = self._of(TargetResult.FAILED), self._of(TargetResult.UNREACHABLE)
        if self._rollout.unreachable is Unreached.ERROR:
            failed, unreached = failed + unreached, 0
        if self._rollout.stop_after is not None and failed >= self._rollout.stop_after:
            return NotRun.FAILURES
        most = self._rollout.stop_after_unreachable
        return NotRun.UNREACHABLE if most is not None and unreached >= most else None

    def stopped_behind(self, wave: Collection[str]) -> NotRun | None:
        """Why no wave is to be begun behind one with these targets."""
        if why := self.stopped():
            return why
        results = {self._targets[name].result for name in wave if name in self._targets}
        results |= {self._elsewhere[name] for name in wave if name in self._elsewhere}
        if TargetResult.HELD in results:
            return NotRun.HELD
        if not results and not self._unseen.isdisjoint(wave):
            return NotRun.NONE_APPLIED
        return NotRun.NONE_APPLIED if results & {*IN_VAIN} and not results & {*DONE} else None

    def unreached(self) -> list[str]:
        """The targets that did not answer."""
        return [name for name, each in self._targets.items() if each.result is TargetResult.UNREACHABLE]

    def reached(self, wave: Collection[str]) -> list[str]:
        """The targets of a wave of which something is known: they were applied, or had nothing to do."""
        known = (*DONE, TargetResult.FAILED, TargetResult.NOTHING_TO_DO)
        return [name for name in wave if name in self._targets and self._targets[name].result in known]

    def last_end(self, wave: Collection[str]) -> datetime | None:
        """When the last apply to a target of a wave came to its end; None where there was none."""
        ends = (self._targets[name].ended_at for name in wave if name in self._targets)
        return max((each for each in ends if each), default=None)

    def _of(self, result: TargetResult) -> int:
        return self._counts[result] + self._counts_elsewhere[result]
