"""`--shard` on the command line: what is no shard is an error, and one without targets is a success."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from reconciler.cli.app import run
from reconciler.fleet.shards import number
from reconciler.model import PostgresTarget

URL = "postgresql://u@db.invalid/app"
OF = 16
MINE = number(PostgresTarget(name="main", url=SecretStr(URL)), OF)

YAML = f"""\
targets: {{main: {{postgres: "{URL}", memory: 1GB}}}}
---
target: main
settings: {{work_mem: 7MB}}
"""
VERBS = {"plan": (), "drift": (), "check": (), "apply": ("--yes",)}


@pytest.fixture
def desired(tmp_path: Path) -> Path:
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "main.yaml").write_text(YAML)
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_a_shard_without_targets_is_a_success_and_says_so(desired, capsys, verb):
    code = run(["--desired", str(desired), verb, *VERBS[verb], "--shard", f"{(MINE + 1) % OF}/{OF}"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert f"No target is of the shard {(MINE + 1) % OF}/{OF}" in said.err


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("shard", ["16/16", "x", "0/0", "0/1000000", ""])
def test_what_is_no_shard_is_an_error(desired, capsys, verb, shard):
    assert run(["--desired", str(desired), verb, "--shard", shard]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "is no shard" in said.err


def test_the_shard_may_come_from_the_environment(desired, capsys, monkeypatch):
    """As indexes of jobs do."""
    monkeypatch.setenv("RECONCILER_PLAN_SHARD", f"{(MINE + 1) % OF}/{OF}")
    assert run(["--desired", str(desired), "plan"]) == 0
    assert "No target is of the shard" in capsys.readouterr().err


def test_a_saved_plan_has_no_shards(desired, capsys, tmp_path):
    assert run(["--desired", str(desired), "apply", str(tmp_path / "plan.json"), "--shard", "0/2"]) == 1
    assert "a saved plan says itself which targets it is for" in capsys.readouterr().err
