"""A PostgreSQL whose way in is in its files, as on a machine of its own, so that it can be declared wrongly."""

from __future__ import annotations

import itertools
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from reconciler.demo.servers import PostgresServer, ServerFailed

SECONDS = 20
_numbers = itertools.count()


class OwnServer(PostgresServer):
    """Started without options: port, addresses and sockets are in postgresql.conf. Sockets are in its folder.

    It is started and stopped without pg_ctl, which looks ten times a second only: here there are hundreds of restarts.
    """

    def __init__(self, parent: Path, binaries: Path) -> None:
        folder = parent / f"own-{next(_numbers)}"
        super().__init__(
            folder,
            binaries,
            {"fsync": "off", "autovacuum": "off", "max_prepared_transactions": "2", "listen_addresses": "'127.0.0.1'",
             "unix_socket_directories": f"'{folder}'"},
        )  # fmt: skip
        self._settings["port"] = str(self.port)
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises ServerFailed, also where it runs and no session can begin."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        lock = self.data / "postmaster.pid"
        lock.unlink(missing_ok=True)
        with self._log.open("a") as log:
            self._server = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=self._user, group=pwd.getpwnam(self._user).pw_gid if self._user else None,
                extra_groups=[] if self._user else None, cwd=self.folder,
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            )  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while not self._ready(lock):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL did not start:\n{self._tail()}")
            time.sleep(0.01)
        try:
            with psycopg.connect(self.url(), connect_timeout=2, autocommit=True, client_encoding="utf8") as connection:
                connection.execute("select count(*) from pg_class")
        except psycopg.Error as error:
            raise ServerFailed(f"no session could begin: {error}") from error

    def _ready(self, lock: Path) -> bool:
        try:
            return lock.read_text().rstrip().endswith("ready")
        except FileNotFoundError:  # not yet, or no more: a server that fails takes it away
            return False

    def stop(self, mode: str = "fast") -> None:
        """As pg_ctl."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if mode == "immediate" else signal.SIGINT)
            self._server.wait(SECONDS)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._server is not None and self._server.poll() is None

    @property
    def auto(self) -> str:
        """What ALTER SYSTEM has written."""
        return (self.data / "postgresql.auto.conf").read_text()

    def mend(self, auto: str = "") -> None:
        """It runs, with `auto` as all that ALTER SYSTEM has written."""
        if not self.running or self.auto != auto:
            (self.data / "postgresql.auto.conf").write_text(auto)
            self.restart("immediate")

    def execute(self, *statements: str) -> None:
        """Each on its own, as a superuser."""
        if not statements:
            return
        with psycopg.connect(self.url(), autocommit=True, client_encoding="utf8") as connection:
            for statement in statements:
                connection.execute(statement)
