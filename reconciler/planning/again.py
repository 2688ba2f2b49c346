"""Plans one change again, at the moment of its apply: is it still the same, is it already made, or is it stale?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from deepdiff import DeepDiff
from pydantic import JsonValue, TypeAdapter

from reconciler.errors import PlanFileError
from reconciler.kind import Measures
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Change, Fact, Notice, Observed, Outcome, Resource, SqlStep
from reconciler.planning.fingerprint import fingerprint
from reconciler.targets.session import Session


class Verdict(Enum):
    """How a planned change stands to the live system of this moment."""

    AS_PLANNED = auto()
    ALREADY_MADE = auto()
    STALE = auto()
    FORBIDDEN = auto()
    """As planned, but this role may not run it."""


class Judgement(NamedTuple):
    """`message` says what is different, or what is in the way; for ALREADY_MADE what is still to be known."""

    verdict: Verdict
    message: str


def resource_of(change: Change) -> Resource:
    """The resource as it was declared when the change was planned. Raises PlanFileError."""
    kind = BY_NAME.get(change.address.kind)
    if kind is None:
        raise PlanFileError(f"{change.address}: this version of reconciler knows no kind {change.address.kind}")
    try:
        resource: Resource = TypeAdapter(kind.resource).validate_python(dict(change.desired))
    except ValueError as error:
        raise PlanFileError(f"{change.address}: its declared resource cannot be read: {error}") from None
    return resource


class Look(NamedTuple):
    """What a live system shows of one resource at this moment, and what a plan of this moment would hold of it."""

    observed: Observed | None
    outcomes: Sequence[Outcome]


def look(session: Session, resource: Resource) -> Look:
    """Observes one resource, and plans it. Raises TargetError."""
    kind = BY_NAME[resource.address.kind]
    observed = kind.observe(session, [resource]).get(resource.address)
    return Look(observed, list(kind.plan(resource, observed)))


def measured(change: Change, observed: Observed | None) -> list[Fact]:
    """What an observation after `change` says of its estimates; nothing where its kind measures nothing."""
    kind = BY_NAME[change.address.kind]
    return list(kind.measured(observed)) if observed is not None and isinstance(kind, Measures) else []


def would_run(now: Sequence[Outcome], address: Address, statements: tuple[str, ...]) -> bool:
    """Whether a plan of this moment has, for `address`, a step of exactly these statements."""
    changes = [outcome for outcome in now if isinstance(outcome, Change) and outcome.address == address]
    return any(isinstance(step, SqlStep) and step.statements == statements for one in changes for step in one.steps)


def judge(planned: Change, now: Sequence[Outcome]) -> Judgement:
    """Compares a planned change with the outcomes of this moment."""
    changes = [outcome for outcome in now if isinstance(outcome, Change) and outcome.address == planned.address]
    notices = [outcome for outcome in now if isinstance(outcome, Notice)]
    said = "; ".join(notice.message for notice in notices)
    if not changes:
        stands_in_the_way = {"blocked", "not-visible", "being-built"}
        if any(notice.type in stands_in_the_way for notice in notices):
            return Judgement(Verdict.STALE, said)
        return Judgement(Verdict.ALREADY_MADE, said)
    [change] = changes
    if fingerprint(change) == planned.fingerprint:
        return Judgement(Verdict.FORBIDDEN if change.forbidden else Verdict.AS_PLANNED, change.forbidden)
    return Judgement(Verdict.STALE, differences(planned, change))


def differences(planned: Change, now: Change) -> str:
    """In words, what has changed since the plan was made."""
    if (planned.before is None) != (now.before is None):
        return "it did not exist when the plan was made" if planned.before is None else "it is gone since"
    said = _differences(planned.before or {}, now.before or {})
    if planned.action is not now.action:
        said.append(f"to {planned.action} it was planned, and by now it would be to {now.action} it")
    known = {hazard.type for step in planned.steps for hazard in step.hazards}
    new = [hazard for step in now.steps for hazard in step.hazards if hazard.type not in known]
    said += [f"a hazard nobody has reviewed came up, {hazard.type}: {hazard.message}" for hazard in new]
    said = said or [f"of what it is to become, {line}" for line in _differences(planned.after or {}, now.after or {})]
    if not said:
        said.append("other steps are needed by now")
    return "; ".join(said)


def _differences(planned: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> list[str]:
    found = DeepDiff(dict(planned), dict(now), ignore_order=False, view="tree", verbose_level=1)
    lines = []
    for items in found.values():
        for item in items:
            path = ".".join(str(part) for part in item.path(output_format="list"))
            lines.append(f"{path} was {_shown(item.t1)} in the plan and is {_shown(item.t2)} now")
    return sorted(lines)


def _shown(value: object) -> str:
    return "not there" if repr(value) == "not present" else str(value)
