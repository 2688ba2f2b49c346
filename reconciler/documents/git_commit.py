"""The commit that a folder of YAML is of, read off its repository without running git.

Decided: docs/decisions.md#commits-in-plans-and-receipts
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from reconciler.untrusted_files import MADE_BY_TOOLS, NotReadable, read_regular, repository

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""SHA-1, or SHA-256 in repositories that are made so."""

_LARGEST = 16 << 20
"""Bytes of packed-refs: some 200,000 branches and tags."""


def commit_of(folder: Path) -> str:
    """The commit that is checked out where `folder` is, in hex; empty where it is in no repository, or where that is
    not to be read. Raises nothing: it is told beside, and nothing depends on it.

    Of changes that are not committed it knows nothing.
    """
    try:
        return _commit(_of_checkout(repository(folder) / MADE_BY_TOOLS))
    except (NotReadable, OSError, ValueError):
        return ""


def _of_checkout(place: Path) -> Path:
    """The folder of git's own files: of a further worktree, or of a submodule, `.git` is a file that says where."""
    if place.is_dir():
        return place
    says, _, path = _text(place).strip().partition(": ")
    if says != "gitdir":
        raise ValueError("not a file of git")
    return place.parent / path


def _commit(git: Path) -> str:
    head = _text(git / "HEAD").strip()
    says, _, name = head.partition(": ")
    if says != "ref":
        return head if _COMMIT.fullmatch(head) else ""
    if PurePosixPath(name).parts[:1] != ("refs",) or ".." in PurePosixPath(name).parts:
        return ""
    # What worktrees share lies elsewhere.
    shared = git / _text(git / "commondir").strip() if (git / "commondir").exists() else git
    for folder in (git, shared):
        if (folder / name).is_file():
            found = _text(folder / name).strip()
            return found if _COMMIT.fullmatch(found) else ""
    return _packed(shared, name)


def _packed(git: Path, name: str) -> str:
    for line in _text(git / "packed-refs").splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _text(path: Path) -> str:
    return read_regular(path, _LARGEST).decode()
