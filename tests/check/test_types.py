"""A type of check is a module and a line: one that nobody knows is declared, read, decided, shown and documented."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.kinds.check.check_type import CheckType
from reconciler.kinds.check.documentation import HEADINGS, of_type
from reconciler.kinds.check.types import TYPES
from reconciler.model import Frozen

ROOT = Path(__file__).parents[2]
MODULE = Path("reconciler/kinds/check/types")

TOY = """\
\"""Whether a folder beside the YAML is small.

What
    The folder has at most so many files.

Why
    It is only a toy.

How to write it
    id: toy
    title: The folder is small
    check: {folder: toys, most: 3}
\"""

from __future__ import annotations

from reconciler.kinds.check.check_type import CheckType
from reconciler.kinds.check.verdict import passed_if
from reconciler.model import Frozen


class FolderCheck(Frozen):
    \"""A folder.\"""

    folder: str
    most: int


class FoundFolder(Frozen):
    files: int


def read(session, checks):
    return {
        part: FoundFolder(files=len(list((part.folder / check.folder).iterdir()))) for part, check in checks.items()
    }


def decide(check, found, known):
    return passed_if("" if found.files <= check.most else f"at most {check.most}", f"{found.files} files", "static")


TYPE = CheckType(FolderCheck, read=read, decide=decide)
"""

DECLARED = """\
targets: {app: {http: ""}}
---
target: app
checklist:
  - {id: one, title: One, check: {folder: toys, most: 1}}
  - {id: two, title: Two, check: [{folder: toys, most: 2}, {file: {path: toys/a, contains: a}}]}
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of the copy in `folder`."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_type_is_one_module_and_one_line(tmp_path):
    for name in ("reconciler", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for page in ROOT.glob("*.md"):
        shutil.copy(page, tmp_path)
    (tmp_path / "plans").mkdir()
    shutil.copy(ROOT / "plans" / "README.md", tmp_path / "plans")
    (tmp_path / MODULE / "folder.py").write_text(TOY, encoding="utf-8")
    table = tmp_path / MODULE / "__init__.py"
    table.write_text(
        table.read_text("utf-8").replace('    "file",\n', '    "file",\n    "folder",\n'), encoding="utf-8"
    )
    desired = tmp_path / "desired"
    (desired / "toys").mkdir(parents=True)
    for name in "ab":
        (desired / "toys" / name).write_text(name, encoding="utf-8")
    (desired / "list.yaml").write_text(DECLARED, encoding="utf-8")

    checked = run(tmp_path, "-m", "reconciler", "--desired", str(desired), "check", "--format", "json")
    assert checked.returncode == 2, checked.stdout + checked.stderr
    results = {each["address"].rpartition("/")[2]: each for each in json.loads(checked.stdout)["checks"]}
    assert (results["one"]["status"], results["one"]["message"]) == ("fail", "2 files; wanted at most 1")
    assert results["two"]["status"] == "pass"
    (desired / "list.yaml").write_text(DECLARED.replace("folder: toys, most: 1", "foldr: toys, most: 1"), "utf-8")
    refused = run(tmp_path, "-m", "reconciler", "--desired", str(desired), "validate")
    assert 'did you mean "folder"?' in refused.stdout + refused.stderr

    generated = run(tmp_path, "docs/generate.py")
    assert generated.returncode == 0, generated.stderr
    assert "FolderCheck" in json.loads((tmp_path / "docs" / "schema.json").read_text("utf-8"))["$defs"]
    assert "| The folder has at most so many files. |" in (tmp_path / "docs" / "yaml.md").read_text("utf-8")
    assert "  - id: toy\n" in (tmp_path / "docs" / "checks.md").read_text("utf-8")


def test_every_module_of_a_type_stands_in_the_table():
    modules = {path.stem for path in (ROOT / MODULE).glob("*.py")} - {"__init__"}
    assert modules == set(TYPES)


@pytest.mark.parametrize("key", TYPES)
def test_a_type_is_whole(key):
    check_type = TYPES[key]
    assert key in check_type.model.model_fields
    assert check_type.model.__module__.endswith(f".types.{key}")
    by_evidence = check_type.read is not None and check_type.decide is not None
    assert by_evidence != (check_type.decided_by_plan is not None)
    assert all(of_type(check_type))


def test_a_docstring_without_the_headings_is_refused():
    class Undocumented(Frozen):
        pass

    with pytest.raises(ValueError, match=HEADINGS[0]):
        of_type(CheckType(Undocumented))
