"""Plans one change again, at the moment of its apply: is it still the same, is it already made, or is it stale?

Decided: docs/decisions.md#undo-that-was-unseen, docs/decisions.md#settings-judged-beside-others
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cache
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter

from reconciler.documents.change_fingerprint import fingerprint, parts
from reconciler.errors import PlanFileError
from reconciler.kind import LeansOnOthers, Sequences
from reconciler.kind.applying import Followed, Follows, Measures
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Address,
    Change,
    Fact,
    Notice,
    NoticeType,
    Observed,
    Outcome,
    Resource,
    SqlStep,
    Step,
    Verdict,
)
from reconciler.targets.session import Session
from reconciler.verdicts import of_outcome


class Standing(Enum):
    """How a planned change stands to the live system of this moment."""

    AS_PLANNED = auto()
    ALREADY_MADE = auto()
    STALE = auto()
    FORBIDDEN = auto()
    """As planned, but this role may not run it."""


class Judgement(NamedTuple):
    """`message` says what is different, or what is in the way; for ALREADY_MADE what is still to be known.

    steps  what is to run, where it is as planned: all steps of the plan, or what still fits of them, by
           `kind.applying.Follows`.
    undo   of AS_PLANNED, how it is undone should it fail; made anew where the plan's role could not see how.
    """

    standing: Standing
    message: str
    steps: Sequence[Step] = ()
    undo: tuple[Step, ...] = ()


def resource_of(change: Change) -> Resource:
    """The resource as it was declared when the change was planned. Raises PlanFileError, also where that is another
    resource than the change is said to be of."""
    kind = BY_NAME.get(change.address.kind)
    if kind is None:
        raise PlanFileError(f"{change.address}: this version of reconciler knows no kind {change.address.kind}")
    try:
        resource: Resource = _reader(change.address.kind).validate_python(dict(change.desired))
    except ValueError as error:
        raise PlanFileError(f"{change.address}: its declared resource cannot be read: {error}") from None
    if resource.address != change.address or resource.own_name != resource.address.name:
        raise PlanFileError(
            f"the plan contradicts itself: the change of {change.address} is made from what is declared of "
            f"{resource.address._replace(name=resource.own_name)}",
            hint="make a new plan",
        )
    return resource


@cache
def _reader(kind: str) -> TypeAdapter[Resource]:
    """What reads the resources of a kind: made once, since a fleet has thousands of changes."""
    return TypeAdapter(BY_NAME[kind].resource)


class Look(NamedTuple):
    """What a live system shows of one resource at this moment, and what a plan of this moment would hold of it."""

    observed: Observed | None
    outcomes: Sequence[Outcome]


def look(session: Session, resource: Resource) -> Look:
    """Observes one resource, and plans it. Raises TargetError."""
    return looks(session, [resource])[resource.address]


def looks(session: Session, resources: Sequence[Resource]) -> dict[Address, Look]:
    """Observes resources of one kind, all at once, and plans each of them. Raises TargetError."""
    kind = BY_NAME[resources[0].address.kind]
    observed = kind.observe(session, resources)
    found: dict[Address, Look] = {}
    for resource in resources:
        seen = observed.get(resource.address)
        outcomes = kind.plan(resource, seen)
        if isinstance(kind, Sequences):
            outcomes = kind.sequenced(outcomes, session.target, session.info)
        found[resource.address] = Look(seen, list(outcomes))
    return found


def no_longer_beside(session: Session, change: Change, planned: Mapping[Address, Resource]) -> str:
    """What of that which `change` was judged by neither is so any more nor is made by another change, which is made or
    still to come (`planned`, with what those declare): a sentence, empty where there is none, and where it would be
    judged the same without. Raises TargetError."""
    kind = BY_NAME[change.address.kind]
    if not isinstance(kind, LeansOnOthers):
        return ""
    resource = resource_of(change)
    others = [
        each
        for each in kind.leans_on(resource)
        if each.address not in planned or planned[each.address].declaration() != each.declaration()
    ]
    observed = kind.observe(session, others) if others else {}
    changed = [
        each.address
        for each in others
        if any(isinstance(outcome, Change) for outcome in kind.plan(each, observed.get(each.address)))
    ]
    alone = kind.without(resource, changed) if changed else resource
    if alone is not None and (not changed or judged(session, alone) == judged(session, resource)):
        return ""
    return f"it was planned beside {', '.join(each.name for each in changed)}, which is another by now"


def judged(session: Session, resource: Resource) -> list[dict[str, JsonValue]]:
    """All that a plan of this moment says of `resource`, but what it carries along, and how a number was arrived at."""
    said = {"desired", "notes", "reason", "evidence"}
    return [outcome.model_dump(mode="json", exclude=said) for outcome in look(session, resource).outcomes]


def measured(change: Change, observed: Observed | None) -> list[Fact]:
    """What an observation after `change` says of its estimates; nothing where its kind measures nothing."""
    kind = BY_NAME[change.address.kind]
    return list(kind.measured(observed)) if observed is not None and isinstance(kind, Measures) else []


def would_run(now: Sequence[Outcome], address: Address, statements: tuple[str, ...]) -> bool:
    """Whether a plan of this moment has, for `address`, a step of exactly these statements."""
    changes = [outcome for outcome in now if isinstance(outcome, Change) and outcome.address == address]
    return any(isinstance(step, SqlStep) and step.statements == statements for one in changes for step in one.steps)


_IN_THE_WAY = (Verdict.BLOCKED, Verdict.NOT_VISIBLE)


def judge(planned: Change, found: Look) -> Judgement:
    """Compares a planned change with what is seen, and would be planned, at this moment."""
    now = found.outcomes
    changes = [outcome for outcome in now if isinstance(outcome, Change) and outcome.address == planned.address]
    notices = [outcome for outcome in now if isinstance(outcome, Notice)]
    # Notes are for whoever reviews; what is declared beside, which some are about, is not seen here.
    said = "; ".join(notice.message for notice in notices if notice.type is not NoticeType.NOTE)
    if not changes:
        if any(of_outcome(notice) in _IN_THE_WAY for notice in notices):
            return Judgement(Standing.STALE, said)
        return Judgement(Standing.ALREADY_MADE, said)
    [change] = changes
    undo = change.undo
    if planned.undo_unseen and not planned.undo:
        # It was planned by a role that saw less, or somebody says so: what brings back what is there now is known here.
        change = change.model_copy(update={"undo": (), "undo_unseen": True})
    # The file's own fingerprint counts as well: it is over keys, too, that a later version knows and this one ignores.
    same = parts(change) == parts(planned) and planned.fingerprint in ("", fingerprint(change))
    # What reviewers read is not in the fingerprint, since the steps bring it about: it has to be what they do.
    if same and (change.after, change.summary) == (planned.after, planned.summary):
        standing = Standing.FORBIDDEN if change.forbidden else Standing.AS_PLANNED
        return Judgement(standing, change.forbidden, planned.steps, undo)
    still = None if same else _followed(planned, change, found.observed)
    if still is None:
        return Judgement(Standing.STALE, differences(planned, change))
    if still.forbidden:
        return Judgement(Standing.FORBIDDEN, still.forbidden)
    return Judgement(Standing.AS_PLANNED, "", still.steps, undo)


def _followed(planned: Change, now: Change, observed: Observed | None) -> Followed | None:
    """What is to run, where only parts of the change came or went since."""
    kind = BY_NAME[planned.address.kind]
    if not isinstance(kind, Follows) or observed is None or planned.fingerprint not in ("", fingerprint(planned)):
        return None
    then, theirs = parts(planned), parts(now)
    if any(then[part] != theirs[part] for part in then.keys() - {"steps", "inverse"}):
        return None
    return kind.followed(planned, now, observed)


def once_more(made: Change, found: Look) -> Sequence[Step] | None:
    """Steps of `made` that have to run once more, since a part went that they were held up by; None where a plan of
    this moment has others before those that need all parts."""
    kind = BY_NAME[made.address.kind]
    changes = [outcome for outcome in found.outcomes if isinstance(outcome, Change) and outcome.address == made.address]
    return kind.once_more(made, changes[0]) if isinstance(kind, Follows) and len(changes) == 1 else []


def left_over(made: Change, found: Look) -> Sequence[str]:
    """Names of the parts that came while `made` waited or ran, where only for them something is still to be done."""
    kind = BY_NAME[made.address.kind]
    changes = [outcome for outcome in found.outcomes if isinstance(outcome, Change) and outcome.address == made.address]
    if not isinstance(kind, Follows) or found.observed is None or len(changes) != 1:
        return []
    return kind.left_over(made, changes[0], found.observed)


def went(made: Change, observed: Observed | None) -> Sequence[str]:
    """Names of the parts that steps of `made` are for, and that are gone."""
    kind = BY_NAME[made.address.kind]
    return kind.went(made, observed) if isinstance(kind, Follows) and observed is not None else []


OTHERWISE: Mapping[str, str] = {
    "steps": "other steps are needed by now",
    "undo": "it would be undone by other steps than the plan has",
    "undo_unseen": "it would be undone by other steps than the plan has",
    "new_partitions": "for partitions that come meanwhile it would do something else than the plan has",
    "inverse": "it would be brought back by other steps than the plan has",
    "lane": "its place in the order is another than the plan has",
    "phase": "its place in the order is another than the plan has",
    "sensitive": "other values are withheld than in the plan",
    "desired": "what the plan carries along with it is read otherwise by now",
}
"""What is said where only this part of a change is another: the plan was altered, or made in other circumstances."""


def differences(planned: Change, now: Change) -> str:
    """In words, what has changed since the plan was made."""
    if (planned.before is None) != (now.before is None):
        return "it did not exist when the plan was made" if planned.before is None else "it is gone since"
    said = differences_between(planned.before or {}, now.before or {})
    if planned.action is not now.action:
        said.append(f"to {planned.action} it was planned, and by now it would be to {now.action} it")
    known = {hazard.type for step in planned.steps for hazard in step.hazards}
    new = [hazard for step in now.steps for hazard in step.hazards if hazard.type not in known]
    said += [f"a hazard nobody has reviewed came up, {hazard.type}: {hazard.message}" for hazard in new]
    said = said or [
        f"of what it is to become, {line}" for line in differences_between(planned.after or {}, now.after or {})
    ]
    if not said:
        ours, theirs = parts(now), parts(planned)
        said = list(dict.fromkeys(words for part, words in OTHERWISE.items() if ours[part] != theirs[part]))
    if not said and planned.summary != now.summary:
        said = [f"it is said to be {planned.summary or 'nothing'}, and is {now.summary or 'nothing'}"]
    return "; ".join(said) or OTHERWISE["steps"]


def differences_between(planned: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> list[str]:
    """In words, what `now` has otherwise than `planned`, in the order of the words."""
    from deepdiff import DeepDiff  # which a plan does not need

    found = DeepDiff(dict(planned), dict(now), ignore_order=False, view="tree", verbose_level=1)
    lines = []
    for items in found.values():
        for item in items:
            path = ".".join(str(part) for part in item.path(output_format="list"))
            lines.append(f"{path} was {_shown(item.t1)} in the plan and is {_shown(item.t2)} now")
    return sorted(lines)


def _shown(value: object) -> str:
    from deepdiff.helper import NotPresent

    return "not there" if isinstance(value, NotPresent) else str(value)
