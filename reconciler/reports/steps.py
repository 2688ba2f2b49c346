"""Steps in words: what runs, how it runs, and what takes it back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.model import Change, ManualStep, PatroniStep, RedisStep, RestartStep, SqlStep, Step
from reconciler.reports.characters import visible
from reconciler.reports.redis_cli import redis_step

USUAL_TIMEOUTS = (SqlStep.model_fields["lock_timeout"].default, SqlStep.model_fields["statement_timeout"].default)
"""Of a step that is over in an instant."""


class StepRow(NamedTuple):
    """A step as it runs; `line` is all of it in one line, `how` it runs is empty where that is as usual."""

    step: Step
    line: str
    how: str


def step_rows(steps: Sequence[Step]) -> tuple[StepRow, ...]:
    """The steps in the order in which they run."""
    return tuple(StepRow(step, in_one_line(step), _how(step)) for step in steps)


def in_one_line(step: Step) -> str:
    """A step without its timeouts, for where only its statements matter."""
    if isinstance(step, ManualStep):
        return f"by hand: {visible(step.instruction)}"
    if isinstance(step, RestartStep):
        return visible(f"restart: {step.command}")
    if isinstance(step, PatroniStep):
        return visible(_patroni(step))
    return redis_step(step) if isinstance(step, RedisStep) else "; ".join(map(visible, step.statements))


def on_failure(change: Change) -> list[str]:
    """What an apply runs by itself where a change fails: after a failed step, and where its promise is not kept."""
    steps = [step for step in change.steps if isinstance(step, SqlStep) and step.on_failure]
    cleaning = ["; ".join(map(visible, step.on_failure)) for step in steps]
    undoing = ["; ".join(map(in_one_line, change.undo))] if change.undo else []
    return list(dict.fromkeys([*cleaning, *undoing]))


def to_undo(change: Change) -> str:
    """What would bring back what a change takes away; empty where it takes nothing."""
    return "; ".join(map(in_one_line, change.inverse))


def _how(step: Step) -> str:
    """`lock_timeout 15min`; empty where a step runs as an instant one usually does."""
    if not isinstance(step, SqlStep):
        return ""
    usual = (step.lock_timeout, step.statement_timeout) == USUAL_TIMEOUTS and step.attempts == 1
    return "" if usual and not step.transaction else _timeouts(step)


def _timeouts(step: SqlStep) -> str:
    """`lock_timeout 3s`, and what else is not as usual."""
    parts = ["one transaction"] if step.transaction and len(step.statements) > 1 else []
    parts.append("no lock_timeout" if step.lock_timeout == "0" else f"lock_timeout {step.lock_timeout}")
    if step.statement_timeout != "0":
        parts.append(f"statement_timeout {step.statement_timeout}")
    if step.attempts > 1:
        parts.append(f"up to {step.attempts} tries")
    return visible(", ".join(parts))


def _patroni(step: PatroniStep) -> str:
    """A request to Patroni as its own documentation writes it."""
    if step.restart_for:
        return "POST /restart of each member that waits for one, replicas first"
    return f"PATCH /config {json.dumps({'postgresql': {'parameters': dict(step.parameters)}})}"
