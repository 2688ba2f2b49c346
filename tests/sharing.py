"""What shares connections between clients, and is none of those that everybody knows: of Redis and of PostgreSQL."""

from __future__ import annotations

import itertools
import select
import socket
import struct
import threading
from contextlib import suppress
from typing import BinaryIO


class SharingProxy:
    """To a Redis on `to` of loopback, by `size` connections. Speaks RESP2, one command and one answer at a time."""

    def __init__(self, to: int, size: int = 3) -> None:
        self._servers = [socket.create_connection(("127.0.0.1", to)) for _ in range(size)]
        self._next = itertools.cycle((server, server.makefile("rb")) for server in self._servers)
        self._one_at_a_time = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listening, *self._servers):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as commands:
            while command := _message(commands):
                with self._one_at_a_time:
                    server, answers = next(self._next)
                    server.sendall(command)
                    answer = _message(answers)
                client.sendall(answer)


def _message(file: BinaryIO) -> bytes:
    line = file.readline()
    if line[:1] == b"$" and int(line[1:]) >= 0:
        return line + file.read(int(line[1:]) + 2)
    if line[:1] == b"*":
        return line + b"".join(_message(file) for _ in range(int(line[1:])))
    return line


ENCRYPTION = (80877103, 80877104)
"""What a client asks for first: TLS, or that of GSSAPI."""


class TrueNumbers:
    """A pooler of one session of PostgreSQL, for a transaction each, that tells its clients the true process.

    `to` is a port of loopback, on which nobody needs a password.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: socket.socket | None = None
        self._greeting = b""
        self._taken = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        if self._server is not None:
            self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            start = _first(client)
            while struct.unpack("!I", start[4:8])[0] in ENCRYPTION:
                client.sendall(b"N")
                start = _first(client)
            with self._taken:
                if self._server is None:
                    self._server = socket.create_connection(("127.0.0.1", self._to))
                    self._server.sendall(start)
                    while not self._greeting.endswith(b"Z\0\0\0\5I"):
                        self._greeting += _tagged(self._server)
            client.sendall(self._greeting)
            while (message := _tagged(client))[:1] != b"X":
                with self._taken:
                    self._transaction(client, self._server, message)

    @staticmethod
    def _transaction(client: socket.socket, server: socket.socket, message: bytes) -> None:
        """Forwards from `message` to the end of the transaction that it begins."""
        server.sendall(message)
        unanswered = message[:1] in b"QS"
        idle = False
        while unanswered or not idle:
            for ready in select.select([client, server], [], [])[0]:
                message = _tagged(ready)
                (server if ready is client else client).sendall(message)
                if ready is client:
                    unanswered += message[:1] in b"QS"
                elif message[:1] == b"Z":
                    unanswered -= 1
                    idle = message[5:] == b"I"


def _first(client: socket.socket) -> bytes:
    length = _exactly(client, 4)
    return length + _exactly(client, struct.unpack("!I", length)[0] - 4)


def _tagged(peer: socket.socket) -> bytes:
    head = _exactly(peer, 5)
    return head + _exactly(peer, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(peer: socket.socket, amount: int) -> bytes:
    found = b""
    while len(found) < amount:
        data = peer.recv(amount - len(found))
        if not data:
            raise EOFError
        found += data
    return found
