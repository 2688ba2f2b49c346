"""Which hazards a reviewer is told of, how many of them, and what an apply needs to be allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.model import NEEDS_PERMISSION, WORTH_SAYING, Address, Change, Hazard, HazardType
from reconciler.reports.characters import visible
from reconciler.reports.labels import Labelled

SHOWN_OF_A_CHANGE = 3
"""Of one type: a partitioned table has one for each partition, and they all say the same."""

SHOWN_OF_A_PLAN = 20
"""Of those that need permission, where a plan names them all in one place: what is read before all else stays short."""


class HazardRow(NamedTuple):
    """A hazard of one change; `needs_permission`: whether an apply needs it to be allowed by name."""

    type: HazardType
    needs_permission: bool
    says: str


class PermissionRow(NamedTuple):
    """A hazard that has to be allowed by name, with the change that has it."""

    type: HazardType
    address: Address
    says: str


class Permissions(NamedTuple):
    """What an apply of a plan needs to be allowed: the options, the first of the hazards, and how many `more`."""

    needed: Labelled
    hazards: tuple[PermissionRow, ...]
    more: str


def hazards_of(changes: Iterable[Change]) -> list[Hazard]:
    """All hazards of all steps, in order."""
    return [hazard for change in changes for step in change.steps for hazard in step.hazards]


def hazards_to_read(change: Change) -> tuple[HazardRow, ...]:
    """What a reviewer should read of a change's hazards, a row each; of many of one type the first."""
    found: dict[HazardType, list[str]] = {}
    for hazard in hazards_of([change]):
        if hazard.type in WORTH_SAYING:
            found.setdefault(hazard.type, []).append(hazard.message)
    rows: list[HazardRow] = []
    for type, messages in found.items():
        shown = messages if len(messages) <= SHOWN_OF_A_CHANGE else messages[:1]
        more = [f"and {len(messages) - len(shown)} more of these"] if len(shown) < len(messages) else []
        needs_permission = type in NEEDS_PERMISSION
        needs = f"needs --allow {type}: " if needs_permission else ""
        rows += [HazardRow(type, needs_permission, visible(f"{needs}{message}")) for message in [*shown, *more]]
    return tuple(rows)


def allowing(types: Iterable[HazardType]) -> str:
    """The options of apply that allow these hazards by name: `--allow index-drop --allow less-safe`."""
    return " ".join(f"--allow {type}" for type in sorted(set(types)))


def permissions(changes: Sequence[Change]) -> Permissions | None:
    """What an apply needs: `--allow index-drop --allow less-safe`, and what for; None where it needs nothing."""
    found = [
        PermissionRow(hazard.type, change.address, visible(hazard.message))
        for change in changes
        for hazard in hazards_of([change])
        if hazard.type in NEEDS_PERMISSION
    ]
    if not found:
        return None
    shown = found[:SHOWN_OF_A_PLAN]
    more = f"and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return Permissions(Labelled("Apply needs", allowing(each.type for each in found)), tuple(shown), more)
