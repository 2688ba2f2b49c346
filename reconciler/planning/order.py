"""The order of a plan's changes, and which of them may lean on others.

Decided: docs/decisions.md#phases
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from reconciler.kinds.registry import STAGES
from reconciler.model import Action, Change, System, TargetInfo

STAGE: Mapping[str, int] = {kind.name: rank for rank, stage in enumerate(STAGES) for kind in stage}
"""The stage of each kind, by its name."""


def stage_of(change: Change) -> tuple[int, int, str, bool]:
    """What changes of one stage have in common: kind, phase and node, and whether they delete; in this order."""
    return STAGE[change.address.kind], change.phase, change.address.target, change.action is Action.DELETE


def may_lean_on(later: Change, earlier: Change) -> bool:
    """Whether `later` may lean on `earlier`, which is of an earlier stage of the same group: where both are of one lane
    and on one target, or in different phases on two nodes of a cluster."""
    if later.lane != earlier.lane:
        return False
    return later.address.target == earlier.address.target or (
        STAGE[later.address.kind] == STAGE[earlier.address.kind] and earlier.phase < later.phase
    )


def precedes(earlier: Change, later: Change) -> bool:
    """Whether `earlier` is of an earlier stage, or makes what `later` may delete something for: of the same kind, phase
    and node."""
    first, second = stage_of(earlier), stage_of(later)
    return first[:2] < second[:2] or (first[:3] == second[:3] and first < second)


def groups(targets: Mapping[str, TargetInfo]) -> dict[str, str]:
    """By target, what is ordered as one with it: all nodes of a cluster, and all databases of a PostgreSQL. Each group
    is named by its first target.

    A restart ends the sessions of all databases of a server, and a standby leans on its primary: both have the same
    system identifier. Where a role may not see that of one node, the node has another identity than its cluster, and
    whatever shares either of the two is of one group.
    """
    place = {name: rank for rank, name in enumerate(targets)}
    joined = {name: name for name in targets}  # with an earlier target of its group; the first with itself

    def first(name: str) -> str:
        while joined[name] != name:
            name = joined[name]
        return name

    known: dict[str, str] = {}
    for name, info in targets.items():
        for identity in _identities(name, info):
            one, other = first(known.setdefault(identity, name)), first(name)
            joined[max(one, other, key=place.__getitem__)] = min(one, other, key=place.__getitem__)
    return {name: first(name) for name in targets}


def _identities(name: str, info: TargetInfo) -> list[str]:
    system = info.identity.partition("/")[0] if info.system is System.POSTGRES else ""
    return [f"node of {info.node_of or name}", *([f"system {system}"] if system else [])]


def in_order(changes: Iterable[Change]) -> bool:
    """Whether the changes of one group are as `ordered` has them, whatever the order of the targets was then."""
    places = []
    for place, together in groupby(changes, key=lambda change: (STAGE[change.address.kind], change.phase)):
        rank: dict[str, int] = {}
        for change in together:
            target = rank.setdefault(change.address.target, len(rank))
            places.append((*place, target, change.action is Action.DELETE))
    return places == sorted(places)


def ordered(changes: Iterable[Change], targets: Mapping[str, TargetInfo]) -> tuple[Change, ...]:
    """Group by group as they came; within one by stage (see the registry), phase and target; deletes after everything
    else of their phase.

    What is new is there before what is old goes: an index that takes over another's queries is built before the drop.
    """
    group = groups(targets)
    place = {name: rank for rank, name in enumerate(targets)}
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                place[group[change.address.target]],
                STAGE[change.address.kind],
                change.phase,
                place[change.address.target],
                change.action is Action.DELETE,
            ),
        )
    )
