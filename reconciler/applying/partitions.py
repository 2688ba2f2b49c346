"""Which steps of a change may run beside each other: those that build the parts of an index on different partitions.

Decided: docs/decisions.md#partitions-side-by-side
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from reconciler.model import Change, SqlStep, Step
from reconciler.planning.build_estimates import builds


class Part(NamedTuple):
    """Neighbouring steps, with their numbers, that run one after the other: all of one `partition`, or one that is for
    none (empty)."""

    partition: str
    steps: Sequence[tuple[int, Step]]


def beside_each_other(steps: Sequence[Step]) -> list[list[Part]]:
    """`steps` in order, in companies: the parts of one may run at the same time, and each company after the one before.

    Parts that are neighbours and each build an index, of different partitions, are independent: a table that is
    partitioned itself has nothing that is built, and so stands between what is below it and what is not.
    """
    found: list[list[Part]] = []
    for part in _parts(steps):
        before = found[-1] if found else []
        if _builds(part) and all(_builds(one) and one.partition != part.partition for one in before) and before:
            before.append(part)
        else:
            found.append([part])
    return found


def most_at_once(change: Change) -> int:
    """How many parts of `change` may run at the same time."""
    return max(map(len, beside_each_other(change.steps)), default=1)


def _parts(steps: Sequence[Step]) -> Iterator[Part]:
    for (partition, _, _), numbered in groupby(enumerate(steps, 1), key=_belongs_to):
        yield Part(partition, tuple(numbered))


def _belongs_to(numbered: tuple[int, Step]) -> tuple[str, bool, int]:
    """What neighbours share that are of one part; what is for no partition stands for itself, by its number."""
    number, step = numbered
    if isinstance(step, SqlStep) and step.partition:
        return step.partition, step.needs_all, 0
    return "", False, number


def _builds(part: Part) -> bool:
    return bool(part.partition) and any(builds(step) for _, step in part.steps)
