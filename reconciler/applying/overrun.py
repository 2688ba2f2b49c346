"""What becomes of a change that still runs when its window closes.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from reconciler.applying.gates.gate import Facts
from reconciler.applying.interruption import Interruption
from reconciler.model import Change, Overrun
from reconciler.planning.policies import holding, target_name
from reconciler.windows import standing


class Deadline(Interruption):
    """An interruption of what runs that comes by itself at a moment, where one is set; else as `of` is set."""

    def __init__(self, of: Interruption, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._of = of
        self._now = now
        self._at: datetime | None = None
        self._came = False

    def set_to(self, at: datetime | None) -> None:
        """From now on it comes at `at`; None: not by itself."""
        self._at, self._came = at, False

    def __bool__(self) -> bool:
        return bool(self._of) or self.has_come()

    def asked(self) -> bool:
        """Whether it has come, or the other was asked for."""
        return self._of.asked() or self.has_come()

    def has_come(self) -> bool:
        """Whether it was that moment, or later, when it was asked; a clock that is set back takes nothing back."""
        self._came = self._came or (self._at is not None and self._now() >= self._at)
        return self._came

    def insisted(self) -> bool:
        """Whether whoever applies insists: cleaning up after a window has closed is not cut short by itself."""
        return self._of.insisted()


def stops_at(changes: Sequence[Change], facts: Facts) -> datetime | None:
    """When a window closes that cancels what still runs of `changes`; None: they come to their end."""
    outside = bool(facts.options.outside_window)
    found = [
        standing(each.policy.windows, facts.now, outside=outside)
        for name in {target_name(change, facts.plan) for change in changes}
        for each in holding(name, facts.targets, facts.options.policy)
    ]
    return min((at.closes for at in found if at.closes and at.by and at.by.overrun is Overrun.STOP), default=None)
