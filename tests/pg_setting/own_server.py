"""A PostgreSQL whose way in is in its files, as on a machine of its own, so that it can be declared wrongly."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psycopg
from fix_servers import _numbers

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_process import ServerFailed

ANSWER_SECONDS = 5
"""A server that lets nobody in for longer counts as one that does not start; others take a thousandth of it."""


class OwnServer(PostgresServer):
    """Started without options: port, addresses and sockets are in postgresql.conf. Sockets are in its folder."""

    _options = ()

    def __init__(self, parent: Path, binaries: Path) -> None:
        folder = parent / f"own-{next(_numbers)}"
        super().__init__(
            folder,
            binaries,
            {"fsync": "off", "autovacuum": "off", "max_prepared_transactions": "2", "listen_addresses": "'127.0.0.1'",
             "unix_socket_directories": f"'{folder}'"},
        )  # fmt: skip
        self._settings["port"] = str(self.port)

    def start(self) -> None:
        """Raises ServerFailed, also where it runs and no session can begin."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if not self._started():
            raise ServerFailed(f"PostgreSQL did not start:\n{self._tail()}")
        try:
            with psycopg.connect(
                self.url(), autocommit=True, client_encoding="utf8", connect_timeout=ANSWER_SECONDS
            ) as connection:
                connection.execute("select count(*) from pg_class")
        except psycopg.Error as error:
            raise ServerFailed(f"no session could begin: {error}") from error

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


def has_tls(binaries: Path) -> bool:
    """Whether these binaries were built with OpenSSL, whose library the server then names."""
    return b"libssl" in (binaries / "postgres").read_bytes()


def certificate(server: OwnServer) -> None:
    """A certificate for the server, and its key."""
    key, made = server.folder / "server.key", server.folder / "server.crt"
    if made.exists():
        return
    subprocess.run(
        ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost",
         "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    encrypted = server.folder / "encrypted.key"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:secret", "-in", key, "-out", encrypted],
        check=True, capture_output=True,
    )  # fmt: skip
    for path in (key, made, encrypted):
        path.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(path, pwd.getpwnam("nobody").pw_name)
