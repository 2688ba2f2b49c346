"""The disks of a server: PostgreSQL does not tell free space, so they are seen only where this process runs beside it.

A data directory is the server's own where its postmaster.pid names port and start of the very server that answers: a
path of the same name in another container is not taken for it.
"""

from __future__ import annotations

import os
from pathlib import Path

START_TOLERANCE = 10.0
"""Seconds between the start that postmaster.pid names and the one that the server names, which is a little later."""


def is_here(data: Path, port: str, started: float) -> bool:
    """Whether `data` is the data directory of the server of this `port` that was `started` then."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[3] == port and abs(int(lines[2]) - started) <= START_TOLERANCE
    except (OSError, IndexError, ValueError):
        return False


def free(path: Path) -> int:
    """Bytes that are free on the disk of `path`. Raises OSError."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
