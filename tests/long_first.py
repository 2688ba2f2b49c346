"""The order of a run: what takes minutes is begun first, each by a process of its own.

pytest-xdist gives each process an equal part of the list, in its order, and a process that is through takes over half
of what the slowest has left, but never the two that this is at. Long cases at the end of the list, one after the other,
thus were all that one process did while the others had ended.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def processes() -> int:
    """How many run the tests, as pytest-xdist tells each of them."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def spread(long: Sequence[Item], others: Sequence[Item], parts: int) -> list[Item]:
    """All of both, in `parts` of equal length, as pytest-xdist cuts them; each begins with its share of `long`."""
    total = len(long) + len(others)
    rest = iter(others)
    listed: list[Item] = []
    for number in range(parts):
        share = list(long[number::parts])
        length = (total - len(listed)) // (parts - number)
        listed += [*share, *(next(rest) for _ in range(length - len(share)))]
    return listed
