"""Changes whose steps are one command: CONFIG SET of several pairs, which Redis 7.0 and later sets all or none of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reconciler.model import Change, RedisStep, Step


def batches(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in order, neighbours that are sent as one in one batch, every other in one of its own."""
    found: list[list[Change]] = []
    for word, grouped in groupby(changes, key=_word):
        group = list(grouped)
        found += [group] if word else [[change] for change in group]
    return found


def merged(changes: Sequence[Change]) -> tuple[Step, ...]:
    """The steps of a batch: the first of each change as one command, and what comes behind once."""
    first, *behind = changes[0].steps
    assert isinstance(first, RedisStep)  # noqa: S101 - else it would be alone in its batch
    verb = len(first.together.split())
    arguments = [argument for change in changes for argument in change.steps[0].command[verb:]]  # type: ignore[union-attr]
    hazards = tuple(hazard for change in changes for hazard in change.steps[0].hazards)
    return (first.model_copy(update={"command": (*first.command[:verb], *arguments), "hazards": hazards}), *behind)


def _word(change: Change) -> str:
    """The command that it shares, with what comes behind; empty where it shares none."""
    first, *behind = change.steps
    return f"{first.together} {behind}" if isinstance(first, RedisStep) and first.together else ""
