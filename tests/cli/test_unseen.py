"""Targets of a template that nobody was asked for: whoever names others is told that they are left out."""

from __future__ import annotations

import pytest
from applying.acting import Command

TARGETS = """targets:
  web: {http: "${NONE:-}"}
  tenants: {each: {command: ["false"]}, http: "${url}"}
"""


@pytest.mark.parametrize("verb", ["plan", "drift", "check", "apply"])
def test_it_is_said_which_targets_were_not_seen(verb, tmp_path):
    (tmp_path / "desired").mkdir()
    (tmp_path / "targets.yaml").write_text(TARGETS)
    command = Command(tmp_path / "desired", {})
    unasked = ["--yes"] if verb == "apply" else []
    code, _, err = command.run("--targets", tmp_path / "targets.yaml", verb, "web", *unasked)
    assert code == 0, err
    assert err.replace(f"{tmp_path}/", "") == (
        "Not seen: the targets of tenants at targets.yaml:3:3, for which the command was not asked: other targets are "
        "named.\n"
    )
