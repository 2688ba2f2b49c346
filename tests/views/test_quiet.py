"""The text of a plan says what is the same for many changes once, and with --verbose all of each."""

from __future__ import annotations

from views.sample import CHANGES, PLAN, index

from reconciler import views
from reconciler.model import Action, SqlStep


def build(number: int, lock_timeout: str = "15min"):
    step = SqlStep(
        statements=(f"create index concurrently tasks_{number}_idx on public.tasks (a)",),
        on_failure=(f"drop index concurrently public.tasks_{number}_idx",),
        lock_timeout=lock_timeout,
    )
    return index(f"tasks_{number}_idx", Action.CREATE, step, reason="missing", why="a query needs it")


def text(*changes, **layout) -> str:
    return views.render(PLAN.model_copy(update={"changes": changes, "notices": (), "checks": ()}), **layout)


def test_how_the_steps_of_a_kind_run_is_said_once_and_what_differs_at_its_step():
    shown = text(*map(build, range(5)), build(5, "1h"))
    assert shown.count("15min") == 1
    assert "Steps of pg_index, unless said: lock_timeout 15min\n" in shown
    assert shown.count("lock_timeout 1h") == 1


def test_it_is_said_at_each_where_some_run_as_is_usual_and_nothing_is_said_of_them():
    usual = SqlStep.model_fields["lock_timeout"].default
    shown = text(*map(build, range(5)), build(5, usual))
    assert shown.count("15min") == 5
    assert "unless said" not in shown


def test_two_alike_are_no_reason_for_a_legend():
    assert text(build(0), build(1)).count("15min") == 2


def test_why_and_what_runs_on_failure_are_said_on_demand():
    quiet, verbose = (text(*map(build, range(5)), verbose=each) for each in (False, True))
    assert "on failure:" not in quiet
    assert "why: " not in quiet
    assert "\n--verbose says why, what runs on failure, and what undoes it.\n" in quiet
    assert verbose.count("on failure: drop index concurrently") == 5
    assert verbose.count("why: a query needs it") == 5
    assert verbose.count("15min") == 5
    assert "--verbose" not in verbose


def test_hazards_and_estimates_are_in_both():
    quiet, verbose = (text(*CHANGES, verbose=each) for each in (False, True))
    for line in verbose.splitlines():
        if line.lstrip().startswith("! ") or "index about" in line:
            assert line in quiet.splitlines()


def test_no_line_is_empty_where_how_a_step_runs_is_left_to_the_legend():
    shown = text(*map(build, range(5)), width=66)
    body = shown[shown.index("  + main/") : shown.index("Steps of")]
    assert "\n\n" not in body.rstrip()
