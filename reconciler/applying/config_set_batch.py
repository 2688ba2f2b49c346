"""Changes whose steps are one command: CONFIG SET of several pairs, which Redis 7.0 and later sets all or none of.

Decided: docs/decisions.md#settings-in-one-command
"""

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
    firsts = [step for change in changes for step in change.steps[:1] if isinstance(step, RedisStep)]
    verb = firsts[0].together.split()
    arguments = [argument for step in firsts for argument in step.command[len(verb) :]]
    hazards = tuple(hazard for step in firsts for hazard in step.hazards)
    command = (*verb, *arguments)
    return (firsts[0].model_copy(update={"command": command, "hazards": hazards}), *changes[0].steps[1:])


def _word(change: Change) -> str:
    """The command that it shares, with what comes behind; empty where it shares none."""
    if not change.steps:
        return ""  # of an altered plan: it is refused when it is looked at
    first, *behind = change.steps
    return f"{first.together} {behind}" if isinstance(first, RedisStep) and first.together else ""
