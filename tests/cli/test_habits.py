"""Terraform's words get a hint, and nothing is done."""

from __future__ import annotations

import pytest
from applying.acting import Command


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["plan", "-out=plan.json"], "-out: it is --out FILE"),
        (["plan", "-out", "plan.json"], "-out: it is --out FILE"),
        (["plan", "--json"], "--json: it is --format json"),
        (["apply", "-auto-approve"], "-auto-approve: it is --yes"),
        (["plan", "-target=main"], "-target: name the target"),
        (["version"], "version: it is reconciler --version"),
    ],
)
def test_a_word_of_terraform_is_said_in_ours(arguments, hint, tmp_path):
    code, out, err = Command(tmp_path / "desired", {}).run(*arguments)
    assert (code, out) == (1, "")
    assert f"\n  {hint}" in err


def test_other_mistakes_are_said_as_before(tmp_path):
    err = Command(tmp_path / "desired", {}).run("plan", "--no-such")[2]
    assert err == "error: No such option '--no-such'.\n  see: reconciler plan --help\n"
