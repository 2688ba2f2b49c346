"""What an apply does for one change, as it grows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from reconciler.model import Address, Change, Fact, StepReceipt
from reconciler.model.event import Purpose
from reconciler.planning.staleness import Judgement, Standing

_NOTHING_RUNS = Judgement(Standing.STALE, "")


@dataclass(slots=True)
class ChangeSoFar:
    """What is done for one change, as it grows.

    judged    before its steps.
    together  the others that its steps are sent with.
    waited    seconds of its builds in which somebody was seen to be in the way.
    started   by the monotonic clock.
    """

    change: Change
    together: tuple[Address, ...] = ()
    purpose: Purpose = Purpose.CHANGE
    judged: Judgement = _NOTHING_RUNS
    steps: list[StepReceipt] = field(default_factory=list)
    evidence: list[Fact] = field(default_factory=list)
    waits: bool = False
    waited: float = 0.0
    started: float = field(default_factory=time.monotonic)
