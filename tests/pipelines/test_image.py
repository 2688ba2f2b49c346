"""Dockerfile and requirements.txt: what is installed is pinned, and whoever runs it is not root."""

from __future__ import annotations

import re
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
