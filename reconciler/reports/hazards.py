"""Which hazards a reviewer is told of, how many of them, and what an apply needs to be allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.model import NEEDS_PERMISSION, WORTH_SAYING, Address, Change, Hazard, HazardType
from reconciler.reports.characters import visible
from reconciler.reports.labels import Labelled
from reconciler.reports.several import Several, several, together

SHOWN_OF_A_CHANGE = 3
"""Of one type: a partitioned table has one for each partition, and they all say the same."""

SHOWN_OF_A_PLAN = 20
"""Of those that need permission, where a plan names them all in one place: what is read before all else stays short."""


NAMED_OF_LESSER = 3
"""Of a hazard that needs no permission, so many changes are named where a plan names all of them in one place."""


class HazardRow(NamedTuple):
    """A hazard of one change; `needs_permission`: whether an apply needs it to be allowed by name."""

    type: HazardType
    needs_permission: bool
    says: str


class PermissionRow(NamedTuple):
    """A hazard that has to be allowed by name, with the change that has it, or the same of `several` targets."""

    type: HazardType
    address: Address
    says: str
    several: Several | None = None


class Permissions(NamedTuple):
    """What an apply of a plan needs to be allowed: the options, the first of the hazards, and how many `more`; `beside`
    is said of hazards of which nothing has to be."""

    needed: Labelled
    hazards: tuple[PermissionRow, ...]
    more: str
    beside: str = "Of these nothing has to be allowed:"


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


def permissions(changes: Sequence[Change], *, many: bool = False) -> Permissions | None:
    """What an apply needs: `--allow index-drop --allow less-safe`, and what for; None where it needs nothing. Of `many`
    targets the same once."""
    found = [
        PermissionRow(hazard.type, change.address, visible(hazard.message))
        for change in changes
        for hazard in hazards_of([change])
        if hazard.type in NEEDS_PERMISSION
    ]
    if not found:
        return None
    rows = together(found, lambda row: (row.type, row.address[1:], row.says), many=many)
    shown = [
        same[0]._replace(several=several([each.address.target for each in same])) for same in rows[:SHOWN_OF_A_PLAN]
    ]
    more = f"and {len(rows) - len(shown)} more" if len(rows) > len(shown) else ""
    return Permissions(Labelled("Apply needs", allowing(each.type for each in found)), tuple(shown), more)


class HazardGroup(NamedTuple):
    """One hazard, and the changes that have it, each with the targets that it is the same on; of those that need no
    permission and say no more than evidence does, all of a type are one, in the words of the first where they differ.
    Of a hazard that needs no permission the first changes are named, and how many `more`."""

    type: HazardType
    needs_permission: bool
    says: str
    of: tuple[tuple[Address, Several | None], ...]
    more: str


def hazard_groups(changes: Sequence[Change], *, many: bool = False) -> tuple[HazardGroup, ...]:
    """Every hazard of every change: those that need permission first, then those worth reading, then all others."""
    found: dict[tuple[HazardType, str], dict[Address, None]] = {}
    differing: set[HazardType] = set()
    for change in changes:
        of_types: dict[HazardType, list[str]] = {}
        for hazard in hazards_of([change]):
            of_types.setdefault(hazard.type, []).append(visible(hazard.message))
        for type, messages in of_types.items():
            distinct = list(dict.fromkeys(messages))
            if type not in WORTH_SAYING:
                first = next((said for known, said in found if known is type), messages[0])
                if any(message != first for message in messages):
                    differing.add(type)
                distinct = [first]
            elif len(distinct) > SHOWN_OF_A_CHANGE:
                distinct = [f"{distinct[0]}; and {len(messages) - 1} more of these"]
            for message in distinct:
                found.setdefault((type, message), {})[change.address] = None
    rank = {type: (type not in NEEDS_PERMISSION, type not in WORTH_SAYING) for type in HazardType}
    return tuple(
        _group(type, message, addresses, many=many, of_the_first=type in differing)
        for (type, message), addresses in sorted(found.items(), key=lambda each: (rank[each[0][0]], each[0][0]))
    )


def _group(
    type: HazardType, message: str, addresses: Iterable[Address], *, many: bool, of_the_first: bool
) -> HazardGroup:
    rows = together(addresses, lambda address: address[1:], many=many)
    of = tuple((same[0], several([each.target for each in same])) for same in rows)
    needed = type in NEEDS_PERMISSION
    shown = of if needed else of[:NAMED_OF_LESSER]
    more = f"and {len(of) - len(shown)} more" if len(shown) < len(of) else ""
    said = f"{message} (of the first)" if of_the_first else message
    return HazardGroup(type, needed, said, shown, more)
