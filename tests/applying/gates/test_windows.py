"""When windows are open, also on the nights on which clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from applying.gates.policy_cases import window

from reconciler.windows import Standing, standing

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
SYDNEY, LORD_HOWE = "Australia/Sydney", "Australia/Lord_Howe"
MINUTE = timedelta(minutes=1)


class Night(NamedTuple):
    """A window of an hour: open from `opens` until `closes`, and at no other moment from the noon of `day` on."""

    reason: str
    zone: str
    cron: str
    day: str
    opens: str
    closes: str


NIGHTS = [
    Night("before the clocks go forward", BERLIN, "45 1 * * *", "2026-03-28", "2026-03-29 00:45", "2026-03-29 01:45"),
    Night("02:00 does not come", BERLIN, "0 2 * * *", "2026-03-28", "2026-03-29 01:00", "2026-03-29 02:00"),
    Night("nor does 02:30", BERLIN, "30 2 * * *", "2026-03-28", "2026-03-29 01:00", "2026-03-29 02:00"),
    Night("02:00 comes twice", BERLIN, "0 2 * * *", "2026-10-24", "2026-10-25 00:00", "2026-10-25 01:00"),
    Night("02:30 comes twice", BERLIN, "30 2 * * *", "2026-10-24", "2026-10-25 00:30", "2026-10-25 01:30"),
    Night("it ends in the hour that comes twice", BERLIN, "45 1 * * *", "2026-10-24", "2026-10-24 23:45",
          "2026-10-25 00:45"),
    Night("behind UTC, forward", NEW_YORK, "30 2 * * *", "2026-03-07", "2026-03-08 07:00", "2026-03-08 08:00"),
    Night("behind UTC, twice", NEW_YORK, "30 1 * * *", "2026-10-31", "2026-11-01 05:30", "2026-11-01 06:30"),
    Night("after the hour that comes twice", NEW_YORK, "0 2 * * *", "2026-10-31", "2026-11-01 07:00",
          "2026-11-01 08:00"),
    Night("in the south, forward", SYDNEY, "30 2 * * *", "2026-10-03", "2026-10-03 16:00", "2026-10-03 17:00"),
    Night("in the south, twice", SYDNEY, "30 2 * * *", "2026-04-04", "2026-04-04 15:30", "2026-04-04 16:30"),
    Night("half an hour forward", LORD_HOWE, "15 2 * * *", "2026-10-03", "2026-10-03 15:30", "2026-10-03 16:30"),
    Night("half an hour twice", LORD_HOWE, "45 1 * * *", "2026-04-04", "2026-04-04 14:45", "2026-04-04 15:45"),
    Night("after that half hour", LORD_HOWE, "0 2 * * *", "2026-04-04", "2026-04-04 15:30", "2026-04-04 16:30"),
]  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("night", NIGHTS, ids=lambda night: f"{night.zone} {night.cron}: {night.reason}")
def test_a_window_is_open_once_and_for_as_long_as_on_any_night(night):
    windows = [window(night.cron, 1, zone=night.zone)]
    opens, closes = utc(night.opens), utc(night.closes)
    assert closes - opens == timedelta(hours=1)
    begin = utc(night.day) + timedelta(hours=12)
    for minutes in range(0, 22 * 60, 5):
        now = begin + minutes * MINUTE
        assert standing(windows, now).is_open == (opens <= now < closes), now
    assert standing(windows, opens - MINUTE) == Standing(False, opens=opens)
    assert standing(windows, opens) == Standing(True, closes=closes, by=windows[0])
    assert not standing(windows, closes).is_open


@pytest.mark.parametrize("night", NIGHTS, ids=lambda night: f"{night.zone} {night.cron}: {night.reason}")
def test_a_window_that_denies_shuts_at_the_very_moments_at_which_one_that_allows_opens(night):
    denies = window(night.cron, 1, "deny", zone=night.zone)
    opens, closes = utc(night.opens), utc(night.closes)
    assert standing([denies], opens - MINUTE) == Standing(True, closes=opens, by=denies)
    assert standing([denies], opens) == Standing(False, opens=closes, by=denies, denied=True)
    assert standing([denies], closes).is_open


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [(BERLIN, "2026-03-28", "21:00"), (BERLIN, "2026-03-29", "20:00"),
     (BERLIN, "2026-10-24", "20:00"), (BERLIN, "2026-10-25", "21:00")],
)  # fmt: skip
def test_an_evening_is_at_the_same_time_of_day_in_summer_and_in_winter(zone, day, first):
    assert standing([window("0 22 * * *", 6, zone=zone)], utc(f"{day} 12:00")).opens == utc(f"{day} {first}")


def test_none_is_always_open():
    assert standing([], utc("2026-03-29 01:00")) == Standing(True)


def test_deny_wins_and_the_next_opening_is_when_nothing_denies():
    nights = window("0 22 * * *", 6)
    freeze = window("0 0 24 12 *", 72, "deny", reason="freeze")
    found = standing([nights, freeze], utc("2026-12-24 23:00"))
    assert found == Standing(False, opens=utc("2026-12-27 00:00"), by=freeze, denied=True)
    assert standing([nights, freeze], utc("2026-12-23 23:00")).closes == utc("2026-12-24 00:00")
    assert standing([nights, freeze], utc("2026-12-24 23:00"), outside=True).denied
    assert standing([nights, freeze], utc("2026-12-23 12:00"), outside=True).is_open


def test_two_that_touch_are_one():
    early, late = window("0 22 * * *", 2), window("0 0 * * *", 2)
    assert standing([early, late], utc("2026-01-01 23:00")).closes == utc("2026-01-02 02:00")


def test_what_never_opens_says_so():
    always = window("0 0 * * *", 25, "deny")
    assert standing([window("0 22 * * *", 1), always], utc("2026-01-01 23:00")).opens is None
