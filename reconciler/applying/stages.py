"""Stages of an apply: which changes do not lean on each other, and which lean on one of a stage before."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.model import Action, Address, Change
from reconciler.planning.order import STAGE


def stage_of(change: Change) -> tuple[int, int, str, bool]:
    """What changes of one stage have in common: kind, phase and node, and whether they delete; in this order."""
    return STAGE[change.address.kind], change.phase, change.address.target, change.action is Action.DELETE


class Unmade(NamedTuple):
    """A change that was not made, and where it stands."""

    address: Address
    lane: str
    stage: int
    phase: int

    def comes_before(self, change: Change) -> bool:
        """Whether `change`, of a later stage, may lean on it: on its target, or on another node of the cluster."""
        if self.lane != change.lane:
            return False
        return self.address.target == change.address.target or (
            self.stage == STAGE[change.address.kind] and self.phase < change.phase
        )
