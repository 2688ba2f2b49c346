"""Finds and reads the YAML files of a folder.

Decided: docs/decisions.md#links-out-of-the-repository
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.errors import DesiredError, UsageError
from reconciler.untrusted_files import NotReadable, read_regular, refuse_outside
from reconciler.yaml.document import MOST_BYTES, parse
from reconciler.yaml.node import Node

_ENDINGS = (".yaml", ".yml")


class Document(NamedTuple):
    """One document of one file; `file` is its path as errors show it."""

    file: str
    root: Node


def read_documents(
    folder: Path, errors: list[DesiredError], *, below: Sequence[Path] | None = None, leave_out: Path | None = None,
    home: Path | None = None, strange: set[str] | None = None,
) -> list[Document]:  # fmt: skip
    """All documents under `folder`, by path of the file. Hidden files and folders do not count; symbolic links do.

    `below`: links may not lead out of these folders. `leave_out` is a file that is read otherwise. What is wrong with a
    file is added to `errors`. Files that links lead to out of `home`, the repository, and out of `folder`, wherever it
    is, are added to `strange`: nothing in them need be YAML of ours. Raises UsageError where there is no such folder.
    """
    if not folder.is_dir():
        what = "is not a folder" if os.path.lexists(folder) else "does not exist"
        raise UsageError(
            f"the folder {_shown(folder)!r} with the desired state {what}",
            hint="name the right one with --desired DIR, or in the variable RECONCILER_DESIRED",
        )
    documents: list[Document] = []
    found = False
    try:
        for path in _yaml_files(folder, set()):
            found = True
            file = _shown(path)
            if strange is not None and home is not None and _leads_out(path, (home, folder)):
                strange.add(file)
            try:
                if leave_out is None or not path.exists() or not path.samefile(leave_out):
                    documents.extend(Document(file, root) for root in parse(_content(path, file, below), file))
            except DesiredError as error:
                errors.append(error)
    except OSError as error:
        errors.append(DesiredError(f"the folder {_shown(error.filename or folder)} cannot be read: {error.strerror}"))
    if not found and leave_out is None and not errors:
        errors.append(
            DesiredError(
                f"no YAML under {_shown(folder)}: there is no file whose name ends in .yaml or .yml",
                hint='begin with targets.yaml: targets: {main: {postgres: "${DATABASE_URL}"}}',
            )
        )
    return documents


def read_file(path: Path) -> list[Document]:
    """The documents of one file. Raises DesiredError."""
    file = _shown(path)
    return [Document(file, root) for root in parse(_content(path, file, None), file)]


def _yaml_files(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Files sorted by path. A folder that links lead to a second time, or in a circle, counts once."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.name.lower().endswith(_ENDINGS):
            yield path
        elif path.is_dir():
            yield from _yaml_files(path, seen)


def _leads_out(path: Path, homes: Sequence[Path]) -> bool:
    try:
        refuse_outside(Path(os.path.realpath(path)), homes)
    except NotReadable:
        return True
    return False


def _content(path: Path, file: str, below: Sequence[Path] | None) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise DesiredError("this is a folder, and named like a YAML file", at=file, hint="rename the folder")
        if not stat.S_ISREG(status.st_mode):
            raise DesiredError("this is not a regular file", at=file, hint="put a file, or a link to one, here")
        if status.st_size > MOST_BYTES:
            raise DesiredError(
                f"the file has {status.st_size / 1024**2:.1f} MB; at most {MOST_BYTES // 1024**2} MB are read",
                at=file,
                hint="split it: all files of the folder are read, and targets may be shared between them",
            )
        return read_regular(path, MOST_BYTES, below=below)
    except NotReadable as error:
        raise DesiredError(f"the file {error}", at=file) from None
    except FileNotFoundError:
        reason = "it is a symbolic link to nothing" if path.is_symlink() else "it is gone"
        raise DesiredError(f"the file cannot be read: {reason}", at=file, hint="remove or mend the link") from None
    except OSError as error:
        raise DesiredError(f"the file cannot be read: {error.strerror}", at=file) from None


def _shown(path: Path | str) -> str:
    """A path that any terminal can print, whatever bytes it is made of."""
    text = os.fspath(path).encode("utf-8", "backslashreplace").decode()
    return text if text.isprintable() else text.encode("unicode_escape").decode()
