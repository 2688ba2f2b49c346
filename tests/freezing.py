"""A proxy that forwards nothing any more after so many bytes, and keeps every connection open: a network that has died
behind something that still acknowledges."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class FreezingProxy:
    """From a port of loopback to another. Bytes of all connections and of both directions count together.

    `taken` is how many went through since the last `after`.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._left: int | None = None
        self.taken = 0
        self.drop = 0.0
        """Seconds between two bytes that come back, from now on; 0: all at once."""
        self._counting = threading.Lock()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def frozen(self) -> bool:
        return self._left == 0

    def after(self, amount: int) -> None:
        """Freezes as soon as `amount` bytes have gone through from now on."""
        with self._counting:
            self._left, self.taken = amount, 0

    def thaw(self) -> None:
        """Ends all connections, and forwards those that come from now on."""
        with self._counting:
            self._left = None
            ended, self._open = self._open, []
        for each in ended:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._listening.close()
        self.thaw()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(client)
            if self.frozen:
                continue  # the kernel acknowledges what the client sends
            with suppress(OSError):
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open.append(server)
                for source, sink in ((client, server), (server, client)):
                    pumped = (source, sink, sink is client)
                    threading.Thread(target=self._pump, args=pumped, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                with self._counting:
                    if self._left is not None:
                        data = data[: self._left]
                        self._left -= len(data)
                    self.taken += len(data)
                while back and self.drop and data:
                    sink.sendall(data[:1])
                    data = data[1:]
                    time.sleep(self.drop)
                if data:
                    sink.sendall(data)
            if not self.frozen:
                sink.shutdown(socket.SHUT_WR)
