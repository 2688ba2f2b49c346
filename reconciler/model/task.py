"""What is asked of a worker of a cluster, and what it answers: one target, and no secret."""

from __future__ import annotations

from datetime import timedelta

from pydantic import PositiveInt

from reconciler.model.base import Frozen
from reconciler.model.hazard import HazardType


class Task(Frozen):
    """The plan of one target, for a worker that has the credentials.

    Whatever else is in it can only make a worker refuse more, or do less at once, than its own settings let it.

    target    whose plan it is.
    plan      the text of the plan file.
    index     the text of the index that lists the plan, where that was approved as a whole; empty: groups were.
    allowed   hazards that whoever applies has allowed as well.
    max_age   how old the plan may be; None: as old as the worker lets it be.
    parallel  how many indexes may be built at once.
    """

    reconciler_version: str
    target: str
    plan: str
    index: str = ""
    allowed: tuple[HazardType, ...] = ()
    max_age: timedelta | None = None
    parallel: PositiveInt


class TaskResult(Frozen):
    """What became of a task.

    receipt  the text of the receipt file; empty: nothing was run.
    message  why nothing was run, and what to do about it.
    held     another apply is at work on the target.
    """

    reconciler_version: str
    receipt: str = ""
    message: str = ""
    held: bool = False
