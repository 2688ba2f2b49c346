"""A Dask cluster of processes of its own: a scheduler, workers with their own files, and TLS with its own authority."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]

NO_SECOND_RUN = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
"""What a scheduler is asked for first."""

AS_DOCUMENTED = {**NO_SECOND_RUN, "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "60s"}


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority, and one certificate of it, which all sides use."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        folder.mkdir()
        key = ["-newkey", "rsa:2048", "-nodes"]
        _openssl(
            "req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=authority"
        )
        _openssl("req", *key, "-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", "/CN=side")
        _openssl(
            "x509", "-req", "-in", folder / "request.pem", "-out", folder / "cert.pem", "-CA", folder / "ca.pem",
            "-CAkey", folder / "ca.key", "-CAcreateserial",
        )  # fmt: skip
        return cls(folder)

    @property
    def of_dask(self) -> list[str]:
        """The options of `dask scheduler` and `dask worker`."""
        files = {"--tls-ca-file": "ca", "--tls-cert": "cert", "--tls-key": "key"}
        return [word for name, file in files.items() for word in (name, str(self.folder / f"{file}.pem"))]

    @property
    def of_reconciler(self) -> list[str]:
        """Those of `reconciler apply`."""
        return [word.replace("--tls-ca-file", "--tls-ca") for word in self.of_dask]


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@dataclass
class Grid:
    """A scheduler, and workers whose files are below `home`: what is declared there, and what is approved."""

    home: Path
    authority: Authority | None
    processes: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "desired").mkdir(parents=True, exist_ok=True)

    @property
    def approvals(self) -> Path:
        """The workers' own file of digests."""
        return self.home / "approved"

    @property
    def address(self) -> str:
        return json.loads((self.home / "scheduler.json").read_text())["address"]

    def options(self, *more: str) -> list[str]:
        """What `reconciler apply` has to be told of it."""
        return ["--executor", f"dask:{self.address}", *(self.authority.of_reconciler if self.authority else []), *more]

    def scheduler(self, environment: Mapping[str, str] = AS_DOCUMENTED) -> subprocess.Popen:
        file = self.home / "scheduler.json"
        file.unlink(missing_ok=True)
        tls = ["--protocol", "tls", *self.authority.of_dask] if self.authority else []
        began = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), *tls, **environment
        )
        written = (ValueError, OSError)  # the file is made before there is anything in it
        until(lambda: self.address, "the scheduler is there", ignoring=written, log=self.log)
        return began

    def worker(self, *arguments: str, **environment: str) -> subprocess.Popen:
        number = len(self.processes)
        began = self._start(
            "worker", self.address, "--nthreads", "2", "--memory-limit", "0", "--no-nanny", "--host", "127.0.0.1",
            "--name", f"w{number}", *(self.authority.of_dask if self.authority else []), *arguments,
            RECONCILER_DESIRED=str(self.home / "desired"), RECONCILER_WORKER_APPROVALS=str(self.approvals),
            **environment,
        )  # fmt: skip
        until(lambda: f"name: w{number}\n" in self.log(), "the worker is there", log=self.log)
        return began

    def log(self) -> str:
        return (self.home / "log").read_text()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)

    def _start(self, program: str, *arguments: str, **environment: str) -> subprocess.Popen:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "PG", "DASK"))}
        marks = {name: value for name, value in os.environ.items() if name.startswith("RECONCILER_TEST_")}
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--dashboard-address", "127.0.0.1:0"]
        with (self.home / "log").open("a") as log:
            process = subprocess.Popen(
                [*command, *arguments],
                env=kept | marks | environment | {"PYTHONPATH": str(ROOT)}, cwd=self.home, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process
