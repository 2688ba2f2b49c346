"""What a plan of several settings, or of several nodes, adds to what is planned of each alone."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.redis_setting.declare import LAST
from reconciler.kinds.redis_setting.steps import TOGETHER
from reconciler.model import Change, Outcome, RedisStep, Target

NAMED = 2
"""So many settings that are set by the same command are named; of more, the number."""

EVERYTHING_ELSE, PASSWORD = 0, 1
"""Phases of a cluster: every node knows what to log in with elsewhere (masterauth) before any of them demands it."""


def sequenced(outcomes: Sequence[Outcome], target: Target) -> list[Outcome]:
    """The outcomes of one server, with phases where it is one node of several, and with what is set at once. Pure."""
    at_once = [outcome.address.name for outcome in outcomes if isinstance(outcome, Change) and _at_once(outcome)]
    found: list[Outcome] = []
    for outcome in outcomes:
        if isinstance(outcome, Change):
            others = [name for name in at_once if name != outcome.address.name] if _at_once(outcome) else []
            named = ", ".join(others) if len(others) <= NAMED else f"{len(others)} other settings"
            notes = [f"in one command with {named}"] if others else []
            is_password = outcome.address.name == LAST
            is_node = bool(target.node_of or target.replicas)
            outcome = outcome.model_copy(
                update={
                    "notes": (*outcome.notes, *notes),
                    "phase": PASSWORD if is_password and is_node else EVERYTHING_ELSE,
                }
            )
        found.append(outcome)
    return found


def _at_once(change: Change) -> bool:
    return any(isinstance(step, RedisStep) and step.together == TOGETHER for step in change.steps)
