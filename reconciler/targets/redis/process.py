"""Whether a Redis server is a process of this very machine, and what can be seen of how it was started.

Decided: docs/decisions.md#the-socket-as-proof, docs/decisions.md#hidden-command-lines,
docs/decisions.md#name-of-a-process
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from reconciler.targets.redis.other_end import holds_other_end
from reconciler.targets.redis.redis_conf import Line, Unreadable

COMM_LENGTH = 15
"""Characters that the kernel keeps of the name by which a program was started."""


def elsewhere(server: Mapping[str, Any], connection: socket.socket) -> str:
    """Why the process of INFO `server` is not one of this machine whose files we see; empty where it is.

    A process of the same number and name may run here while the server is elsewhere, so only the socket proves it: the
    kernel says who holds the other end of `connection`. Needs the same account as the server's, or root's.

    INFO's `executable` is made of the name that the program was started by, and is wrong where that was looked up in
    PATH. The kernel's own name for the process is that of the file, which is the same.
    """
    try:
        number, executable = int(server["process_id"]), Path(str(server["executable"]))
    except (KeyError, ValueError):
        return "its process and its file are not to be seen: the tool's user needs +info"
    here = Path("/proc") / str(number)
    try:
        name = (here / "comm").read_text(errors="replace").rstrip("\n")
        if name != executable.name[:COMM_LENGTH] and (here / "exe").readlink() != executable.resolve():
            return f"it is on another machine, or in a container: process {number} of this one is another program"
        if (here / "ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink():
            return "it is in a container, and has files of its own"
        if not (here / "root").samefile("/"):
            return "it has a root directory of its own"
        if not holds_other_end(here, connection):
            return f"it is on another machine, or behind a proxy: process {number} does not hold the other end"
    except PermissionError:
        return f"process {number} belongs to another account: run this as that one, or as root"
    except OSError:
        return f"it is on another machine, or in a container: there is no process {number} on this one"
    return ""


def arguments(server: Mapping[str, Any], config_file: str, lines: Sequence[Line]) -> list[str]:
    """The words of the server's command line behind its file. Raises Unreadable where there are others; OSError.

    A server overwrites its own command line with its title, unless `set-proc-title no`. How long it was remains known:
    where its name, its file and what INFO shows to be given there account for all of it, there were no others.
    """
    here = Path("/proc") / str(int(server["process_id"]))
    shown = (here / "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    if len(shown) > 1 and shown[1] and Path(shown[1]).name == Path(config_file).name:
        return [word for word in shown[2:] if word]
    # Behind the program's name, which is in parentheses and may hold blanks: arg_start and arg_end of proc(5).
    fields = (here / "stat").read_text().rpartition(")")[2].split()
    length = int(fields[46]) - int(fields[45])
    called = shown[0].partition(" ")[0]
    spelled = _spellings(config_file, _folders(here, str(server["executable"]), called, config_file))
    usual = {sum(some) for some in product(*_usual(server, lines))}
    if length not in {_length(called, path) + more for path in spelled for more in usual}:
        raise Unreadable("arguments")
    return []


def _folders(process: Path, executable: str, called: str, config_file: str) -> set[str]:
    """Where the server may have been started, as far as a name of its file is counted from there.

    A server makes its paths absolute by what was its folder then; it has gone to `dir` since.
    """
    if not called.startswith("/") and executable.endswith(f"/{called}"):
        return {executable.removesuffix(f"/{called}") or "/"}
    return {str((process / "cwd").readlink()), str(Path(config_file).parent), "/"}


def _spellings(path: str, folders: set[str]) -> set[str]:
    """How `path` may have been written: as it is, or counted from one of `folders`."""
    inside = {path[len(folder.rstrip("/")) + 1 :] for folder in folders if path.startswith(folder.rstrip("/") + "/")}
    above = {os.path.relpath(path, folder) for folder in folders}
    return {path} | inside | {relative for relative in above if relative.startswith("../")}


def _usual(server: Mapping[str, Any], lines: Sequence[Line]) -> list[tuple[int, ...]]:
    """Of each argument that changes no value of ours, the bytes that it may take: none where it was not given."""
    said = {line.words[0]: line.words[1] for line in lines if len(line.words) == 2}
    port = _length("--port", str(server["tcp_port"]))
    supervised = _length("--supervised", "systemd")
    return [
        (0, port) if said.get("port", "6379") == str(server["tcp_port"]) else (port,),
        (0, supervised) if server.get("process_supervised") == "systemd" else (0,),
        (0, _length("--daemonize", "no")),
    ]


def _length(*words: str) -> int:
    """Bytes of a command line: each word ends with a zero."""
    return sum(len(word.encode(errors="surrogateescape")) + 1 for word in words)
