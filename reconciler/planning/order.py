"""The order of a plan's changes.

Decided: docs/decisions.md#phases
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from reconciler.kinds.registry import STAGES
from reconciler.model import Action, Change, System, TargetInfo

STAGE: Mapping[str, int] = {kind.name: rank for rank, stage in enumerate(STAGES) for kind in stage}
"""The stage of each kind, by its name."""


def group_of(name: str, targets: Mapping[str, TargetInfo]) -> str:
    """What is ordered as one with the target `name`: all nodes of a cluster, and all databases of a PostgreSQL.

    A restart ends the sessions of all databases of a server, and a standby leans on its primary: both have the same
    system identifier. Named by the first target of the group.
    """
    own = _belonging(name, targets)
    return next((other for other in targets if _belonging(other, targets) & own), name)


def _belonging(name: str, targets: Mapping[str, TargetInfo]) -> set[str]:
    info = targets[name]
    system = info.identity.partition("/")[0] if info.system is System.POSTGRES else ""
    return {f"node of {info.node_of or name}", *([f"system {system}"] if system else [])}


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
    groups = {name: group_of(name, targets) for name in targets}
    place = {name: rank for rank, name in enumerate(targets)}
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                place[groups[change.address.target]],
                STAGE[change.address.kind],
                change.phase,
                place[change.address.target],
                change.action is Action.DELETE,
            ),
        )
    )
