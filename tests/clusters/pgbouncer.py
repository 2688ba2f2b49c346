"""Debian's PgBouncer before a PostgreSQL, and an application that uses it all the time."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from waiting import PATIENCE, until

from clusters.etcd import end
from clusters.ports import lasting_port
from reconciler.demo.postgres_server import UNPRIVILEGED, PostgresServer

PGBOUNCER = Path("/usr/sbin/pgbouncer")

_CONF = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
admin_users = postgres
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""

_LEFT = """
    select 'setting ' || name from pg_settings where source = 'session' and name <> all (%s)
    union all select 'statement ' || name from pg_prepared_statements
    union all select 'temporary ' || relname from pg_class where pg_my_temp_schema() <> 0
        and relnamespace = pg_my_temp_schema()
    union all select 'lock ' || objid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
"""

TRACKED = ["application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings"]
"""What PgBouncer 1.18 sets itself, for each client anew, as that had it when it connected."""


class PgBouncer:
    """One PgBouncer in `folder` before `server`, with `size` sessions for each user and database."""

    def __init__(self, folder: Path, server: PostgresServer, mode: str, size: int = 4) -> None:
        self.folder = folder
        self.port = lasting_port()
        self.size = size
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        conf = _CONF.format(server=server.port, port=self.port, folder=folder, mode=mode, size=size)
        (folder / "pgbouncer.ini").write_text(conf)
        (folder / "users.txt").write_text('"postgres" ""\n')

    def url(self, database: str) -> str:
        """To `database` through the pool."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts it and waits until it answers. It refuses to run as root."""
        self._process = subprocess.Popen(
            [PGBOUNCER, self.folder / "pgbouncer.ini"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            user=UNPRIVILEGED if os.geteuid() == 0 else None, extra_groups=[] if os.geteuid() == 0 else None,
        )  # fmt: skip

        def answers() -> bool:
            psycopg.connect(self.url("pgbouncer"), autocommit=True).close()
            return True

        log = self.folder / "pgbouncer.log"
        until(answers, "PgBouncer", ignoring=(psycopg.Error,), log=lambda: log.read_text() if log.exists() else "")

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def left(self, database: str) -> list[str]:
        """What somebody has left in the sessions of the pool, where those are shared: all are looked at, at once."""
        found = []
        with ExitStack() as held:
            for _ in range(self.size):
                connection = held.enter_context(psycopg.connect(self.url(database)))
                found += [row[0] for row in connection.execute(_LEFT, (TRACKED,))]
                for extension in connection.execute("select 1 from pg_extension where extname = 'hypopg'").fetchall():
                    rows = connection.execute("select indexname from hypopg()").fetchall()
                    found += [f"hypothetical {row[0]}" for row in (extension and rows)]
        return found


class Application:
    """Inserts rows through a pool for as long as the body runs; `errors` is what it met."""

    def __init__(self, url: str) -> None:
        self.inserted = 0
        self.errors: list[str] = []
        self._url = url
        self._done = threading.Event()

    def work(self) -> None:
        with psycopg.connect(self._url, autocommit=True, prepare_threshold=None) as connection:
            while not self._done.is_set() and self.inserted < 1_000_000:
                try:
                    connection.execute("insert into beside (n) values (%s)", (self.inserted,))
                except psycopg.Error as error:
                    self.errors.append(str(error))
                    return
                self.inserted += 1

    @contextmanager
    def running(self) -> Iterator[Application]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("create table if not exists beside (n int)")
        thread = threading.Thread(target=self.work, daemon=True)
        thread.start()
        try:
            until(lambda: self.inserted or self.errors, "the application is at work")
            yield self
            before = self.inserted
            until(lambda: self.inserted > before or self.errors, "the application goes on")
        finally:
            self._done.set()
            thread.join(PATIENCE)
