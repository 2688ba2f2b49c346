"""Which changes of a lane are made as one.

Settings of Redis are one CONFIG SET of several pairs, which Redis 7.0 and later sets all or none of. Settings of
PostgreSQL are written one after the other, loaded by one reload and seen in one new session.

Decided: docs/decisions.md#settings-in-one-command, docs/decisions.md#settings-in-one-reload
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from reconciler.errors import PlanFileError
from reconciler.kind import LeansOnOthers
from reconciler.kind.applying import SeenAtOnce
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Change, RedisStep, SqlStep, Step
from reconciler.planning.staleness import resource_of


class Way(Enum):
    """How the changes of a batch are made."""

    ALONE = auto()
    ONE_COMMAND = auto()
    ONE_RELOAD = auto()


def batches(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in order, neighbours that are made as one in one batch, every other in one of its own.

    Of settings of PostgreSQL none is in a batch with one that it leans on: that has to have come true before.
    """
    found: list[list[Change]] = []
    before = ""
    for change in changes:
        word = _word(change)
        if found and word and word == before and not _leans_on(change, found[-1]):
            found[-1].append(change)
        else:
            found.append([change])
        before = word
    return found


def way(change: Change) -> Way:
    """How `change` is made, and those that are in one batch with it."""
    first = next(iter(change.steps), None)
    if isinstance(first, RedisStep) and first.together:
        return Way.ONE_COMMAND
    kind = BY_NAME.get(change.address.kind)
    if first and not isinstance(kind, SeenAtOnce) and all(isinstance(step, SqlStep) for step in change.steps):
        return Way.ONE_RELOAD
    return Way.ALONE


def merged(changes: Sequence[Change]) -> tuple[Step, ...]:
    """The steps of a batch that is one command: the first of each change, and what comes behind once."""
    firsts = [step for change in changes for step in change.steps[:1] if isinstance(step, RedisStep)]
    verb = firsts[0].together.split()
    arguments = [argument for step in firsts for argument in step.command[len(verb) :]]
    hazards = tuple(hazard for step in firsts for hazard in step.hazards)
    command = (*verb, *arguments)
    return (firsts[0].model_copy(update={"command": command, "hazards": hazards}), *changes[0].steps[1:])


def _word(change: Change) -> str:
    """What it has in common with those that it is made with; empty where it is made alone."""
    match way(change):
        case Way.ONE_COMMAND:
            first, *behind = change.steps
            return f"{first.together if isinstance(first, RedisStep) else ''} {behind}"
        case Way.ONE_RELOAD:
            return f"{change.address.target} {change.address.kind}"
    return ""


def _leans_on(change: Change, others: Sequence[Change]) -> bool:
    """Whether a setting of PostgreSQL leans on one of `others`. An altered change, which is refused when it is looked
    at, is in no batch with any."""
    kind = BY_NAME[change.address.kind]
    if way(change) is not Way.ONE_RELOAD:
        return False
    try:
        resource = resource_of(change)
        for other in others:
            resource_of(other)
    except PlanFileError:
        return True
    leans: set[Address] = (
        {each.address for each in kind.leans_on(resource)} if isinstance(kind, LeansOnOthers) else set()
    )
    return not leans.isdisjoint(other.address for other in others)
