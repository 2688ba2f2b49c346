"""The shell in the action and in GitLab's pipeline, as ShellCheck reads it."""

from __future__ import annotations

import pytest
import yaml
from docs.pages import ROOT
from pipelines.checkers import complaints
from pipelines.workflow import ACTION

GITLAB = yaml.safe_load((ROOT / "reconciler/pipelines/gitlab.yaml").read_text(encoding="utf-8"))
SCRIPTS = {
    **{f"action.yml: {step['name']}": step["run"] for step in ACTION["runs"]["steps"] if "run" in step},
    **{
        f"gitlab.yaml: {name}": "\n".join(job["script"])
        for name, job in GITLAB.items()
        if isinstance(job, dict) and "script" in job
    },
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_nothing_to_warn_of(name, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"set -eo pipefail\n{SCRIPTS[name]}")
    assert complaints("shellcheck", "--shell", "bash", "--severity", "warning", script) == ""
