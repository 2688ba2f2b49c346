"""Dockerfile and requirements.txt: what is installed is pinned, and whoever runs it is not root."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib

import pytest
from docs.pages import ROOT
from packaging.requirements import Requirement
from pipelines.checkers import complaints

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = dict(
    re.findall(r"^([\w.-]+)==(\S+)(?: ;.*)? \\$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M)
)
"""Versions, by name."""


@pytest.mark.thorough
def test_hadolint_finds_nothing():
    assert complaints("hadolint", "--no-color", ROOT / "Dockerfile") == ""


def test_the_base_is_held_by_its_version():
    [base] = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.M)
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) == {"${BASE}"}
    assert set(re.findall(r"python:[\w.-]+\w", DOCKERFILE)) == {base}


def test_it_does_not_run_as_root():
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)
    assert users == ["10001:10001"], "by number, as Kubernetes asks for"


def test_what_is_copied_is_there_and_nothing_else_is_sent():
    sent = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M))
    copied = {
        name
        for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M)
        for name in line.split()
        if (ROOT / name).exists()
    }
    assert sent == copied


def test_every_requirement_is_pinned_as_the_project_allows():
    needed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    for requirement in map(Requirement, needed):
        assert PINNED[requirement.name.lower()] in requirement.specifier, "run: make requirements"


def test_every_pinned_version_is_held_by_hashes():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.M).strip())
    assert len(entries) == len(PINNED)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.thorough
def test_what_the_image_installs_can_be_installed(tmp_path):
    """The lines of the Dockerfile, in a virtual environment, from the index that pip has."""
    python = tmp_path / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    if subprocess.run(
        [python, "-m", "pip", "download", "--quiet", "--no-deps", f"cronsim=={PINNED['cronsim']}", "-d", tmp_path],
        capture_output=True, check=False,
    ).returncode:  # fmt: skip
        pytest.skip("pip reaches no index")
    lines = re.findall(r"^RUN (pip install .+)$", DOCKERFILE, re.M)
    assert len(lines) == 2
    environment = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for line in lines:
        subprocess.run(["bash", "-euc", line], cwd=ROOT, env=environment, check=True)
    version = subprocess.run([tmp_path / "bin" / "reconciler", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"reconciler, version {_version()}\n"


def _version() -> str:
    return re.search(r'__version__ = "(.+)"', (ROOT / "reconciler/__init__.py").read_text(encoding="utf-8"))[1]
