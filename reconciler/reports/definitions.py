"""What a resource that comes or goes is, whole, in one line: what a reviewer would otherwise look for in the steps."""

from __future__ import annotations

from reconciler.model import Action, Change, SqlStep
from reconciler.reports.characters import visible
from reconciler.reports.steps import in_one_line, to_undo


def definition(change: Change) -> str:
    """The statement that builds what is to come, or that would bring back what goes; where neither is SQL, its state
    without what is secret. Empty where its summary says it all."""
    if change.action is Action.DELETE:
        return to_undo(change) or _state(change.before, change.sensitive)
    if change.action not in (Action.CREATE, Action.REPLACE):
        return ""
    built = next((step for step in change.steps if isinstance(step, SqlStep)), None)
    if built:
        return in_one_line(built)
    return _state(change.after, change.sensitive) if change.action is Action.CREATE else ""


def _state(state: object, sensitive: tuple[str, ...]) -> str:
    if not isinstance(state, dict):
        return ""
    return visible("; ".join(f"{name}: {_value(value)}" for name, value in state.items() if name not in sensitive))


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
