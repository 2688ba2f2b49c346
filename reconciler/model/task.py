"""What is asked of a worker of a cluster, and what it answers: one target, and no secret."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

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


class NotApplied(StrEnum):
    """Why a task has no receipt."""

    REFUSED = "refused"
    """The worker, or a gate of its apply, refuses it, or something went wrong before anything ran."""
    INTERRUPTED = "interrupted"
    """The run was interrupted before its turn came."""
    HELD = "held"
    """Another apply is at work on the target."""
    UNREACHABLE = "unreachable"
    """The target refused the worker, or cannot be reached from there."""
    SILENT = "silent"
    """Nothing came at all from where the target should be."""


class TaskResult(Frozen):
    """What became of a task.

    receipt      the text of the receipt file; empty: nothing was run.
    not_applied  why nothing was run, and `message`, in words, with what to do about it.
    """

    reconciler_version: str
    receipt: str = ""
    not_applied: NotApplied | None = None
    message: str = ""
