"""The wait for the append-only file, look by look; that servers show just these looks is seen in tests/attacks."""

from __future__ import annotations

import pytest

from reconciler.applying.executing.aof_rewrite import PUT_OFF_SECONDS, STILL_SECONDS, Course, Look, NeverWhole

IDLE = Look(running=False, scheduled=False, failed=False, other=False, keys=0, total=0, seconds=-1)


def look(**more):
    return Look(**{name: more.get(name, getattr(IDLE, name)) for name in Look.__slots__})


RUNNING = look(running=True, keys=1, total=10, seconds=1)
COURSES = [
    ([RUNNING, look(running=True, keys=9, total=10, seconds=9), IDLE], "", "it ends well"),
    ([RUNNING, look(scheduled=True, failed=True)], "err", "it fails, and will be tried again"),
    ([RUNNING, look(running=True, keys=0, total=10, seconds=0, failed=True)], "err", "it has begun again already"),
    ([look(scheduled=True, other=True), RUNNING, IDLE], "", "it waits for a snapshot"),
    (
        [look(scheduled=True, other=True, failed=True), look(running=True, failed=True), IDLE],
        "",
        "the last one had failed",
    ),
    (
        [look(running=True, failed=True, seconds=9), look(running=True, failed=True, seconds=1)],
        "err",
        "and fails again",
    ),
    ([look(running=True, failed=True, keys=9), look(running=True, failed=True, keys=1)], "err", "and again, unseen"),
    ([look(scheduled=True, failed=True)] * 2, "err", "the server puts it off"),
    ([look(scheduled=True)] * 2, "does not begin", "it never begins"),
    ([RUNNING] * 2, "has not moved", "it stands still"),
]


@pytest.mark.parametrize(("looks", "error", "reason"), COURSES, ids=[case[2] for case in COURSES])
def test_a_course_ends_as_it_should(looks, error, reason):
    """Each look comes later than anything may take, so that only what has moved goes on."""
    course = Course(looks[0], 0.0)
    later = 2 * max(PUT_OFF_SECONDS, STILL_SECONDS)
    goes_on = [True]
    try:
        goes_on += [course.goes_on(one, number * later) for number, one in enumerate(looks[1:], 1)]
        said = ""
    except NeverWhole as why:
        said = str(why)
    assert (error in said) if error else not said
    assert error or goes_on == [True] * (len(looks) - 1) + [False]


def test_what_is_not_pending_is_not_waited_for():
    assert not IDLE.pending
    assert not look(failed=True).pending, "a later rewrite has failed, and the file of before is there"
    assert RUNNING.pending
    assert look(scheduled=True).pending


def test_a_short_standstill_goes_on():
    assert Course(RUNNING, 0.0).goes_on(RUNNING, STILL_SECONDS - 1)
    put_off = look(scheduled=True)
    assert Course(put_off, 0.0).goes_on(put_off, PUT_OFF_SECONDS - 1)
