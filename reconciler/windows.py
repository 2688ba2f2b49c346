"""Whether windows are open at a moment, until when, and when they will be.

None: always open. Any that allows: closed outside of those. One that denies: closed, whatever else is open.

A window begins when the clocks of its zone show what its cron says, and lasts as long as it is said to, by a clock that
nobody sets. On the nights on which clocks are set, a time that does not come is taken as the moment at which it would
have been passed, and one that comes twice begins a window once, the first time, unless the cron says every hour.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from reconciler.model import Window, WindowRule

LOOKED_AHEAD = timedelta(days=400)
"""How far the next opening is looked for: a year, and the day of a leap year."""

LONGEST_APPLY = timedelta(days=8)
"""How far the next closing is looked for: no change runs longer than that."""

MOST_TURNS = 1_000
"""Windows that are followed in looking for one that no other denies."""

CLOCKS_ARE_SET_BY = timedelta(hours=3)
"""More than any zone does on one night: an hour usually, half of one on Lord Howe Island, two in Antarctica."""


class Standing(NamedTuple):
    """How windows stand at a moment.

    is_open  whether changes may be made.
    closes   of open ones, until when; None: for good, as far as is looked ahead.
    opens    of closed ones, from when on; None: not as far as is looked ahead.
    by       the window that closes what is closed, or what is open; None where none does.
    denied   whether it is one that denies what is closed now.
    """

    is_open: bool
    closes: datetime | None = None
    opens: datetime | None = None
    by: Window | None = None
    denied: bool = False


def expect_cron(cron: str) -> None:
    """Raises ValueError where `cron` is none, never comes, or comes more than once an hour."""
    if cron.split() != cron.split(" ") or len(cron.split(" ")) != 5:
        raise ValueError("expected five fields: minute hour day month weekday, like 0 22 * * *")
    try:
        ticks = CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
        next(ticks)
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"this is no cron expression: {str(error) or 'it never comes'}") from None
    if len(ticks.minutes) > 1:  # each start is looked at, over days
        raise ValueError("a window begins once an hour at most: its minute is one number, like 0 22 * * *")


def expect_zone(name: str) -> None:
    """Raises ValueError where there is no such time zone."""
    try:
        ZoneInfo(name)
        is_known = name not in ("localtime", "posixrules", "Factory")
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        is_known = False
    if not is_known:
        raise ValueError("expected the name of a time zone, like Europe/Berlin or UTC")


def standing(windows: Sequence[Window], now: datetime, *, outside: bool = False) -> Standing:
    """How `windows` stand at `now`. `outside`: those that allow are not asked, as whoever applies has said."""
    asked = [each for each in windows if not outside or each.rule is WindowRule.DENY]
    at = _at(asked, now)
    if at.is_open:
        return at
    opens = now
    for _ in range(MOST_TURNS):
        denied = _denied_until(asked, opens)
        if denied is not None:
            opens = denied[0]
        elif _allowed_until(asked, opens) is None:
            starts = [start for each in _of(asked, WindowRule.ALLOW) if (start := _next_start(each, opens))]
            opens = min(starts, default=now + 2 * LOOKED_AHEAD)
        else:
            return at._replace(opens=opens)
        if opens > now + LOOKED_AHEAD:
            break
    return at


def _at(windows: Sequence[Window], now: datetime) -> Standing:
    """How they stand, but for when closed ones open."""
    if (denied := _denied_until(windows, now)) is not None:
        return Standing(False, by=denied[1], denied=True)
    if (allowed := _allowed_until(windows, now)) is None:
        return Standing(False)
    denying = [(start, each) for each in _of(windows, WindowRule.DENY) if (start := _next_start(each, now))]
    until, by = min([allowed, *denying], key=lambda found: found[0])
    if by is None or until > now + LONGEST_APPLY:
        return Standing(True)
    return Standing(True, closes=until, by=by)


def _denied_until(windows: Sequence[Window], now: datetime) -> tuple[datetime, Window] | None:
    """Until when the longest of those that deny now lasts; None: none does."""
    found = [(end, each) for each in _of(windows, WindowRule.DENY) if (end := _open_until(each, now))]
    return max(found, key=lambda one: one[0], default=None)


def _allowed_until(windows: Sequence[Window], now: datetime) -> tuple[datetime, Window | None] | None:
    """Until when one that allows is open without a gap, and which is the last of them; None: none is now."""
    allowing = _of(windows, WindowRule.ALLOW)
    if not allowing:
        return now + LOOKED_AHEAD, None
    end, last = now, None
    while end <= now + LONGEST_APPLY:
        found = [(further, each) for each in allowing if (further := _open_until(each, end))]
        if not found:
            break
        end, last = max(found, key=lambda one: one[0])
    return None if last is None else (end, last)


def _of(windows: Sequence[Window], rule: WindowRule) -> list[Window]:
    return [each for each in windows if each.rule is rule]


def _open_until(window: Window, now: datetime) -> datetime | None:
    """When `window` ends, which lasts at `now`; None: it does not. It ends before the moment that is told."""
    around = (now + CLOCKS_ARE_SET_BY).astimezone(ZoneInfo(window.zone))
    for start in _moments(CronSim(window.cron, around, reverse=True)):
        if start <= now:
            return start + window.lasts if now < start + window.lasts else None
    return None


def _next_start(window: Window, now: datetime) -> datetime | None:
    """The first start after `now`."""
    around = (now - CLOCKS_ARE_SET_BY).astimezone(ZoneInfo(window.zone))
    return next((start for start in _moments(CronSim(window.cron, around)) if start > now), None)


def _moments(ticks: CronSim) -> Iterator[datetime]:
    return (tick.astimezone(UTC) for tick in ticks)
