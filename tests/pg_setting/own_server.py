"""A PostgreSQL whose way in is in its files, as on a machine of its own, so that it can be declared wrongly."""

from __future__ import annotations

from pathlib import Path

import psycopg

from reconciler.demo.servers import PostgresServer, ServerFailed


class OwnServer(PostgresServer):
    """Started without options: port, addresses and sockets are in postgresql.conf. Sockets are in its folder."""

    def __init__(self, folder: Path, binaries: Path) -> None:
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
        started = self._run("pg_ctl", "-D", self.data, "-w", "-t", "20", "-l", self._log, "start")
        if started.returncode != 0:
            raise ServerFailed(f"PostgreSQL did not start:\n{self._tail()}")
        try:
            with psycopg.connect(self.url(), connect_timeout=3, autocommit=True) as connection:
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
        with psycopg.connect(self.url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
