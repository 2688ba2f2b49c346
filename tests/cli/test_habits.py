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
        (["destroy"], "destroy: declare an index or a user absent"),
        (["drift", "--fix"], "--fix: drift changes nothing"),
        (["plan", "-var", "x=y"], "-var: a variable of the YAML"),
    ],
)
def test_a_word_of_terraform_is_said_in_ours(arguments, hint, tmp_path):
    code, out, err = Command(tmp_path / "desired", {}).run(*arguments)
    assert (code, out) == (1, "")
    assert f"\n  {hint}" in err


def test_beside_such_a_hint_nothing_else_is_guessed(tmp_path):
    said = Command(tmp_path / "desired", {}).run("plan", "--target", "main")[2]
    assert said.startswith("error: No such option '--target'.\n  --target: name the target")


def test_what_stands_before_the_verb_is_not_guessed_to_be_another(tmp_path):
    said = Command(tmp_path / "desired", {}).run("plan", "--desired", "x")[2]
    assert said == "error: No such option '--desired'.\n  write it before the verb; see: reconciler plan --help\n"


def test_a_target_that_is_called_as_a_word_of_terraform_gets_no_hint(tmp_path):
    assert "state:" not in Command(tmp_path / "desired", {}).run("plan", "state", "--no-such")[2]


def test_other_mistakes_are_said_as_before(tmp_path):
    err = Command(tmp_path / "desired", {}).run("plan", "--no-such")[2]
    assert err == "error: No such option '--no-such'.\n  see: reconciler plan --help\n"
