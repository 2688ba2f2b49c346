"""What is said of one change."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.model import Action, Address, Verdict
from reconciler.reports.builds import Build
from reconciler.reports.hazards import HazardRow
from reconciler.reports.labels import Labelled
from reconciler.reports.places import Place
from reconciler.reports.several import Several
from reconciler.reports.steps import StepRow


class ChangeRow(NamedTuple):
    """One change.

    says        beside its address: before → after; without such a summary the reason, or why it is wanted.
    sides       before and after, where that is what it says.
    reason      why this action and no other, where it is not said beside the address.
    notes       why it is there unasked, short facts, and who may not run it.
    hazards     those to be read.
    on_failure  what an apply runs by itself where the change fails.
    to_undo     what would bring back what it takes away; None where it takes nothing.
    evidence    what was measured and estimated, in one line.
    why         why it is wanted, where that is not said beside the address.
    definition  what comes or goes, whole, in one line; empty where `says` tells it all.
    explained   before → after, or the reason; unlike `says` never why it is wanted.
    wanted      why it is wanted, wherever else that is said.
    place       where it is declared.
    build       what it builds; None where it builds nothing.
    several     the targets that it is the same on, where those are told as one; evidence, what is built, the words of
                hazards and places in files may then be of the first of them, and say so.
    """

    address: Address
    action: Action
    verdict: Verdict
    sign: str
    says: str
    sides: tuple[str, str] | None
    reason: str
    notes: tuple[str, ...]
    steps: tuple[StepRow, ...]
    hazards: tuple[HazardRow, ...]
    on_failure: tuple[Labelled, ...]
    to_undo: Labelled | None
    evidence: str
    why: Labelled | None
    definition: str
    explained: str
    wanted: str
    place: Place
    build: Build | None = None
    several: Several | None = None
