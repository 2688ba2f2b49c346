"""Which process of this machine holds the other end of a connection.

Decided: docs/decisions.md#the-socket-as-proof
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

End: TypeAlias = tuple[str, int]
"""An address and a port."""

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
"""Of sock_diag(7) and netlink(7); Python has no names for them."""

REQUEST = "=IHHII BBBxI"
"""nlmsghdr, and of inet_diag_req_v2 what stands before the socket."""

ANSWER = "=IHHII 4x 48x 4I I"
"""nlmsghdr, and an inet_diag_msg up to its inode."""


def holds_other_end(process: Path, connection: socket.socket) -> bool:
    """Whether `process`, a folder of /proc, has the socket that `connection` speaks to. Raises OSError."""
    if connection.family == socket.AF_UNIX:
        peer, *_ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return process.name == str(peer)
    ours, theirs = connection.getsockname()[:2], connection.getpeername()[:2]
    inode = _asked_for(theirs, ours) or _listed(process, theirs, ours)
    held = f"socket:[{inode}]"
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if inode and str(descriptor.readlink()) == held:
                return True
    return False


def _asked_for(own: End, other: End) -> int:
    """The inode of the TCP socket from `own` to `other`; 0: the kernel shows none, or is not to be asked.

    One question, where listing costs a millisecond for each hundred connections of the machine.
    """
    family = socket.AF_INET6 if ":" in own[0] else socket.AF_INET
    addresses = [socket.inet_pton(family, address).ljust(16, b"\0") for address, _ in (own, other)]
    ends = struct.pack("!HH16s16s", own[1], other[1], *addresses)
    # Of any interface and any cookie; in any state.
    one = ends + struct.pack("=I8s", 0, b"\xff" * 8)
    length = struct.calcsize(REQUEST) + len(one)
    head = (length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
            kernel.send(struct.pack(REQUEST, *head, family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + one)
            answer = kernel.recv(1 << 13)
    except (OSError, AttributeError):  # a container may forbid it, and only Linux has it
        return 0
    _, kind, *_ = struct.unpack_from("=IHHII", answer)
    return int(struct.unpack_from(ANSWER, answer)[-1]) if kind == SOCK_DIAG_BY_FAMILY else 0


def _listed(process: Path, own: End, other: End) -> int:
    """The same of a list of all sockets: that of the network that `process` is in, which need not be ours."""
    return next((int(entry[9]) for entry in _sockets(process) if _ends(entry) == (own, other)), 0)


def _sockets(process: Path) -> Iterator[list[str]]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (process / "net" / table).read_text().splitlines()[1:]:
                yield line.split()


def _ends(entry: Sequence[str]) -> tuple[End, End]:
    """The addresses of an entry of /proc/net/tcp: its own, and the other end's."""
    return _address(entry[1]), _address(entry[2])


def _address(text: str) -> End:
    """`0100007F:1F90` as ("127.0.0.1", 8080): words of the kernel's byte order; an IPv4 address in IPv6 by itself."""
    address, port = text.split(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == 4 and packed[:12] == b"\0" * 10 + b"\xff\xff":
        packed = packed[12:]
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)
