"""The files of YAML that a repository had at a commit, read by git, which runs nothing else and asks nobody for them.

Decided: docs/decisions.md#yaml-of-earlier-commits
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, NamedTuple, cast

from reconciler.untrusted_files import MADE_BY_TOOLS, repository

ENDINGS = (".yaml", ".yml", ".csv", ".json")
"""Of YAML, and of the rows that it may name, wherever these are in the repository."""

MOST_BYTES = 64 << 20
MOST_FILES = 20_000
SECONDS = 30.0
"""Of one call of git. A repository of 100,000 files is listed in less than one."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FILES, _LINK = ("100644", "100755", "100664"), "120000"

_AS_IT_IS = (
    "--no-pager", "--no-replace-objects", "--no-optional-locks",
    "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never",
)  # fmt: skip
_ALONE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""What a clone lacks is not fetched: its configuration may name any program for that."""


class NotInGit(Exception):
    """What a commit had cannot be read."""


class _Entry(NamedTuple):
    path: PurePosixPath
    mode: str
    blob: str
    size: int


def write_tree(folder: Path, commit: str, into: Path, *, leave_out: Path | None = None) -> Path:
    """Writes the files that the repository of `folder` had at `commit`, as far as YAML may need them, to the folder
    `into`, which then looks like a repository. Returns where `folder` is in it. `leave_out` is a file of today that is
    not looked for there.

    Raises NotInGit where that cannot be done, or not safely: of a part of the files nobody could say what is declared.
    """
    try:
        root = Path(os.path.realpath(repository(folder)))
        inside = PurePosixPath(Path(os.path.realpath(folder)).relative_to(root))
        if not _COMMIT.fullmatch(commit):
            raise NotInGit("not a commit")
        left = Path(os.path.realpath(leave_out)) if leave_out else None
        wanted = [each for each in _listed(root, commit, inside) if root / each.path != left]
        if len(wanted) > MOST_FILES or sum(each.size for each in wanted) > MOST_BYTES:
            raise NotInGit("too much")
        (into / MADE_BY_TOOLS).mkdir()
        (into / inside).mkdir(parents=True, exist_ok=True)
        links = []
        for entry, content in zip(wanted, _contents(root, wanted), strict=True):
            if entry.mode == _LINK:
                links.append((entry.path, os.fsdecode(content)))
                continue
            (into / entry.path).parent.mkdir(parents=True, exist_ok=True)
            with (into / entry.path).open("xb") as file:
                file.write(content)
        # After all files, none of which is written through one.
        for path, to in links:
            _link(into, path, to)
    except (OSError, ValueError) as error:
        raise NotInGit(str(error)) from None
    return into / inside


def _listed(root: Path, commit: str, inside: PurePosixPath) -> Iterator[_Entry]:
    for line in _git(root, ["ls-tree", "-r", "-l", "-z", "--full-tree", commit]).split(b"\0")[:-1]:
        says, _, name = line.partition(b"\t")
        mode, _, blob, size = says.decode("ascii").split()
        path = PurePosixPath(os.fsdecode(name))
        below = path.is_relative_to(inside)
        if below and mode not in (*_FILES, _LINK):
            raise NotInGit("a repository in a repository")
        if not (mode == _LINK and below) and not (mode in _FILES and path.suffix.lower() in ENDINGS):
            continue
        if path.is_absolute() or any(part == ".." or part.lower() == MADE_BY_TOOLS for part in path.parts):
            raise NotInGit("a path that leads out")
        yield _Entry(path, mode, blob, int(size))


def _contents(root: Path, entries: Sequence[_Entry]) -> Iterator[bytes]:
    asked = "".join(f"{each.blob}\n" for each in entries).encode("ascii")
    answer = _git(root, ["cat-file", "--batch"], asked) if entries else b""
    at = 0
    for each in entries:
        head = f"{each.blob} blob {each.size}\n".encode("ascii")
        if not answer.startswith(head, at):
            raise NotInGit("not there")
        at += len(head) + each.size + 1
        yield answer[at - each.size - 1 : at - 1]


def _link(into: Path, path: PurePosixPath, to: str) -> None:
    """Makes a link that stays inside: what lies outside is of today, and not of the commit."""
    leads = os.path.normpath(path.parent / to)
    if PurePosixPath(to).is_absolute() or PurePosixPath(leads).parts[:1] == ("..",):
        raise NotInGit("a link that leads out")
    (into / path).parent.mkdir(parents=True, exist_ok=True)
    (into / path).symlink_to(to)
    if not Path(os.path.realpath(into / path)).is_relative_to(os.path.realpath(into)):
        raise NotInGit("a link that leads out")


def _git(root: Path, arguments: Sequence[str], given: bytes = b"") -> bytes:
    """What git writes. Raises NotInGit where it fails, is not there, or says too much or for too long."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ALONE
    with TemporaryFile() as asked:
        asked.write(given)
        asked.seek(0)
        with subprocess.Popen(  # noqa: S603 - no shell, and each argument is ours
            ["git", *_AS_IT_IS, "-C", str(root), *arguments],  # noqa: S607 - that of the PATH
            stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env,
        ) as process:  # fmt: skip
            try:
                found = _read(cast("IO[bytes]", process.stdout), time.monotonic() + SECONDS)
                failed = process.wait(timeout=SECONDS) != 0
            except (NotInGit, subprocess.TimeoutExpired):
                raise NotInGit("too much, or too slow") from None
            finally:
                process.kill()
    if failed:
        raise NotInGit("refused by git")
    return found


def _read(stream: IO[bytes], until: float) -> bytes:
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(max(0.0, until - time.monotonic())):
            part = os.read(stream.fileno(), 1 << 20)
            if not part:
                return bytes(found)
            found += part
            if len(found) > MOST_BYTES + MOST_FILES * 100:
                break
    raise NotInGit("too much, or too slow")
