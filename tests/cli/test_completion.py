"""What shells are told while somebody types, by the very scripts that they are given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

YAML = """
targets:
  main: {postgres: "${NOT_SET}"}
  "odd$(touch ran)": {postgres: "${NOT_SET}"}
---
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status]}
      "tasks $(touch ran)": {columns: [title]}
"""


@pytest.fixture
def offered(tmp_path):
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired/x.yaml").write_text(YAML)

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        env = {**os.environ, "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        env["_RECONCILER_COMPLETE"] = "bash_complete"
        done = subprocess.run(
            [sys.executable, "-m", "reconciler"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.stderr == ""
        return [each.partition(",")[2] for each in done.stdout.splitlines() if each]

    return ask


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("reconciler pl", ["plan"]),
        ("reconciler plan --out-m", ["--out-markdown"]),
        ("reconciler plan --format j", ["json"]),
        ("reconciler plan ", ["main"]),
        ("reconciler --desired elsewhere plan ", []),
        ("reconciler plan main/", ["main/pg_index/public.tasks_status_idx"]),
        ("reconciler explain main/pg_index/public.t", ["main/pg_index/public.tasks_status_idx"]),
        ("reconciler apply m", ["main"]),
        ("reconciler bogus ", []),
    ],
)
def test_words_options_and_names_are_offered(line, expected, offered, tmp_path):
    """Without a variable being set, and no name that a shell would run."""
    assert offered(line) == expected
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_one_that_its_shell_takes(shell, tmp_path):
    script = subprocess.run(
        [sys.executable, "-m", "reconciler", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert f"{shell}_complete" in script
    if (installed := shutil.which(shell)) is not None:
        subprocess.run([installed, "-n"], input=script, text=True, check=True)
