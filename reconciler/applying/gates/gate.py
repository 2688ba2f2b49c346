"""What gates look at, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.errors import ApplyError, DesiredError, PlanFileError
from reconciler.model import (
    NO_POLICY,
    Address,
    Applied,
    Change,
    FoundApprovals,
    HazardType,
    Headroom,
    IgnoreRule,
    Plan,
    Policy,
    Resource,
    SecretRef,
    Target,
    TargetInfo,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What whoever runs apply says.

    digest              of the plan that was reviewed; empty: not said.
    max_age             how old a saved plan may be; None: not said.
    attended            somebody sits at a terminal, and is asked.
    allowed             hazards, by name.
    allowed_superseded  changes that are made although the YAML no longer declares them so.
    saved               a saved plan is applied.
    require_approvals   how many have to approve it, whatever policies say; 0: not said.
    not_by              whose approvals do not count: the authors.
    policy              of whoever runs it, for all targets.
    outside_window      why it is applied while no window is open; empty: not said.
    """

    digest: str = ""
    max_age: timedelta | None = None
    attended: bool = False
    allowed: Collection[HazardType] = ()
    allowed_superseded: Collection[Address] = ()
    saved: bool = False
    require_approvals: int = 0
    not_by: Collection[str] = ()
    policy: Policy = NO_POLICY
    outside_window: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is in the way, and what to do about it.

    error    nothing runs, and apply ends with it. None: `changes` get the `result`, and all others are made. Either way
             the exit code is 1.
    changes  those that it is about; empty: all of them.
    """

    reason: str
    hint: str
    error: type[PlanFileError | ApplyError] | None
    changes: tuple[Address, ...] = ()
    result: Applied = Applied.NOT_RUN

    def __str__(self) -> str:
        return f"{self.reason}\n  {self.hint}" if self.hint else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read by the moment at which a gate is asked (`registry.Moment`).

    targets    as declared, by name; `resources` what is declared of them, None where that is not at hand.
    ignore     the rules by which differences are ignored.
    nodes      all nodes of the targets that the plan changes, by name.
    unresolved secrets that the plan needs and that cannot be had, with the reason.
    approvals  what lies beside a saved plan; None: nobody has said whose count.
    infos      what the systems say of themselves that there is a session to, by the name of the node.
    logins     who logged in to a PostgreSQL among them, by the same name.
    headrooms  how much the servers bear at this moment, by the name of the node: those of which a policy bounds it.
    refused    what gates that were asked before refuse of single changes.
    """

    plan: Plan
    options: Options
    now: datetime
    targets: Mapping[str, Target] = field(default_factory=dict)
    resources: Collection[Resource] | None = None
    ignore: Sequence[IgnoreRule] = ()
    nodes: Mapping[str, Target] = field(default_factory=dict)
    unresolved: Mapping[SecretRef, DesiredError] = field(default_factory=dict)
    approvals: FoundApprovals | None = None
    infos: Mapping[str, TargetInfo] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)
    headrooms: Mapping[str, Headroom] = field(default_factory=dict)
    refused: Mapping[Address, Refusal] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """The changes of the plan that no gate has refused."""
        return [change for change in self.plan.changes if change.address not in self.refused]

    def without(self, refusal: Refusal) -> Facts:
        """The same, once the changes that `refusal` is about are refused."""
        about = refusal.changes or [change.address for change in self.plan.changes]
        return replace(self, refused={**self.refused, **dict.fromkeys(about, refusal)})


Gate = Callable[[Facts], Iterable[Refusal]]
"""Pure: no clock, no I/O, nothing is written. Nothing refused: the way is free."""
