"""What the YAML may say of a policy, of a target or in the file of whoever runs the tool."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter, WithJsonSchema, model_validator

from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME
from reconciler.model import (
    ApprovalsNeeded,
    AtMost,
    Bounds,
    Frozen,
    HazardType,
    Overrun,
    Policy,
    Window,
    WindowRule,
)
from reconciler.windows import expect_cron, expect_zone
from reconciler.yaml.verbatim_text import Text

LONGEST_WINDOW = timedelta(days=92)
"""A freeze of a quarter; anything longer is no window."""

MOST_APPROVALS = 100


def _duration(value: object) -> timedelta:
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*([a-z]+)\s*", value) if isinstance(value, str) else None
    if not found or found[2] not in POSTGRES_TIME:
        raise ValueError("expected a duration, like 6h, 90min or 30s")
    try:
        span = timedelta(microseconds=int(found[1]) * POSTGRES_TIME[found[2]])
    except OverflowError:
        raise ValueError("this is longer than can be counted") from None
    if not span:
        raise ValueError("expected more than nothing")
    return span


def _memory(value: object) -> int:
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*([A-Za-z]+)\s*", value) if isinstance(value, str) else None
    if not found or found[2] not in POSTGRES_MEMORY:
        raise ValueError("expected an amount with its unit, like 64MB or 10GB")
    return int(found[1]) * POSTGRES_MEMORY[found[2]]


def _lag(value: object) -> int | timedelta:
    unit = value.strip(" 0123456789") if isinstance(value, str) else ""
    if unit in POSTGRES_MEMORY:
        return _memory(value)
    if unit in POSTGRES_TIME:
        return _duration(value)
    raise ValueError("expected an amount of WAL or a duration, like 64MB or 30s")


def _lasts(value: object) -> timedelta:
    span = _duration(value)
    if not timedelta(minutes=1) <= span <= LONGEST_WINDOW:
        raise ValueError(f"a window lasts from 1min to {LONGEST_WINDOW.days}d")
    return span


def _count(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,3}", value) or int(value) > MOST_APPROVALS:
        raise ValueError(f"expected a number up to {MOST_APPROVALS}")
    return int(value)


def _cron(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError('expected a cron expression, like "0 22 * * *"')
    expect_cron(value)
    return value


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected the name of a time zone, like Europe/Berlin or UTC")
    expect_zone(value)
    return value


_TEXT = WithJsonSchema({"type": "string"})
Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str), _TEXT]
Memory = Annotated[int, BeforeValidator(_memory, json_schema_input_type=str), _TEXT]
Lag = Annotated[int | timedelta, BeforeValidator(_lag, json_schema_input_type=str), _TEXT]
Lasts = Annotated[timedelta, BeforeValidator(_lasts, json_schema_input_type=str), _TEXT]
Cron = Annotated[str, BeforeValidator(_cron, json_schema_input_type=str), _TEXT]
Zone = Annotated[str, BeforeValidator(_zone, json_schema_input_type=str), _TEXT]
Count = Annotated[
    int, BeforeValidator(_count, json_schema_input_type=str), WithJsonSchema({"type": ["string", "integer"]})
]


class ApprovalsSection(Frozen):
    """How many people have to approve a plan."""

    required: Count = Field(default=0, description="In any case.")
    for_: dict[HazardType, Count] = Field(
        default={}, alias="for", description="Where the plan has changes with a hazard: {index-drop: 3}."
    )


Approvals = Annotated[
    Annotated[Count, Tag("count")] | Annotated[ApprovalsSection, Tag("section")],
    Discriminator(lambda value: "section" if isinstance(value, dict | ApprovalsSection) else "count"),
]


class WindowSection(Frozen):
    """When changes may be made (`allow`), or may not (`deny`)."""

    allow: Cron | None = Field(default=None, description='When it begins, as cron says it: "0 22 * * *".')
    deny: Cron | None = Field(default=None, description="The same of a window in which nothing is changed.")
    for_: Lasts = Field(alias="for", description="How long it lasts from there: 6h.")
    zone: Zone = Field(description="The time zone of its clock: Europe/Berlin, UTC.")
    overrun: Literal["finish", "stop"] = Field(
        default="finish",
        description="What becomes of a change that still runs when this closes, or begins to deny: it ends, or is "
        "cancelled.",
    )
    reason: Text = Field(default="", description="Why, for whoever is kept waiting.")

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.allow is None) == (self.deny is None):
            raise ValueError("a window has either allow or deny, with when it begins")
        return self

    @property
    def window(self) -> Window:
        """What it comes to."""
        return Window(
            rule=WindowRule.ALLOW if self.allow is not None else WindowRule.DENY,
            cron=self.allow if self.allow is not None else self.deny or "",
            lasts=self.for_, zone=self.zone, overrun=Overrun(self.overrun), reason=self.reason,
        )  # fmt: skip


class AtMostSection(Frozen):
    """What one apply does on a target at most."""

    builds: Count | None = Field(default=None, description="So many builds of indexes.")
    build_time: Duration | None = Field(default=None, description="So much time for all builds: 2h.")


class BoundsSection(Frozen):
    """How a PostgreSQL has to stand for a build or a restart to begin. What cannot be seen of it holds them, too."""

    replica_lag: Lag | None = Field(
        default=None, description="How far each replica that is connected may be behind at most: 64MB of WAL, or 30s."
    )
    wal: Memory | None = Field(default=None, description="How much WAL the server keeps at most: 20GB.")
    free_disk: Memory | None = Field(
        default=None, description="How much is free at least on each disk that holds the server's data: 10GB."
    )


class PolicySection(Frozen):
    """What may be applied, by whose leave and when."""

    deny: list[HazardType] = Field(default=[], description="Hazards that nobody can allow.")
    approvals: Approvals = Field(
        default=0, description="How many people have to approve a plan: 2, or {required: 2, for: {index-drop: 3}}."
    )
    windows: list[WindowSection] = Field(
        default=[],
        description="When changes are made. None: always; any that allows: closed outside of those; deny wins.",
    )
    outside_window: Literal["with-reason", "never"] = Field(
        default="with-reason", description="Whether apply --outside-window REASON goes past windows that allow."
    )
    without_estimate: Literal["hold", "run"] = Field(
        default="hold",
        description="What becomes of a build of which nobody can say how long it takes, where time is bounded.",
    )
    at_most: AtMostSection = Field(default=AtMostSection(), description="What one apply does on a target at most.")
    bounds: BoundsSection = Field(
        default=BoundsSection(), description="How the server has to stand for a build or a restart to begin."
    )

    def policy(self, at: str) -> Policy:
        """What it comes to, declared at `at`."""
        wanted = self.approvals
        return Policy(
            deny=tuple(self.deny),
            approvals=ApprovalsNeeded(required=wanted)
            if isinstance(wanted, int)
            else ApprovalsNeeded(required=wanted.required, by_hazard=wanted.for_),
            windows=tuple(each.window for each in self.windows),
            outside_window=self.outside_window == "with-reason",
            without_estimate=self.without_estimate == "run",
            at_most=AtMost(builds=self.at_most.builds, build_time=self.at_most.build_time),
            bounds=Bounds(replica_lag=self.bounds.replica_lag, wal=self.bounds.wal, free_disk=self.bounds.free_disk),
            declared_at=at,
        )


POLICY: TypeAdapter[PolicySection] = TypeAdapter(PolicySection)
