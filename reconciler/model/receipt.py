"""What an apply did."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from reconciler.model.address import Address
from reconciler.model.approval import Approver
from reconciler.model.base import Frozen
from reconciler.model.change import SENSITIVE, Action, Fact
from reconciler.model.partial import Partial
from reconciler.model.rolls_back import RollsBack
from reconciler.model.step import Step
from reconciler.model.target import TargetInfo
from reconciler.model.verdict import Verdict


class Applied(StrEnum):
    """What became of one change in an apply."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    """Already as wanted: nothing ran."""
    STALE = "stale"
    """The subject is no longer as planned, or the plan is not what would be planned of it: nothing ran."""
    INCOMPLETE = "incomplete"
    """What the plan says of it was done, and does not suffice: a partition came that the plan does not know."""
    SUPERSEDED = "superseded"
    """The YAML no longer declares what it brings about: nothing ran."""
    HELD = "held"
    """A policy is against it at this moment: no window is open, or it would not end in time: nothing ran."""
    FAILED = "failed"
    NOT_RUN = "not-run"
    """An earlier change of the same lane failed, or the apply was interrupted."""


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class StepReceipt(Frozen):
    """One step that ran. `seconds` is wall time."""

    step: Step
    seconds: Seconds


class ChangeReceipt(Frozen):
    """What became of one change: with `before`, and with what ran, enough to work out how to undo it, but for secrets.

    before     the state that it was planned from, and found where something ran; as in `Change`.
    after      the state that was promised, and seen where it is applied; as in `Change`.
    sensitive  keys of before and after whose values are withheld; as in `Change`.
    inverse    what would bring back what it took away; as in `Change`.
    message    says why, where it is not plainly applied.
    steps      what ran to its end, in order, verbatim; an undo that apply ran by itself is among it.
    started_at when work on it began; None where it never did, and in receipts of versions that did not tell.
    evidence   what was measured afterwards, under the names that the plan estimated it by.
    waits      the message is about a restart that it waited for when it was made; written nowhere, since a restart
               later on may have come.
    """

    address: Address
    action: Action
    before: Mapping[str, JsonValue] | None
    after: Mapping[str, JsonValue] | None
    sensitive: tuple[str, ...] = ()
    inverse: tuple[Step, ...] = ()
    result: Applied
    message: str = ""
    steps: tuple[StepReceipt, ...] = ()
    started_at: AwareDatetime | None = None
    seconds: Seconds = 0.0
    evidence: tuple[Fact, ...] = ()
    waits: bool = Field(default=False, exclude=True)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Keys of `before` whose values are secrets: whoever undoes the change has to know them from elsewhere."""
        return tuple(key for key in self.sensitive if (self.before or {}).get(key) == SENSITIVE)


class Unlooked(Frozen):
    """What could not be looked at again after an apply, and why."""

    address: Address
    why: str


class Commits(Frozen):
    """Which commits of a repository an apply was of, in hex; empty: not known.

    commit  that the YAML was of when the plan was applied.
    plan    that it was of when the plan was made.
    """

    commit: str = ""
    plan: str = ""


class Receipt(Frozen):
    """What an apply did.

    `targets` are the systems that its changes are of, as the plan saw them.
    `unseen` are the declared targets that could not be read when the plan was made: nothing of them was applied.
    `partial` is what the plan was narrowed to: of the rest the receipt says nothing.
    `remaining` are the addresses that a new plan, made afterwards, still wants to change; `waiting` those that are
    changed and wait for a restart; `unlooked` those of which no new plan could be made. `blocked` and `half_way` are
    those that the plan had no step for: what no step can mend, and what only runs or is only persisted; `beside`
    what the plan could not see, or told of what nobody declared, which fails no apply. `verdict` is what is left of all
    that, `succeeded` whether `apply` ends with 0: never before a new plan has looked at what was made. `notes` say what
    was left out or done otherwise than asked: what could not be rehearsed, fewer builds at once. `approved_by` are
    those whose approvals counted, and `outside_window` is why it was applied while no window was open. `rolls_back` is
    what it undid, where its plan was one of `rollback`.
    """

    reconciler_version: str
    plan_digest: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    changes: tuple[ChangeReceipt, ...]
    targets: Mapping[str, TargetInfo] = {}
    git: Commits = Commits()
    rolls_back: RollsBack | None = None
    unseen: tuple[str, ...] = ()
    partial: Partial | None = None
    remaining: tuple[Address, ...] = ()
    waiting: tuple[Address, ...] = ()
    unlooked: tuple[Unlooked, ...] = ()
    blocked: tuple[Address, ...] = ()
    half_way: tuple[Address, ...] = ()
    beside: Verdict = Verdict.IN_SYNC
    verdict: Verdict
    succeeded: bool
    notes: tuple[str, ...] = ()
    approved_by: tuple[Approver, ...] = ()
    outside_window: str = ""
