"""What is the same on several targets, said once: of a plan of few targets nothing is put together.

Decided: docs/decisions.md#groups-of-equal-changes
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from reconciler.model import Plan
from reconciler.planning.groups import alike
from reconciler.reports.characters import visible
from reconciler.reports.labels import listed

FEW = 3
"""Targets of which all is said one by one: so much is read in full."""

NAMED = 3
"""Of the targets that something is the same on, so many are named; of more, the number."""

T = TypeVar("T")


class Several(NamedTuple):
    """The targets, or nodes, on which something is the same."""

    names: tuple[str, ...]

    @property
    def says(self) -> str:
        """`312 targets: acme, globex, initech and 309 more`."""
        return f"{self.number}: {self.named}"

    @property
    def number(self) -> str:
        """`312 targets`."""
        return f"{len(self.names)} targets"

    @property
    def named(self) -> str:
        """`acme, globex, initech and 309 more`."""
        more = len(self.names) - NAMED
        return visible(listed([*self.names[:NAMED], f"{more} more"] if more > 1 else self.names))


def are_many(plan: Plan) -> bool:
    """Whether a plan is of so many targets that what is the same is said once."""
    return len({info.node_of or name for name, info in plan.targets.items()}) + len(plan.unseen) > FEW


def together(items: Iterable[T], key: Callable[[T], Hashable], *, many: bool) -> list[tuple[T, ...]]:
    """`items` as they are told: each for itself, or of `many` targets those of the same key as one."""
    return alike(items, key) if many else [(item,) for item in items]


def several(names: Sequence[str]) -> Several | None:
    """The targets that one row is about; None where it is about one."""
    return Several(tuple(names)) if len(names) > 1 else None
