"""The hook of pre-commit: its manifest is one, the README names it, and what it runs finds a mistake."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from docs.pages import ROOT, blocks
from pipelines.checkers import complaints

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


@pytest.mark.thorough
def test_it_is_a_manifest():
    assert complaints("pre-commit", "validate-manifest", MANIFEST) == ""


def test_the_readme_names_a_hook_that_is_there():
    [block] = blocks("yaml pre-commit")
    [repository] = yaml.safe_load(block.text)["repos"]
    assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in HOOKS}


@pytest.mark.thorough
def test_the_readmes_configuration_is_one(tmp_path):
    [block] = blocks("yaml pre-commit")
    (tmp_path / "config.yaml").write_text(block.text)
    assert complaints("pre-commit", "validate-config", tmp_path / "config.yaml") == ""


def test_the_hook_finds_what_is_wrong_without_any_server(tmp_path):
    [hook] = HOOKS
    program, *arguments = hook["entry"].split()
    assert program == "reconciler"
    desired = tmp_path / "desired"
    desired.mkdir()
    (desired / "app.yaml").write_text('targets: {main: {postgres: "${DATABASE_URL}"}}\n')

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", program, *arguments], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert run().returncode == 0
    (desired / "app.yaml").write_text("target: main\ntabels: {}\n")
    failed = run()
    assert failed.returncode == 1
    assert "tabels" in failed.stderr
