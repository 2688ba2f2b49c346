"""An apply in time: when work on each change began, how long it took, and what of that its steps were."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from reconciler.model import Action, Address, Applied, ChangeReceipt, Receipt
from reconciler.reports.labels import ACTIONS, APPLIED
from reconciler.reports.quantities import duration
from reconciler.reports.steps import in_one_line

INSTANT = 0.001
"""Seconds that are not worth a number."""


class StepRan(NamedTuple):
    """A step that ran to its end."""

    line: str
    took: str


class Stretch(NamedTuple):
    """The time of one change: when it `began` behind the apply, empty where that is not known, and what it `took`, in
    words; the same as parts of the whole time, from 0 to 1."""

    address: Address
    action: Action
    sign: str
    result: Applied
    became: str
    began: str
    took: str
    start: float
    share: float
    steps: tuple[StepRan, ...]


def timeline(receipt: Receipt) -> tuple[Stretch, ...]:
    """The changes that were worked on, in the order in which that began."""
    worked = [each for each in receipt.changes if each.started_at or each.seconds or each.steps]
    begun = {each.address: _seconds(receipt.started_at, each.started_at) for each in worked}
    ends = [begun[each.address] + each.seconds for each in worked]
    whole = max([_seconds(receipt.started_at, receipt.finished_at), *ends])
    in_order = sorted(worked, key=lambda each: begun[each.address])
    return tuple(_stretch(each, begun[each.address], whole) for each in in_order)


def _seconds(since: datetime, until: datetime | None) -> float:
    """A clock that was set back meanwhile makes no time negative."""
    return max(0.0, (until - since).total_seconds()) if until else 0.0


def _stretch(change: ChangeReceipt, begun: float, whole: float) -> Stretch:
    return Stretch(
        address=change.address,
        action=change.action,
        sign=ACTIONS[change.action].sign,
        result=change.result,
        became=APPLIED[change.result],
        began=_began(begun) if change.started_at else "",
        took=duration(change.seconds),
        start=begun / whole if whole else 0.0,
        share=change.seconds / whole if whole else 0.0,
        steps=_steps(change),
    )


def _began(begun: float) -> str:
    return f"after {duration(begun)}" if begun >= INSTANT else "at once"


def _steps(change: ChangeReceipt) -> tuple[StepRan, ...]:
    return tuple(StepRan(in_one_line(each.step), duration(each.seconds)) for each in change.steps)
