"""What gates say of changes that are about to be made, while an apply runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.applying.overrun import stops_at
from reconciler.model import Address, Change, Headroom
from reconciler.planning.policies import bounded


class LastGates:
    """Asks gates anew before each change: `facts` is what they have been asked about before, `now` tells the time."""

    def __init__(self, facts: Facts, now: Callable[[], datetime]) -> None:
        self._facts = facts
        self._now = now

    def refused(self, batch: Sequence[Change]) -> Mapping[Address, Refusal]:
        """What they have refused before, and refuse of `batch` at this moment."""
        return enforce(Moment.BEGINNING, self._about(batch)).refused

    def stops_at(self, changes: Sequence[Change]) -> datetime | None:
        """When a window closes that cancels what still runs of `changes`; None: they come to their end."""
        return stops_at(changes, self._about(changes))

    def look_at_headroom(self, change: Change) -> bool:
        """Whether how the server stands decides whether `change` may begin."""
        return bounded(change, self._facts.plan, self._facts.targets, self._facts.options.policy)

    def over(self, change: Change, found: Headroom) -> Refusal | None:
        """What they refuse of `change`, which is as planned, on a server that stands so."""
        facts = replace(self._about([change]), headrooms={change.address.target: found})
        return enforce(Moment.LOOKED, facts).refused.get(change.address)

    def _about(self, changes: Sequence[Change]) -> Facts:
        alone = self._facts.plan.model_copy(update={"changes": tuple(changes)})
        return replace(self._facts, plan=alone, now=self._now())
