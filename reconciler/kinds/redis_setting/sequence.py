"""What a plan of several settings, or of several nodes, adds to what is planned of each alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from reconciler.kinds.redis_setting.declare import LAST
from reconciler.kinds.redis_setting.steps import TOGETHER
from reconciler.kinds.redis_setting.values import meaning
from reconciler.model import Change, HazardType, Outcome, RedisStep, RedisTarget

NAMED = 2
"""So many settings that are set by the same command are named; of more, the number."""

EVERYTHING_ELSE, PASSWORD, OPENING = range(3)
"""Phases. Of a cluster, every node knows what to log in with elsewhere (masterauth) before any of them demands it.
Before a server is reached by more, or its protection ends, everything else is there, a password above all; and where
that fails, it stays closed."""

OPENS = frozenset({"bind", "protected-mode"})
"""Changes of these that are less safe."""


def sequenced(outcomes: Sequence[Outcome], target: RedisTarget) -> list[Outcome]:
    """The outcomes of one server, with phases where it is one node of several. Pure."""
    found: list[Outcome] = []
    for outcome in sorted(outcomes, key=_rank):
        if isinstance(outcome, Change):
            is_password = outcome.address.name == LAST
            is_node = bool(target.node_of or target.replicas)
            outcome = outcome.model_copy(
                update={
                    "phase": OPENING if _opens(outcome) else PASSWORD if is_password and is_node else EVERYTHING_ELSE,
                }
            )
        found.append(outcome)
    return found


def noted(changes: Sequence[Change]) -> list[Change]:
    """The changes of one server, each with those that are set in the same command. Pure."""
    at_once = [each.address.name for each in changes if _at_once(each) and not _opens(each)]
    found = []
    for change in changes:
        others = [name for name in at_once if name != change.address.name] if change.address.name in at_once else []
        named = ", ".join(others) if len(others) <= NAMED else f"{len(others)} other settings"
        notes = [f"in one command with {named}"] if others else []
        found.append(change.model_copy(update={"notes": (*change.notes, *notes)}) if notes else change)
    return found


def _rank(outcome: Outcome) -> int:
    """When a change comes, where not all are one command: at no moment is less kept, or more evicted or refused, than
    both before and after.

    The append-only file is there before snapshots end, and ends after they have begun. A higher limit of memory comes
    before another policy and a lower one after it, so that nothing is evicted on the way to noeviction.
    """
    if not isinstance(outcome, Change):
        return _ANY
    name, now, then = outcome.address.name, _number(outcome.before), _number(outcome.after)
    match name:
        case "appendonly":
            return _FIRST if (outcome.after or {}).get("value") == "yes" else _AFTER_ALL
        case "maxmemory" if not then or 0 < now < then:  # 0 is no limit
            return _EARLIER
        case "maxmemory" if any(step.hazards for step in outcome.steps):  # more is held than that
            return _LATER
        case "min-replicas-to-write" | "min-slaves-to-write":
            return _EARLIER if then < now else _LATER
    return _PASSWORD if name == LAST else _ANY


_FIRST, _EARLIER, _ANY, _LATER, _AFTER_ALL, _PASSWORD = range(6)


def _number(side: Mapping[str, JsonValue] | None) -> int:
    """The value of one side of a change; 0 where it is no number."""
    try:
        means = meaning("maxmemory", str((side or {}).get("value")))
    except ValueError:
        return 0
    return means if isinstance(means, int) else 0


def _opens(change: Change) -> bool:
    risks = {risk.type for step in change.steps for risk in step.hazards}
    return change.address.name in OPENS and HazardType.LESS_SAFE in risks


def _at_once(change: Change) -> bool:
    return any(isinstance(step, RedisStep) and step.together == TOGETHER for step in change.steps)
