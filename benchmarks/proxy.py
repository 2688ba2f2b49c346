"""A proxy that counts turns and connections, and can hold back what it passes on.

A turn is the client speaking after the server spoke: what takes a round trip of the network, however fast either end
is. What a client sends at once may arrive in pieces, and the server answer the first of them before the last is there;
so that a count does not depend on the machine, what is said to a PostgreSQL is passed on only where it is whole.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

BUFFER = 65_536

ASKS = b"QSHcfpX"
"""Types of PostgreSQL's messages after which the server answers, or the client is gone: Query, Sync, Flush, CopyDone,
CopyFail, the answers to a demand for a password, Terminate."""


class Turn(NamedTuple):
    """What a client said at once. `connection`: its number, from 1 on."""

    connection: int
    said: bytes

    def words(self) -> str:
        """The statements in what was said to a PostgreSQL; to another server, all of it."""
        found = [body.split(b"\0")[kind == b"P"] for kind, body in messages(self.said) if kind in (b"Q", b"P")]
        return "; ".join(" ".join(each.decode(errors="replace").split()) for each in found or [self.said])


@dataclass
class Turns:
    """What passed through a proxy so far."""

    connections: int = 0
    sent: list[Turn] = field(default_factory=list)

    @property
    def turns(self) -> int:
        """How many there were."""
        return len(self.sent)


def messages(said: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each whole message; empty is the type of those that begin a connection."""
    while said:
        typed = not said.startswith(b"\0")
        end = typed + int.from_bytes(said[typed : typed + 4], "big")
        if not typed + 4 <= end <= len(said):
            return
        yield said[:typed], said[typed + 4 : end]
        said = said[end:]


def _is_whole(said: bytes) -> bool:
    """Whether the messages of a PostgreSQL's client end with one that is to be answered."""
    found = list(messages(said))
    length = sum(len(kind) + 4 + len(body) for kind, body in found)
    return length == len(said) and found[-1][0] in (b"", *(bytes([each]) for each in ASKS))


class Proxy:
    """Stands before `port` on loopback, passes everything on, and counts.

    `delay`: seconds of a round trip; `postgres`: what is said is PostgreSQL's protocol, without TLS.
    """

    def __init__(self, port: int, delay: float = 0.0, *, postgres: bool) -> None:
        self.counted = Turns()
        self._to = port
        self._delay = delay / 2
        self._postgres = postgres
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with self._lock:
            self.counted.connections += 1
            number = self.counted.connections
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._to)) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = selectors.DefaultSelector()
            waiting.register(client, selectors.EVENT_READ, server)
            waiting.register(server, selectors.EVENT_READ, client)
            server_spoke, said = True, b""
            while True:
                for key, _ in waiting.select():
                    data = key.fileobj.recv(BUFFER)  # type: ignore[union-attr]  # only sockets are registered
                    if not data:
                        return
                    if key.fileobj is client:
                        said += data
                        if self._postgres and not _is_whole(said):
                            continue
                        data, said = said, b""
                        if server_spoke:
                            with self._lock:
                                self.counted.sent.append(Turn(number, data))
                    server_spoke = key.fileobj is server
                    if self._delay:
                        time.sleep(self._delay)
                    key.data.sendall(data)
