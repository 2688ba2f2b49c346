"""Files and folders that the server writes at its start, or that have to be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen
from reconciler.kinds.pg_setting.values import Canonical

LOGGING = frozenset({"log_directory", "log_file_mode", "log_filename", "logging_collector"})
NAMES = LOGGING | {"external_pid_file", "stats_temp_directory", "unix_socket_directories"}

_OWN = frozenset({"base", "global"})
"""The server's own folders, beside those that begin with pg_."""

LONGEST_NAME = 200
"""Bytes of log_filename; a name of a file has 255 (NAME_MAX), of which the placeholders and `.json` want some."""


def paths(coming: Mapping[str, Canonical]) -> Iterator[str]:
    """What has to be looked at."""
    for name in ("external_pid_file", "log_directory", "stats_temp_directory"):
        path = coming.get(name)
        if isinstance(path, str) and path:
            yield path
            yield str(PurePosixPath(path).parent)
    folders = coming.get("unix_socket_directories", ())
    if isinstance(folders, tuple):
        yield from (folder for folder in folders if not folder.startswith("@"))


def logging(start: Start) -> str:
    """Whether the collector can open its first file, which must not be one of the server's own."""
    if start.text("logging_collector") != "on" or not {"log_directory", "log_filename"} <= start.coming.keys():
        return ""
    folder, name = start.text("log_directory"), start.text("log_filename")
    if name in ("", ".", "..") or "/" in name or "%D" in name or "%x" in name or len(name.encode()) > LONGEST_NAME:
        return f"log_filename {name!r} is not the name of a file in log_directory"
    if not start.number("log_file_mode") & 0o200:
        return "log_file_mode gives it no right to write to a file that it made before: declare 0600"
    if not folder:
        return "log_directory is empty, which is the root of the file system: declare log_directory: log"
    if _owned(start, folder) and not name.endswith(".log"):
        return f"{name} in {folder} may be a file of the server's own: declare log_directory: log"
    if not start.differs("log_directory") and start.now.get("logging_collector") == "on":
        return ""
    seen = start.around.paths.get(folder)
    inside = start.inside(folder) is not None
    if seen is None:
        return Unseen(f"whether the server may write its log to {folder} could not be seen")
    if seen == "directory" and inside:
        return ""
    above = str(PurePosixPath(folder).parent)
    if seen == "missing" and start.around.paths.get(above) == "directory" and inside:
        return ""  # the server makes it
    if seen == "directory":
        return (
            f"it has to write its log to {folder}, and nobody can see from here whether it may: set log_directory "
            "where the server is configured, or declare log_directory: log, which is in the data directory"
        )
    return (
        f"log_directory {folder} is no directory that it could write to: make it first, or declare log_directory: log"
    )


def pid_file(start: Start) -> str:
    """The server writes this file when it starts, and deletes it when it stops: whatever it was."""
    path = start.text("external_pid_file")
    if not path or not start.differs("external_pid_file"):
        return ""
    name = PurePosixPath(path).name
    if name.endswith(".pid") and name != "postmaster.pid":
        return ""
    seen = start.around.paths.get(path)
    if seen == "missing":
        return ""
    if seen is None:
        return f"it would overwrite {path}, and delete it when it stops: give it a name that ends in .pid"
    return f"it would overwrite {path}, which is there, and delete it when it stops: name a file of its own"


def statistics(start: Start) -> str:
    """The folder for statistics (until 14) has to be there."""
    path = start.text("stats_temp_directory")
    if not start.differs("stats_temp_directory"):
        return ""
    if not path:
        return "stats_temp_directory is empty, and has to be a directory"
    seen = start.around.paths.get(path)
    if seen is None:
        return Unseen(f"whether {path} is a directory could not be seen")
    return "" if seen == "directory" else f"{path} is no directory: make it first"


def _owned(start: Start, folder: str) -> bool:
    """Whether it is the data directory, or one of the server's own folders in there."""
    if ".." in PurePosixPath(folder).parts:
        return True
    found = start.inside(folder)
    if found is None:
        return False
    first = found.parts[0] if found.parts else ""
    return not first or first in _OWN or (first.startswith("pg_") and first != "pg_log")
