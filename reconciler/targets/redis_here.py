"""Whether a Redis server is on this very machine, and then what its files would bring at the next start."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from reconciler.targets.redis_files import (
    Line,
    Unreadable,
    defined_twice,
    read_arguments,
    read_file,
    read_users,
)


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a server, if it is here and we may read them. `server` is INFO server; they are read each time."""

    server: Mapping[str, Any]
    here: bool

    def configuration(self) -> tuple[Line, ...] | None:
        """What the configuration file and the command line set at a start; None where that is not to be seen.

        Passwords may stand in it.
        """
        path = str(self.server.get("config_file") or "")
        if not self.here or not path:
            return None
        try:
            lines = read_file(path)
            return (*lines, *read_arguments(_arguments(self.server, path, lines)))
        except (OSError, Unreadable, ValueError, KeyError):
            return None

    def users(self, acl_file: str) -> tuple[Line, ...] | None:
        """The lines of the users in the ACL file; None where they are not to be seen. Passwords are in them."""
        if not self.here or not acl_file.startswith("/"):
            return None
        try:
            return read_users(acl_file)
        except (OSError, Unreadable):
            return None

    def rewrite_breaks(self, version: tuple[int, ...]) -> str:
        """Why a server of this version would not start any more after CONFIG REWRITE; empty where nothing is seen."""
        twice = "" if version < (7,) else defined_twice(self.configuration() or ())
        if not twice:
            return ""
        return (
            f"CONFIG REWRITE would define the user in {twice} once more in the main file, and the server would not "
            "start: move the users of included files into the main one, or into an ACL file"
        )


def is_here(server: Mapping[str, Any], connection: socket.socket) -> bool:
    """Whether the process of INFO server is on this machine, sees our files, and holds the other end of `connection`.

    A process of the same number and name may run here while the server is elsewhere, so only the socket proves it: the
    kernel says whose it is. Needs the same account as the server's, or root's; else the answer is no.
    """
    try:
        here = Path("/proc") / str(int(server["process_id"]))
        return (
            (here / "exe").readlink() == Path(server["executable"]).resolve()
            and (here / "ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink()
            and (here / "root").samefile("/")
            and _holds(here, connection)
        )
    except (OSError, KeyError, ValueError):
        return False


def _holds(process: Path, connection: socket.socket) -> bool:
    if connection.family == socket.AF_UNIX:
        peer, *_ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return process.name == str(peer)
    ours, theirs = connection.getsockname()[:2], connection.getpeername()[:2]
    inode = next((entry[9] for entry in _sockets(process) if _ends(entry) == (theirs, ours)), None)
    held = f"socket:[{inode}]"
    for descriptor in (process / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if inode and str(descriptor.readlink()) == held:
                return True
    return False


def _sockets(process: Path) -> Iterator[list[str]]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (process / "net" / table).read_text().splitlines()[1:]:
                yield line.split()


def _ends(entry: Sequence[str]) -> tuple[tuple[str, int], tuple[str, int]]:
    """The addresses of an entry of /proc/net/tcp: its own, and the other end's."""
    return _address(entry[1]), _address(entry[2])


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` as ("127.0.0.1", 8080): words of the kernel's byte order; an IPv4 address in IPv6 by itself."""
    address, port = text.split(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == 4 and packed[:12] == b"\0" * 10 + b"\xff\xff":
        packed = packed[12:]
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)


def _arguments(server: Mapping[str, Any], config_file: str, lines: Sequence[Line]) -> list[str]:
    """The words of the server's command line behind its file. Raises Unreadable where there may be others; OSError.

    A server overwrites its own command line with its title, unless `set-proc-title no`. How long it was remains known:
    where its name, its file and what INFO shows to be given there account for all of it, there were no others.
    """
    here = Path("/proc") / str(int(server["process_id"]))
    shown = (here / "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    if config_file in shown:
        return [word for word in shown[shown.index(config_file) + 1 :] if word]
    # Behind the program's name, which is in parentheses and may hold blanks: arg_start and arg_end of proc(5).
    fields = (here / "stat").read_text().rpartition(")")[2].split()
    length = int(fields[46]) - int(fields[45])
    known = _length(shown[0].partition(" ")[0], config_file)
    if length not in {known + sum(some) for some in product(*_usual(server, lines))}:
        raise Unreadable
    return []


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
