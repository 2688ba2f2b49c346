"""Files of somebody else, read without being led astray: regular ones only, up to a size, and not where they lead out.

A pipe would hang whoever opens it, a device has no end, and what the kernel shows under /proc (`/proc/self/environ`)
holds the secrets of this very process.

Decided: docs/decisions.md#files
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

SYSTEM_FOLDERS = ("/proc", "/sys")
"""What is in there are no files, although some of it says of itself that it is regular."""

MADE_BY_TOOLS = ".git"
"""Never read below a repository: its configuration may hold the token that it was fetched with."""


class NotReadable(Exception):
    """A file is not read; the message says why, and fits behind the file's name: "is not a regular file"."""


def read_regular(path: Path, most: int, *, below: Sequence[Path] | None = None) -> bytes:
    """The content of a regular file of at most `most` bytes. `below`: it has to be in one of these folders, links
    resolved; None: it may be anywhere.

    Raises NotReadable; FileNotFoundError where there is nothing at all.
    """
    try:
        real = Path(os.path.realpath(path, strict=True))
        refuse_outside(real, below)
        # Not through a link that has come meanwhile, and not waiting for the other end of a pipe.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise NotReadable("is a directory")
            if not stat.S_ISREG(status.st_mode) or _of_the_kernel(status):
                raise NotReadable("is not a regular file")
            if status.st_size > most:
                raise NotReadable(f"is larger than {most >> 20} MB")
            # A file that says to be empty and is not, is made by the kernel while it is read.
            return stream.read(status.st_size)
    except FileNotFoundError:
        if path.exists():  # a pipe by its number, which leads nowhere
            raise NotReadable("is not a regular file") from None
        raise
    except OSError as error:
        # A socket answers ENXIO when it is opened, a device without a driver ENODEV.
        raise NotReadable(f"cannot be read: {error.strerror}") from None


def refuse_outside(real: Path, below: Sequence[Path] | None) -> None:
    """Raises NotReadable where `real`, a path without links, is of the kernel, or in none of the folders `below`."""
    if any(real.is_relative_to(folder) for folder in SYSTEM_FOLDERS):
        raise NotReadable("is not a regular file: it leads to what the system makes")
    if below is None:
        return
    roots = [Path(os.path.realpath(folder)) for folder in below]
    around = [root for root in roots if real.is_relative_to(root)]
    if not around:
        raise NotReadable(f"is not below {' or '.join(map(str, roots))}")
    if all(MADE_BY_TOOLS in real.relative_to(root).parts for root in around):
        raise NotReadable(f"is inside of {MADE_BY_TOOLS}, which may hold credentials")


def repository(folder: Path) -> Path:
    """The repository that `folder` is in; else the folder around it, as long as that is not the root of the system.

    Where `folder` itself is a link counts where the link stands, not where it leads.
    """
    real = Path(os.path.realpath(folder.parent if folder.name not in ("", "..") else folder))
    real = real / folder.name if folder.name not in ("", "..") else real
    for place in (real, *real.parents):
        if (place / MADE_BY_TOOLS).exists():
            return place
    return real.parent if real.parent != Path(real.anchor) else real


def _of_the_kernel(status: os.stat_result) -> bool:
    """Whether a file is on the file system of /proc or /sys, by whatever path it was reached."""
    for folder in SYSTEM_FOLDERS:
        try:
            if status.st_dev == Path(folder).stat().st_dev:
                return True
        except OSError:  # there is none on this system
            continue
    return False
