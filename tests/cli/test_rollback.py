"""An apply is undone by its receipt: what it made, where that still is so, and by steps of this moment alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from waiting import reload

INDEXES = (
    "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where indrelid = 'tasks'::regclass "
    "and indisvalid order by 1"
)


def indexes(world) -> list[str]:
    return [name for (name,) in world.execute(INDEXES).fetchall()]


def setting(world, name: str) -> tuple[str, str]:
    """What the files have of it, and where it comes from."""
    reload(world)
    return world.execute("select setting, source from pg_settings where name = %s", [name]).fetchone()


@pytest.fixture
def applied(world, reconciler, tmp_path) -> Path:
    """The receipt of an apply of all that `desired` declares."""
    receipt = tmp_path / "receipt.json"
    assert reconciler("apply", "--yes", "--receipt", receipt)[0] == 0
    return receipt


def rolled_back(reconciler, receipt: Path, *options: str) -> tuple[int, str, str]:
    """Plans the rollback of a receipt, and applies it; what the apply said."""
    plan = receipt.with_name("undo.json")
    code, out, err = reconciler("rollback", receipt, "--out", plan)
    assert code == 0, out + err
    return reconciler("apply", plan, "--digest", json.loads(plan.read_text())["digest"], *options)


def test_what_was_applied_is_undone_and_nothing_is_left_to_undo(applied, world, reconciler, tmp_path):
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx", "tasks_title_idx"]
    code, out, _ = reconciler("rollback", applied, "--detailed-exitcode")
    assert code == 2
    assert "Rollback of the apply that ended at" in out
    assert "drop index concurrently public.tasks_status_idx" in out
    assert "alter system reset work_mem" in out
    assert "Revert what was declared, too, or the next plan makes it again" in " ".join(out.split())
    code, out, err = rolled_back(reconciler, applied, "--allow", "index-drop", "--receipt", tmp_path / "undone.json")
    assert code == 0, out + err
    assert "Applied 3 of 3 changes" in out
    assert indexes(world) == ["tasks_pkey"]
    assert setting(world, "work_mem") == ("4096", "default")
    undone = json.loads((tmp_path / "undone.json").read_text())
    assert undone["rolls_back"]["plan"] == json.loads(applied.read_text())["plan_digest"]
    code, out, _ = reconciler("rollback", applied, "--detailed-exitcode")
    assert (code, "Nothing is to be undone." in out) == (0, True)
    code, out, err = rolled_back(reconciler, tmp_path / "undone.json")
    assert code == 0, out + err
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx", "tasks_title_idx"]
    assert setting(world, "work_mem")[0] == "7168"


def test_the_hazards_of_an_undoing_are_its_own(applied, world, reconciler):
    code, _, err = rolled_back(reconciler, applied)
    assert code == 1
    assert "--allow index-drop" in err
    assert len(indexes(world)) == 3


def test_a_rollback_is_applied_by_its_digest_alone(applied, world, reconciler, tmp_path):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    digest = json.loads(plan.read_text())["digest"]
    code, _, err = reconciler("apply", plan, "--allow", "index-drop")
    assert code == 1
    assert f"--digest {digest}" in err
    assert len(indexes(world)) == 3


def test_of_a_partial_apply_just_what_was_done_is_undone(world, reconciler, desired, tmp_path):
    text = (desired / "tasks.yaml").read_text().replace("[lower(title)]", "[priority], unique: true")
    (desired / "tasks.yaml").write_text(text)
    world.execute("insert into tasks values (1, 'a', 1), (2, 'a', 1)")
    receipt = tmp_path / "receipt.json"
    assert reconciler("apply", "--yes", "--allow-blocked", "--receipt", receipt)[0] in (0, 1)
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx"]
    code, out, err = rolled_back(reconciler, receipt, "--allow", "index-drop")
    assert code == 0, out + err
    assert "Applied 2 of 2 changes" in out
    assert indexes(world) == ["tasks_pkey"]


def test_what_somebody_has_changed_since_stays_and_the_rest_is_undone(applied, world, reconciler, tmp_path):
    world.execute("drop index tasks_title_idx")
    world.execute("create index tasks_title_idx on tasks (title)")
    world.execute("alter system set work_mem = '9MB'")
    reload(world)
    plan = tmp_path / "undo.json"
    code, out, err = reconciler("rollback", applied, "--out", plan)
    assert code == 1
    assert "2 of what was done cannot be undone" in err
    assert out.count("it has changed since it was applied") == 2
    assert "7MB" in out
    code, out, err = reconciler("rollback", applied, "--out", plan, "--allow-blocked")
    assert code == 0
    digest = json.loads(plan.read_text())["digest"]
    code, out, err = reconciler("apply", plan, "--digest", digest, "--allow", "index-drop")
    assert code == 0, out + err
    assert indexes(world) == ["tasks_pkey", "tasks_title_idx"]
    assert setting(world, "work_mem")[0] == "9216"


def test_what_changes_between_the_plan_and_its_apply_is_stale(applied, world, reconciler, tmp_path):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    world.execute("alter system set work_mem = '9MB'")
    reload(world)
    digest = json.loads(plan.read_text())["digest"]
    code, out, _ = reconciler("apply", plan, "--digest", digest, "--allow", "index-drop")
    assert code == 1
    assert "1 stale" in out
    assert setting(world, "work_mem")[0] == "9216"
