"""Writes a file whole or not at all, for those who may read it and nobody else.

A plan tells how a server is set up, and an apply does what it says: a new file is its owner's alone, and one that
exists keeps whose it is and who may read it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from reconciler.errors import DocumentError

NEW_FILE = 0o600


def write_text(text: str, path: Path, *, new_mode: int = NEW_FILE) -> None:
    """Writes `text` to `path`: what was there before stays until the new file is complete.

    A file that was not there gets `new_mode`, as far as the process' umask lets it. Through a symbolic link it writes
    what that leads to. A pipe, a terminal or an open descriptor (/dev/stdout) gets the text as it is. Raises
    DocumentError where it cannot be written.
    """
    try:
        if _is_stream(path):
            _into_stream(text, path)
        else:
            _replace(text, Path(os.path.realpath(path)) if path.is_symlink() else path, new_mode)
    except OSError as error:
        _refuse(path, f"cannot be written: {_why(error, path)}", "nothing was written")


def open_growing(path: Path) -> int:
    """A descriptor of `path` for what is written bit by bit: a file is emptied, or made, and a stream is as it is.

    Raises DocumentError where it cannot be written.
    """
    try:
        if _is_stream(path):
            return _open_stream(path)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, NEW_FILE)
    except OSError as error:
        _refuse(path, f"cannot be written: {_why(error, path)}", "nothing was run")


def expect_writable(path: Path) -> None:
    """Raises DocumentError where `write_text` could not write to `path`, as far as that is to be seen before."""
    try:
        if not _is_stream(path):
            _probe(Path(os.path.realpath(path)) if path.is_symlink() else path)
    except OSError as error:
        _refuse(path, f"cannot be written: {_why(error, path)}", "nothing was run")


def _probe(path: Path) -> None:
    """Makes the file that `_replace` would rename, and takes it away."""
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_FILE))
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """Another one for each file, however much of a long name they share: several threads write beside each other, and
    processes of several containers, which have the same number there."""
    if not path.name:
        return path
    mark = sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f".{path.name[:50]}.{mark}.{os.getpid()}.part")


def _is_stream(path: Path) -> bool:
    """Whether writing to `path` leaves nothing that could be replaced."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode):
        return _is_descriptor(path)
    if not stat.S_ISFIFO(mode) and not stat.S_ISCHR(mode):
        _refuse(path, "cannot be written: it is not a file", "name a file in a folder that exists")
    return True


def _is_descriptor(path: Path) -> bool:
    """Whether `path` names what this process has open: replaced under its feet, it would be lost."""
    for _ in range(40):  # as many links as Linux follows
        if path.parent.resolve().as_posix().startswith("/proc/"):
            return True
        if not path.is_symlink():
            return False
        path = path.parent / path.readlink()
    return False


def _into_stream(text: str, path: Path) -> None:
    with os.fdopen(_open_stream(path), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _open_stream(path: Path) -> int:
    # A pipe that nobody reads is an error, and not waited for.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def _replace(text: str, path: Path, new_mode: int) -> None:
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)  # of a run that was killed, and had the same process id
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    mode = new_mode if before is None else NEW_FILE
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            if before is not None:
                _as_before(descriptor, before)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _as_before(descriptor: int, before: os.stat_result) -> None:
    """Owner and group as far as this process may give them, then the mode. A group that it cannot give gets nothing."""
    mode = stat.S_IMODE(before.st_mode)
    with suppress(OSError):
        os.fchown(descriptor, -1, before.st_gid)
    with suppress(OSError):
        os.fchown(descriptor, before.st_uid, -1)
    if os.fstat(descriptor).st_gid != before.st_gid:
        mode &= ~stat.S_IRWXG
    os.fchmod(descriptor, mode)


def _why(error: OSError, path: Path) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            gone = "takes no new file" if path.parent.is_dir() else "does not exist"
            return f"the folder {path.parent} {gone}"
        case errno.ENAMETOOLONG:
            return "the name is too long"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"no permission to write in {path.parent}"
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk of {path.parent} is full"
        case errno.ENXIO:
            return "nobody reads what is written to it"
        case _:
            return error.strerror or str(error)


def _refuse(path: Path, what: str, hint: str) -> NoReturn:
    raise DocumentError(f"{path} {what}", hint=hint) from None
