"""The commit of a folder of YAML, beside what git itself says of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.documents.git_commit import commit_of


def git(folder: Path, *arguments: str) -> str:
    """What git says, whatever is configured for the person who runs the tests."""
    named = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit, with a folder of YAML."""
    found = tmp_path / "repository"
    (found / "desired").mkdir(parents=True)
    (found / "desired" / "targets.yaml").write_text("targets: {}\n")
    git(found, "init", "-q", "-b", "main")
    git(found, "add", ".")
    git(found, "commit", "-q", "-m", "first")
    return found


def as_it_is(repository: Path) -> Path:
    return repository / "desired"


def packed(repository: Path) -> Path:
    git(repository, "pack-refs", "--all")
    return repository / "desired"


def detached(repository: Path) -> Path:
    """As a pipeline checks it out."""
    git(repository, "checkout", "-q", "--detach")
    return repository / "desired"


def worktree(repository: Path) -> Path:
    git(repository, "worktree", "add", "-q", "-b", "other", str(repository.parent / "other"))
    (repository.parent / "other" / "more").touch()
    git(repository.parent / "other", "add", ".")
    git(repository.parent / "other", "commit", "-q", "-m", "second")
    return repository.parent / "other" / "desired"


def submodule(repository: Path) -> Path:
    around = repository.parent / "around"
    around.mkdir()
    git(around, "init", "-q")
    git(around, "submodule", "--quiet", "add", str(repository), "inner")
    return around / "inner" / "desired"


def of_sha256(repository: Path) -> Path:
    found = repository.parent / "long"
    found.mkdir()
    git(found, "init", "-q", "--object-format=sha256")
    git(found, "commit", "-q", "--allow-empty", "-m", "first")
    return found


@pytest.mark.parametrize("made", [as_it_is, packed, detached, worktree, submodule, of_sha256])
def test_it_is_what_git_says(repository, made):
    folder = made(repository)
    assert commit_of(folder) == git(folder, "rev-parse", "HEAD") != ""


def test_without_a_repository_there_is_none(tmp_path):
    assert commit_of(tmp_path) == ""


@pytest.mark.parametrize(
    "head", ["", "ref: refs/heads/gone", "ref: ../../secret", "ref: refs/../../secret", "no commit", "ref: HEAD"]
)
def test_a_repository_that_is_none_or_leads_elsewhere_tells_nothing(repository, head):
    (repository / "secret").write_text("a" * 40)
    (repository / ".git" / "HEAD").write_text(head)
    assert commit_of(repository / "desired") == ""


def test_what_is_no_text_is_no_error(repository):
    (repository / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert commit_of(repository / "desired") == ""
