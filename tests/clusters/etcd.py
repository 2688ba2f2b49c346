"""etcd, in which Patroni's nodes agree, and what its programs and Patroni's have in common."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx
from waiting import PATIENCE, until

from clusters.ports import lasting_port

ETCD = "/usr/bin/etcd"

STOP_SECONDS = 60
"""Patroni stops its PostgreSQL first, and on the leader waits until somebody else may lead; then it is killed."""


class EtcdServer:
    """One etcd in `folder`, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = lasting_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it is healthy. Raises NeverHappened."""
        peer = f"http://127.0.0.1:{lasting_port()}"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    shutil.which(ETCD) or "etcd", "--name", "etcd", "--data-dir", self.folder / "data",
                    "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                    "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                    "--initial-cluster", f"etcd={peer}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip

        def healthy() -> bool:
            return client().get(f"{self.url}/health").json()["health"] == "true"

        until(healthy, "etcd", log=lambda: self.log, ignoring=(httpx.HTTPError,))

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "etcd.log"


@cache
def client() -> httpx.Client:
    """One for all: each has a TLS context of its own, which takes longer to make than the answers to come."""
    return httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0))


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()
