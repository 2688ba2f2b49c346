"""docs/fleets.md: its examples are loaded, its commands run, and they say what the page shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from applying.acting import Command
from docs.pages import blocks, marked

from reconciler.allow_lists import Reach
from reconciler.desired.load import load
from reconciler.kinds.registry import KINDS
from reconciler.secrets import Secrets

EXAMPLES = [("template", "fleet", "fleet says"), ("shared", "shared commands", "shared says")]


@pytest.mark.parametrize(("declared", "commands", "says"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_the_commands_say_what_the_page_shows(tmp_path: Path, declared: str, commands: str, says: str):
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(marked(declared))
    (folder / "tenants.csv").write_text(marked("tenants"))
    told = ""
    for line in marked(commands).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "reconciler"
        code, out, err = Command(folder, {}).run(*arguments)
        assert (code, err) == (0, "")
        told += out.replace(f"{tmp_path}/", "")
    assert told == marked(says)


def test_the_file_of_targets_is_one_and_validate_says_what_it_has_not_seen(tmp_path: Path):
    [block] = blocks("yaml targets")
    targets, folder = tmp_path / "targets.yaml", tmp_path / "desired"
    folder.mkdir()
    targets.write_text(block.text)
    found = load(folder, KINDS, {}, Secrets({}, Reach(targets=targets)), offline=True)
    assert [each.name for each in found.unseen] == ["tenants"]
    code, out, err = Command(folder, {}).run("--targets", targets, "validate")
    assert (code, err) == (0, "")
    assert out.replace(f"{tmp_path}/", "").splitlines()[1:] == [
        line for block in blocks("text") for line in block.text.splitlines() if line.startswith("Not seen")
    ]
