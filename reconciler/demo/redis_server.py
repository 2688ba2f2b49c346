"""A Redis that lives in a folder: started on loopback for a demonstration or a test, and gone afterwards."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.demo.server_process import (
    POLL_SECONDS,
    START_ATTEMPTS,
    START_SECONDS,
    STOP_SECONDS,
    ServerFailed,
    free_port,
)


class RedisServer:
    """One Redis or Valkey server in `folder`, on loopback, with a configuration file of its own.

    `settings` are lines of that file, written before the first start only. Stopping keeps the folder.
    """

    arguments: tuple[str, ...] = ()
    """Further words of its command line, such as --sentinel."""

    def __init__(self, folder: Path, binary: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.binary = binary
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = {"save": '""'} | dict(settings or {})
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.folder / "redis.conf"

    def url(self, user: str = "", password: str = "") -> str:
        """A connection URL over loopback."""
        credentials = f"{user}:{password}@" if user or password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Writes the configuration if need be, starts the server and waits until it listens. Raises ServerFailed."""
        if not self.conf.exists():
            lines = {"bind": "127.0.0.1", "dir": str(self.folder), **self._settings}
            self.conf.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        for _ in range(START_ATTEMPTS):
            # The port is an argument and so in no file: CONFIG REWRITE may write it down, the argument still wins.
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(  # noqa: S603 - the binary that the caller named
                    [self.binary, self.conf, "--port", str(self.port), *self.arguments],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                )  # fmt: skip
            if self._answers():
                return
            self.stop()
            self.port = free_port()
        raise ServerFailed(f"Redis did not start:\n{self.log[-2000:]}")

    def kill(self) -> None:
        """Ends the server if it runs, at once (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Stops the server if it runs (SIGTERM, then SIGKILL)."""
        if self.process is None:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            # Repeated: a server that writes its first append-only file refuses to end.
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        self.kill()

    def restart(self) -> None:
        """Stops and starts it with the configuration file as it is by now. Raises ServerFailed."""
        self.stop()
        self.start()

    @property
    def log(self) -> str:
        """Everything the server has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "redis.log"

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        assert self.process is not None  # noqa: S101 - start() has just set it
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if re.match(rb"\+PONG|-NOAUTH|-DENIED|-NOPERM", connection.recv(64)):
                    return self.process.poll() is None
            time.sleep(POLL_SECONDS)
        return False
