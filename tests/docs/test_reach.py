"""The command for pull requests of people who are trusted less, as docs/reach.md has it: it plans and leaks nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import ROOT, marked

TARGETS = 'targets:\n  main: {postgres: "${DATABASE_URL}"}\n'
INDEX = "target: main\ntables: {public.tasks: {indexes: {tasks_status_idx: {columns: [status], why: %s}}}}\n"


@pytest.fixture
def planned(tmp_path: Path, database: str, sql):
    """Runs the page's command beside a base branch, with these documents in the pull request."""
    sql.execute("create table tasks (id int, status text)")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "targets.yaml").write_text(TARGETS)
    (tmp_path / "head" / "desired").mkdir(parents=True)
    program = tmp_path / "bin" / "reconciler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    program.chmod(0o755)
    env = {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "DATABASE_URL": database,
        "TEAM": "search", "RUNNERS_TOKEN": "the-runners-s3cret",
    }  # fmt: skip

    def run(why: str) -> tuple[int, str, str]:
        (tmp_path / "head" / "desired" / "tasks.yaml").write_text(INDEX % why)
        done = subprocess.run(
            ["sh", "-e", "-c", marked("limited plan")], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        return done.returncode, (tmp_path / "plan.md").read_text(), done.stderr

    return run


def test_the_command_plans_with_the_targets_of_the_base_branch(planned):
    code, plan, errors = planned('"asked for by ${TEAM}"')
    assert (code, errors) == (0, "")
    assert "tasks_status_idx" in plan
    assert "asked for by search" in plan


def test_the_command_shows_no_variable_that_it_does_not_name(planned):
    code, plan, errors = planned('"${RUNNERS_TOKEN}"')
    assert (code, plan) == (1, "")
    assert "the variable RUNNERS_TOKEN may not be used here" in errors
    assert "the-runners-s3cret" not in errors
