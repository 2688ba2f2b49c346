"""Changes that do the same on several targets.

Decided: docs/decisions.md#groups-of-equal-changes
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.documents.digest import digest
from reconciler.documents.fingerprint import parts
from reconciler.model import Change

ALIKE = ("action", "steps", "new_partitions", "undo", "undo_unseen", "inverse", "lane", "phase")
"""The parts of a fingerprint that changes of a group have in common: all that runs, whatever was there before."""


class Group(NamedTuple):
    """Changes of one kind and name that run the same; `digest` tells them from all others, on whatever targets."""

    digest: str
    changes: tuple[Change, ...]


def group_digest(change: Change) -> str:
    """The digest of the group that `change` belongs to."""
    found = parts(change)
    alike = {key: found[key] for key in ALIKE}
    return digest({"kind": change.address.kind, "name": change.address.name, **alike})


def grouped(changes: Iterable[Change]) -> tuple[Group, ...]:
    """The groups of `changes`, in the order of the first of each."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(group_digest(change), []).append(change)
    return tuple(Group(digest, tuple(alike)) for digest, alike in found.items())
