"""What an apply tells while it runs: one stream of events, for whoever shows, records, logs or counts them.

In this order: `Planned`, `Started` of a change, its steps, `Finished` of it, and `Done`; changes of different lanes run
side by side. An apply that is refused, or loses a target before anything ran, ends without `Done`. No secret is in any.

Decided: docs/decisions.md#events-of-an-apply
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model import step as steps
from reconciler.model.address import Address
from reconciler.model.base import Frozen
from reconciler.model.blocking_session import Blocker
from reconciler.model.change import Action
from reconciler.model.receipt import ChangeReceipt
from reconciler.model.verdict import Verdict


class StepState(StrEnum):
    """Where a step stands."""

    BEGAN = "began"
    ENDED = "ended"
    FAILED = "failed"


class Purpose(StrEnum):
    """What a step runs for."""

    CHANGE = "change"
    CLEAN_UP = "clean-up"
    """It takes away what a failed step has left behind (`SqlStep.on_failure`)."""
    UNDO = "undo"
    """It takes back a change that did not come true (`Change.undo`)."""


class _Event(Frozen):
    """`at`: when, in UTC."""

    at: datetime


class PlannedChange(Frozen):
    """What is to be done to one resource."""

    address: Address
    action: Action


class Planned(_Event):
    """A plan was accepted; nothing has run. `changes` in its order."""

    type: Literal["planned"] = "planned"
    plan_digest: str
    changes: tuple[PlannedChange, ...]


class Started(_Event):
    """Work on a change begins: it is observed again, and then run where it is as planned."""

    type: Literal["started"] = "started"
    address: Address
    action: Action


class Step(_Event):
    """One step of a change began, or came to its end.

    together   the other changes whose steps are sent as this one.
    number     from 1, `of` so many that are to run; a part that goes meanwhile may begin the count anew.
    seconds    wall time, attempts included; of one that began: 0.
    message    of one that failed: why.
    """

    type: Literal["step"] = "step"
    address: Address
    together: tuple[Address, ...] = ()
    state: StepState
    purpose: Purpose = Purpose.CHANGE
    number: int
    of: int
    step: steps.Step
    seconds: float = 0.0
    message: str = ""


class _Seen(_Event):
    """A step that takes long.

    phase      what it does, in PostgreSQL's words where those are to be had.
    fraction   of the phase, 0 to 1; None where the server does not say.
    attempt    from 1.
    aloud      worth a line of its own even where nobody watches: what is restarted, what a person is asked to do.
    """

    address: Address
    phase: str
    fraction: float | None = None
    attempt: int = 1
    aloud: bool = False


class Progress(_Seen):
    """How far it is."""

    type: Literal["progress"] = "progress"


class Waiting(_Seen):
    """It waits for `blockers`."""

    type: Literal["waiting"] = "waiting"
    blockers: tuple[Blocker, ...]


class Finished(_Event):
    """A change has come to its end, or will not be made."""

    type: Literal["finished"] = "finished"
    address: Address
    receipt: ChangeReceipt


class Noted(_Event):
    """Something about the apply as a whole: what was not rehearsed, how many builds the server bears."""

    type: Literal["noted"] = "noted"
    target: str
    line: str


class Done(_Event):
    """The apply has come to its end. `remaining`, `waiting`, `verdict` and `succeeded` are those of its receipt."""

    type: Literal["done"] = "done"
    plan_digest: str
    remaining: tuple[Address, ...]
    waiting: tuple[Address, ...]
    verdict: Verdict
    succeeded: bool


Event = Annotated[Planned | Started | Step | Progress | Waiting | Finished | Noted | Done, Field(discriminator="type")]
