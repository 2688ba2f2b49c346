"""When a new value is a risk: conditions that rows of `table.py` name, over a running and a wanted value."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.kinds.redis_setting.values import meaning

Condition = Callable[[str, str, str], bool]
"""Of a parameter, its running value, and the wanted one."""


def Becomes(*words: str, before: str = "", otherwise: bool = False) -> Condition:  # noqa: N802 - reads as a condition
    """It becomes one of `words`, or anything else where `otherwise`; from `before`, where that is given."""
    return lambda name, running, wanted: (
        (_word(name, wanted) in words) is not otherwise and _word(name, running) in (before or _word(name, running),)
    )


def Below(bound: int, *, least: int | None = None, otherwise: bool = False) -> Condition:  # noqa: N802
    """It becomes less than `bound` and no less than `least`; the contrary where `otherwise`."""

    def holds(name: str, running: str, wanted: str) -> bool:
        number = _number(name, wanted)
        return (number < bound and (least is None or number >= least)) is not otherwise

    return holds


def Holds(*words: str) -> Condition:  # noqa: N802
    """It gets one of `words` that it does not have."""
    return lambda name, running, wanted: bool(
        set(wanted.lower().split()).intersection(words) - set(running.lower().split())
    )


def ALWAYS(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """Whatever it becomes."""
    return True


def ON(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """It becomes yes."""
    return _word(name, wanted) == "yes"


def EMPTIED(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """It becomes empty."""
    return not wanted


def FILLED(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """It becomes something, and not 0."""
    return wanted not in ("", "0")


def LOWERED(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """It becomes less."""
    return _number(name, wanted) < _number(name, running)


def STRICTER(name: str, running: str, wanted: str) -> bool:  # noqa: N802
    """As a limit, of which 0 is none, it becomes less; a percentage cannot be compared, and may be."""
    now, then = meaning(name, running or "0"), meaning(name, wanted)
    if isinstance(now, int) and isinstance(then, int):
        return bool(then) and (not now or then < now)
    return now != then


def _word(name: str, text: str) -> str:
    try:
        means = meaning(name, text)
    except ValueError:
        return text
    return means if isinstance(means, str) else text


def _number(name: str, text: str) -> int:
    """A value that is no number counts as 0: the smallest that most limits can be."""
    try:
        means = meaning(name, text)
    except ValueError:
        return 0
    return means if isinstance(means, int) else 0
