"""Whether a server could write a file anew, as CONFIG REWRITE and ACL SAVE do.

Both make a file beside the old one, and rename it: the folder has to be writable, the file only readable, and it may
not be a mount of its own (EBUSY; seen on 6.2, 7.0 and Valkey 9.1), as a file is that is mounted into a container.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

READ_AROUND, OWN_AROUND = 1 << 1, 1 << 3
"""CAP_DAC_OVERRIDE and CAP_FOWNER of capabilities(7)."""


def unwritable(path: str, process: Path) -> str:
    """Why the server of `process` (/proc/PID) could not write `path` anew, and what to do; empty where it could, or
    that is not to be seen."""
    try:
        return _unwritable(Path(path), process)
    except (OSError, ValueError, KeyError):
        return ""


def _unwritable(path: Path, process: Path) -> str:
    if str(path) in _mounts(process):
        return (
            f"{path} is a mount of its own, which no file can take the place of. Mount its folder instead; or keep the "
            "value in the file that is mounted, and declare `persist: no`"
        )
    folder = path.parent
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder} is mounted read-only. Mount it writable; or declare `persist: no`"
    account = _Account(process)
    if not account.may(folder, writing=True):
        return f"the server's account ({account.user}) may not write into {folder}, which a new file needs. Let it"
    if path.exists() and not account.may(path, writing=False):
        return f"the server's account ({account.user}) may not read {path}. Let it"
    if path.exists() and not account.may_replace(path, folder):
        return f"{path} belongs to another account than the server's ({account.user}), and {folder} is sticky"
    return ""


def _mounts(process: Path) -> set[str]:
    """Where something is mounted, as the server sees it: field 5 of mountinfo, with octal escapes."""
    lines = (process / "mountinfo").read_text(errors="surrogateescape").splitlines()
    return {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines}


class _Account:
    """The account that a server runs by, from proc(5)'s status. Raises OSError, KeyError, ValueError."""

    def __init__(self, process: Path) -> None:
        said = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        self.user = int(said["Uid"].split()[1])
        self._groups = {int(said["Gid"].split()[1]), *map(int, said["Groups"].split())}
        self._capable = int(said["CapEff"], 16)

    def may(self, path: Path, *, writing: bool) -> bool:
        """Whether it may write into the folder, or read the file, `path`; by its mode alone."""
        if self._capable & READ_AROUND:
            return True
        found = path.stat()
        needed = 0o3 if writing else 0o4
        if found.st_uid == self.user:
            return found.st_mode >> 6 & needed == needed
        return found.st_mode >> (3 if found.st_gid in self._groups else 0) & needed == needed

    def may_replace(self, path: Path, folder: Path) -> bool:
        """Whether it may rename another file to `path`: in a sticky folder only its owner, or the folder's."""
        owners = {path.lstat().st_uid, folder.stat().st_uid}
        sticky = folder.stat().st_mode & stat.S_ISVTX
        return not sticky or self.user in owners or bool(self._capable & OWN_AROUND)
