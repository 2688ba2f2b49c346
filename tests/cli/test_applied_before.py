"""`apply --receipt FILE` where FILE is there already: what is done by then is neither done again nor forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BY_NAME = "select count(*) from pg_index where indrelid = 'tasks'::regclass and indisvalid"


@pytest.fixture
def plan(world, reconciler, tmp_path) -> Path:
    saved = tmp_path / "plan.json"
    assert reconciler("plan", "--out", saved)[0] == 0
    return saved


@pytest.fixture
def receipt(tmp_path) -> Path:
    return tmp_path / "receipt.json"


def results(receipt: Path) -> dict[str, str]:
    return {each["address"]: each["result"] for each in json.loads(receipt.read_text())["changes"]}


def test_what_is_done_is_only_looked_at(plan, receipt, world, reconciler):
    assert reconciler("apply", plan, "--receipt", receipt)[0] == 0
    before = receipt.read_text()
    code, out, err = reconciler("apply", plan, "--receipt", receipt)
    assert code == 0
    assert "says that this plan was applied, and came to its end at" in err
    assert "all of it still is as it was made" in err
    assert "Applied 3 of 3 changes" in out
    code, out, _ = reconciler("apply", plan, "--receipt", receipt, "--format", "json")
    assert (code, out) == (0, before)
    world.execute("drop index tasks_status_idx")
    world.execute("drop index tasks_title_idx")
    world.execute("create index tasks_title_idx on tasks (title)")
    code, _, err = reconciler("apply", plan, "--receipt", receipt)
    assert code == 1
    assert "main/pg_index/public.tasks_status_idx has changed since: it is as it was before" in err
    assert "main/pg_index/public.tasks_title_idx has changed since: it did not exist when the plan was made" in err
    assert "work_mem" not in err
    assert world.execute(BY_NAME).fetchone() == (2,), "nothing was run"
    assert receipt.read_text() == before


def test_what_was_not_done_is_done_and_the_receipt_tells_of_both(plan, receipt, world, reconciler):
    world.execute("alter table tasks rename title to heading")  # by now, the plan does not fit
    assert reconciler("apply", plan, "--receipt", receipt)[0] == 1
    first = json.loads(receipt.read_text())
    assert sorted(results(receipt).values()) == ["applied", "applied", "stale"]
    world.execute("alter table tasks rename heading to title")
    code, out, err = reconciler("apply", plan, "--receipt", receipt)
    assert code == 0, out + err
    assert set(results(receipt).values()) == {"applied"}
    both = json.loads(receipt.read_text())
    assert both["started_at"] == first["started_at"]
    assert all(each["steps"] for each in both["changes"]), "what ran at first is still told"
    code, out, _ = reconciler("rollback", receipt, "--detailed-exitcode")
    assert code == 2
    assert "2 to drop" in out, "and is undone, too"


@pytest.mark.parametrize("saved", [True, False])
def test_the_receipt_of_another_plan_is_not_lost(plan, receipt, world, reconciler, saved):
    assert reconciler("apply", plan, "--receipt", receipt)[0] == 0
    before = receipt.read_text()
    world.execute("drop index tasks_status_idx")
    other = plan.with_name("other.json")
    assert reconciler("plan", "--out", other)[0] == 0
    code, _, err = reconciler("apply", *([other] if saved else ["--yes"]), "--receipt", receipt)
    assert code == 1
    assert "is the receipt of another plan" in err
    assert receipt.read_text() == before
    assert world.execute(BY_NAME).fetchone() == (2,), "nothing was run"


@pytest.mark.parametrize("text", ["notes of mine\n", '{"format": "reconciler-receipt"', '{"resource_changes": []}'])
def test_what_is_no_receipt_is_not_lost(plan, receipt, world, reconciler, text):
    receipt.write_text(text)
    code, _, err = reconciler("apply", plan, "--receipt", receipt)
    assert code == 1
    assert "is there already, and would be lost" in err
    assert receipt.read_text() == text
    assert world.execute(BY_NAME).fetchone() == (1,), "nothing was run"


def test_an_empty_file_is_filled(plan, receipt, reconciler):
    receipt.touch()
    assert reconciler("apply", plan, "--receipt", receipt)[0] == 0
    assert results(receipt)
