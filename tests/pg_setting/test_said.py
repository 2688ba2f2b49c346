"""What is said beside a value that is refused, or that the server takes otherwise. All of it was seen to fail."""

from __future__ import annotations

import pytest
from applying.acting import apply, plan_for
from live import outcomes
from pg_setting.setting_cases import reload, settings

from reconciler.kinds.pg_setting import KIND
from reconciler.model import Applied, NoticeType


@pytest.fixture
def reset(sql):
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


def blocked(target, wanted: dict[str, str]) -> str:
    [found] = outcomes(KIND, target, settings(wanted))
    assert found.type is NoticeType.BLOCKED
    return found.message


def test_what_runs_is_told_with_the_word_for_it(pg_target):
    """`100: the server would not start…`: 100 of what?"""
    assert blocked(pg_target, {"shared_buffers": "900GB"}).startswith(
        "128MB runs; the server would not start: its shared memory would come to 9"
    )


def test_where_nothing_runs_nothing_is_told_of_it(pg_target):
    """`: no library of this name…`"""
    assert blocked(pg_target, {"session_preload_libraries": "nosuch"}).startswith("no library of this name")


def test_amounts_that_were_worked_out_are_told_in_few_digits(pg_target):
    """They were told in bytes: 112226065136B."""
    said = blocked(pg_target, {"shared_buffers": "100GB"}).partition("come to ")[2]
    assert said.startswith("104.")
    assert said.partition(",")[0].endswith("GB")


def test_a_number_that_the_server_rounds_is_told_to_be(reset, pg_target):
    """`10.5` was planned, and shown, as 10, without a word."""
    plan = plan_for(pg_target, settings({"max_wal_senders": "20.6", "work_mem": "1.5MB", "vacuum_cost_limit": "300.4"}))
    notes = {change.address.name: change.notes for change in plan.changes}
    assert "20.6 is rounded to 21" in notes["max_wal_senders"]
    assert "300.4 is rounded to 300" in notes["vacuum_cost_limit"]
    assert not [note for note in notes["work_mem"] if "rounded" in note]
    assert {each.result for each in apply(plan, pg_target).changes} == {Applied.APPLIED}
    assert plan_for(pg_target, settings({"vacuum_cost_limit": "300.4"})).is_empty
