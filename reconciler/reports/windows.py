"""How windows stand, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.model import Window
from reconciler.reports.characters import visible
from reconciler.windows import Standing


def span(duration: timedelta) -> str:
    """`12 min`, `5 h`, `3 d`: to the minute below two hours, else to the hour, rounded up."""
    minutes = -(-int(duration.total_seconds()) // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours < 48 else f"{-(-hours // 24)} d"


def local(at: datetime, zone: str) -> str:
    """`2026-12-01 22:00 Europe/Berlin`, with UTC beside any other zone."""
    there = at.astimezone(ZoneInfo(zone))
    utc = "" if there.utcoffset() == timedelta() else f" ({at:%Y-%m-%d %H:%M} UTC)"
    return f"{there:%Y-%m-%d %H:%M} {zone}{utc}"


def closed(name: str, whose: str, at: Standing, now: datetime, *, may_go_outside: bool) -> tuple[str, str]:
    """Why changes of the target `name` are held, and what to do about it; its windows stand so `at` this moment."""
    why = f"{name}: {whose} has no window open now" if at.by is None else f"{name}: {whose} denies it now"
    reason = f": {visible(at.by.reason)}" if at.by and at.by.reason else ""
    hint = "apply it then"
    if not at.denied and may_go_outside:
        hint += ", or with a reason that the receipt tells: --outside-window REASON"
    return f"{why}{reason}; {opening(at, now)}", hint


def too_long(name: str, whose: str, rest: timedelta, needs: timedelta, times: int) -> tuple[str, str]:
    """Why a change is held that takes about `needs`, and perhaps so many `times` that, while a window has a `rest`."""
    return (
        f"{name}: the window of {whose} closes in {span(rest)}, and this needs about {span(needs)}, up to "
        f"{span(needs * times)}",
        "apply it when a window has just opened that is long enough",
    )


def unknown_length(name: str, whose: str, rest: timedelta) -> tuple[str, str]:
    """Why a change is held of which nobody can say how long it takes."""
    return (
        f"{name}: the window of {whose} closes in {span(rest)}, and nobody can say how long this takes",
        "have its table analyzed, and plan again; or let such builds run: without_estimate: run",
    )


def opening(at: Standing, now: datetime) -> str:
    """When closed windows open."""
    if at.opens is None:
        return "none opens within a year"
    return f"it opens at {at.opens:%Y-%m-%d %H:%M} UTC, in {span(at.opens - now)}"


def window(each: Window) -> str:
    """A window as it is declared: `allows 0 22 * * * for 6 h, Europe/Berlin`."""
    reason = f": {visible(each.reason)}" if each.reason else ""
    verb = {"allow": "allows", "deny": "denies"}[each.rule.value]
    return f"{verb} {visible(each.cron)} for {span(each.lasts)}, {each.zone}{reason}"
