"""A primary and a standby that streams from it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg
from waiting import until

from clusters.ports import lasting_port
from reconciler.demo.postgres_server import PostgresServer

PAIR_SETTINGS = {
    "wal_keep_size": "256MB",  # a standby that was stopped for a while finds what it missed
    "wal_retrieve_retry_interval": "100ms",  # default 5 s: how soon it looks again for a primary that was away
    "fsync": "off",
}

NOT_COPIED = shutil.ignore_patterns("postmaster.pid", "postmaster.opts", "pgsql_tmp*", "pg_internal.init")
"""As by pg_basebackup, which leaves out more that does no harm."""


class StandbyServer(PostgresServer):
    """A PostgresServer that is made as a copy of a running primary, and streams from it."""

    def __init__(self, folder: Path, primary: PostgresServer) -> None:
        super().__init__(folder, primary.binaries)
        self.port = lasting_port()
        self._primary = primary

    def _initialise(self) -> None:
        """What pg_basebackup -R does, which not every folder of binaries has."""
        with psycopg.connect(self._primary.url(), autocommit=True) as connection:
            old = connection.info.server_version < 150000
            connection.execute(
                "select pg_start_backup('standby', true, false)" if old else "select pg_backup_start('standby', true)"
            )
            shutil.copytree(self._primary.data, self.data, ignore=NOT_COPIED)
            ended = connection.execute(
                "select labelfile from pg_stop_backup(false, false)"
                if old
                else "select labelfile from pg_backup_stop(false)"
            )
            (self.data / "backup_label").write_text(ended.fetchone()[0])
        (self.data / "standby.signal").touch()
        source = f"host=127.0.0.1 port={self._primary.port} user=postgres application_name={self.folder.name}"
        with (self.data / "postgresql.auto.conf").open("a") as conf:
            conf.write(f"primary_conninfo = '{source}'\n")
        owner = self._primary.data.stat()
        for path in [self.data, *self.data.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid)
        self.data.chmod(0o700)


class Pair:
    """`primary` and `standby`: PostgreSQL servers of their own, one streaming from the other."""

    def __init__(self, folder: Path, binaries: Path, settings: Mapping[str, str] | None = None) -> None:
        self.primary = PostgresServer(folder / "primary", binaries, PAIR_SETTINGS | dict(settings or {}))
        self.primary.port = lasting_port()
        self.standby = StandbyServer(folder / "standby", self.primary)

    def start(self) -> None:
        """Makes and starts both, or those that do not run. Raises ServerFailed."""
        for server in (self.primary, self.standby):
            if not server.running:
                server.start()

    def stop(self) -> None:
        for server in (self.standby, self.primary):
            server.stop("immediate")

    def replayed(self) -> None:
        """Waits until the standby has replayed all that the primary has written so far. Raises NeverHappened."""
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            written = connection.execute("select pg_current_wal_lsn()::text").fetchone()[0]

        def there() -> bool:
            with psycopg.connect(self.standby.url(), autocommit=True) as connection:
                return connection.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [written]).fetchone()[0]

        until(there, "the standby's replay", log=lambda: self.standby.log)
