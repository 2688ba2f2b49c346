"""The order of a plan's changes."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Change

_RANK = {kind.name: rank for rank, kind in enumerate(KINDS)}


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Target by target as they came; within one by kind (see the registry); deletes after everything else of a kind.

    What is new is there before what is old goes: an index that takes over another's queries is built before the drop.
    """
    listed = list(changes)
    targets = {name: rank for rank, name in enumerate(dict.fromkeys(change.address.target for change in listed))}
    return tuple(
        sorted(
            listed,
            key=lambda change: (
                targets[change.address.target],
                _RANK[change.address.kind],
                change.action is Action.DELETE,
            ),
        )
    )
