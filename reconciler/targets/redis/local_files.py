"""What the files of a Redis server on this machine would bring at the next start, and why they are not looked at.

Decided: docs/decisions.md#arguments-that-a-server-hides
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.model import Note, NoticeType
from reconciler.targets.redis.process import arguments
from reconciler.targets.redis.redis_conf import Line, Unreadable, defined_twice, read_arguments, read_file, read_users
from reconciler.targets.redis.writable_files import unwritable
from reconciler.targets.session import Remark


@dataclass(frozen=True, slots=True)
class Seen:
    """What a start would read. `lines` is None where that is not to be seen: `why` says why.

    `hidden`: it would be, but for arguments of the command line, which win over the file and cannot be read.
    """

    lines: tuple[Line, ...] | None = None
    why: str = ""
    hidden: bool = False

    @property
    def remark(self) -> Remark | None:
        """What is to be known of all that is planned."""
        if self.hidden:
            return Remark(
                NoticeType.NOT_VISIBLE,
                f"{self.why}: it wins over the file, so that a restart may undo what is applied. Write it into the "
                "file instead; or have it shown, by `set-proc-title no`",
            )
        if self.why:
            message = f"the server's files are not compared with what runs: {self.why}"
            return Remark(NoticeType.NOTE, message, Note.FILES_NOT_COMPARED)
        return None


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a server, if it is here and we may read them. `server` is INFO server; they are read each time.

    `elsewhere`: not empty: why the server is not one whose files are seen from here.
    """

    server: Mapping[str, Any]
    elsewhere: str

    def look(self) -> Seen:
        """What the configuration file and the command line set at a start. Passwords may stand in it."""
        path = str(self.server.get("config_file") or "")
        if self.elsewhere or not path:
            return Seen(why=self.elsewhere)
        try:
            lines = read_file(path)
        except OSError as error:
            return Seen(why=f"{error.filename or path} cannot be read: {error.strerror}")
        except (Unreadable, ValueError) as error:
            return Seen(why=f"{path} is not read: {error}")
        try:
            return Seen((*lines, *read_arguments(arguments(self.server, path, lines))))
        except (OSError, Unreadable, ValueError, KeyError, IndexError):
            return Seen(why=f"what its command line sets beside {path} is not to be seen", hidden=True)

    def configuration(self) -> tuple[Line, ...] | None:
        """The lines of `look`."""
        return self.look().lines

    def users(self, acl_file: str) -> tuple[Line, ...] | None:
        """The lines of the users in the ACL file; None where they are not to be seen. Passwords are in them."""
        if self.elsewhere or not acl_file.startswith("/"):
            return None
        try:
            return read_users(acl_file)
        except (OSError, Unreadable):
            return None

    def rewrite_breaks(self, version: tuple[int, ...]) -> str:
        """Why CONFIG REWRITE would fail, or a server of this version would not start any more after it; empty where
        nothing is seen."""
        twice = "" if version < (7,) else defined_twice(self.configuration() or ())
        if twice:
            return (
                f"CONFIG REWRITE would define the user in {twice} once more in the main file, and the server would not "
                "start: move the users of included files into the main one, or into an ACL file"
            )
        return self._unwritable("CONFIG REWRITE", str(self.server.get("config_file") or ""))

    def save_breaks(self, acl_file: str) -> str:
        """Why ACL SAVE would fail; empty where nothing is seen."""
        return self._unwritable("ACL SAVE", acl_file)

    def _unwritable(self, command: str, path: str) -> str:
        if self.elsewhere or not path.startswith("/"):
            return ""
        why = unwritable(path, Path("/proc") / str(self.server["process_id"]))
        return f"{command} would fail: {why}" if why else ""
