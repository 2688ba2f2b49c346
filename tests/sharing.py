"""A proxy of Redis that shares connections: each command of any client goes to the next of a few."""

from __future__ import annotations

import itertools
import socket
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
