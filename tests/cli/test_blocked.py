"""What is blocked fails a pipeline: a typo in a table's name is no plan that is done, and no apply that is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
TYPO = "target: main\ntables:\n  public.taks:\n    indexes:\n      taks_idx: {columns: [status]}\n"
RIGHT = "target: main\ntables:\n  public.tasks:\n    indexes:\n      tasks_status_idx: {columns: [status]}\n"


@pytest.fixture
def typo(world, desired):
    """One index that can be built, and one on a table that does not exist."""
    (desired / "tasks.yaml").write_text(RIGHT)
    (desired / "typo.yaml").write_text(TYPO)
    return world


def indexes(world) -> list[str]:
    rows = world.execute("select indexname from pg_indexes where tablename = 'tasks' order by 1").fetchall()
    return [name for (name,) in rows]


def test_a_typo_fails_the_plan_which_is_shown_and_saved_all_the_same(typo, reconciler, tmp_path):
    path = tmp_path / "plan.json"
    code, out, err = reconciler("plan", "--out", path)
    assert code == 1
    assert "tasks_status_idx" in out
    assert "1 of what is declared is blocked, as the plan says; --allow-blocked goes on without it." in err
    assert json.loads(path.read_text())["verdict"] == "blocked"
    assert reconciler("plan", "--detailed-exitcode")[0] == 1


def test_an_apply_of_it_makes_the_rest_and_fails(typo, reconciler, tmp_path):
    path = tmp_path / "plan.json"
    reconciler("plan", "--out", path)
    code, out, err = reconciler("apply", path, "--receipt", tmp_path / "receipt.json")
    assert code == 1
    assert indexes(typo) == ["tasks_pkey", "tasks_status_idx"]
    assert "1 index is blocked." in out
    assert "Nothing remains" not in out
    assert "Beside this plan, 1 of what is declared is blocked" in err
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert (receipt["verdict"], receipt["succeeded"]) == ("blocked", False)
    assert receipt["blocked"] == ["main/pg_index/public.taks_idx"]
    assert [change["verdict"] for change in receipt["changes"]] == ["in-sync"]
    assert reconciler("apply", "--yes")[0] == 1, "nothing is left to apply, and it is still blocked"
    assert reconciler("drift")[0] == 2


def test_what_is_allowed_is_in_the_plan_and_its_apply_succeeds(typo, reconciler, tmp_path):
    path = tmp_path / "plan.json"
    assert reconciler("plan", "--out", path, "--allow-blocked")[0] == 0
    assert json.loads(path.read_text())["allow_blocked"] is True
    code, out, _ = reconciler("apply", path)
    assert code == 0
    assert "1 index is blocked." in out
    assert reconciler("plan", "--allow-blocked", "--detailed-exitcode")[0] == 0
    assert reconciler("plan")[0] == 1
    assert reconciler("drift")[0] == 2


def test_an_apply_that_makes_its_own_plan_may_allow_it(typo, reconciler, tmp_path):
    assert reconciler("apply", "--yes", "--allow-blocked")[0] == 0
    assert indexes(typo) == ["tasks_pkey", "tasks_status_idx"]
    reconciler("plan", "--out", tmp_path / "plan.json")
    code, _, err = reconciler("apply", tmp_path / "plan.json", "--allow-blocked")
    assert code == 1
    assert "a saved plan says itself whether something may be blocked" in err


def test_it_is_not_allowed_by_an_environment_that_nobody_remembers(typo, reconciler, monkeypatch):
    monkeypatch.setenv("RECONCILER_PLAN_ALLOW_BLOCKED", "1")
    monkeypatch.setenv("RECONCILER_APPLY_ALLOW_BLOCKED", "1")
    assert reconciler("plan")[0] == 1
    assert reconciler("apply", "--yes")[0] == 1


def pipeline(folder: Path, database: str) -> subprocess.CompletedProcess[str]:
    """The README's lines for a pull request, as a shell runs them that stops at the first that fails."""
    found = re.search(r"^# On a pull request.*\n((?:reconciler .*\n)+)", README.read_text(), re.MULTILINE)
    assert found, "the README has lost its pipeline"
    binary = folder / "bin" / "reconciler"
    binary.parent.mkdir(exist_ok=True)
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    binary.chmod(0o755)
    environment = {
        "PATH": f"{binary.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(README.parent),
        "DATABASE_URL": database,
    }
    return subprocess.run(
        ["bash", "-e", "-c", found[1]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_pipeline_of_the_readme_fails_on_a_typo(typo, desired, database):
    failed = pipeline(desired.parent, database)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    shown = (desired.parent / "plan.md").read_text()
    assert "public.taks" in shown, f"the pull request shows why; on standard error: {failed.stderr}"
    (desired / "typo.yaml").unlink()
    passed = pipeline(desired.parent, database)
    assert passed.returncode == 0, passed.stdout + passed.stderr
