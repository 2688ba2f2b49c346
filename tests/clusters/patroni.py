"""Patroni on etcd: PostgreSQL servers that one Patroni each starts, makes and keeps."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from fix_servers import visible
from waiting import PATIENCE, until

from clusters.etcd import ETCD, EtcdServer, client, end
from clusters.ports import lasting_port
from clusters.unprivileged import python_for_everyone
from reconciler.demo.postgres_server import UNPRIVILEGED, PostgresServer

SCOPE = "reconciler"

DYNAMIC = {
    # The least that Patroni accepts, and loop_wait + 2 * retry_timeout <= ttl: changes are seen within a second.
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 9,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {"max_connections": 50, "wal_keep_size": "256MB", "wal_retrieve_retry_interval": "100ms"},
    },
}
"""What the cluster's configuration in etcd holds at first; GET /config answers it."""


def missing() -> str:
    """What a Patroni cluster lacks on this machine; empty: nothing."""
    if find_spec("patroni") is None:
        return "the package patroni[etcd3]"
    there = visible("etcd") and (shutil.which(ETCD) or shutil.which("etcd"))
    return "" if there else "Debian's etcd-server"


class PatroniNode(PostgresServer):
    """A PostgreSQL server that a Patroni of its own starts and stops: `start` starts that, `stop` ends both.

    `local` is merged into the `postgresql` section of the node's own file; what it says there masks the cluster's
    configuration.
    """

    def __init__(
        self,
        folder: Path,
        binaries: Path,
        name: str,
        etcd: EtcdServer,
        rest: Mapping[str, Any],
        local: Mapping[str, Any],
    ) -> None:
        super().__init__(folder, binaries)
        self.port = lasting_port()
        self.name = name
        self.api_port = lasting_port()
        self.patroni: subprocess.Popen[bytes] | None = None
        self._etcd = etcd
        self._rest = rest
        self._local = local

    @property
    def api(self) -> str:
        """The URL of its Patroni's REST API, without credentials."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def file(self) -> Path:
        """The node's own configuration, YAML that is JSON."""
        return self.folder / "patroni.yml"

    def start(self) -> None:
        """Starts its Patroni, which does the rest in its own time. Raises nothing: see PatroniCluster.healthy."""
        if not self.file.exists():
            self.file.write_text(json.dumps(self._configuration(), indent=2))
        python, environment = python_for_everyone(self.folder.parent / "patroni", "patroni[etcd3,psycopg3]")
        account = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PATRONI_", "PYTHON"))}
        with (self.folder / "patroni.log").open("ab") as log:
            self.patroni = subprocess.Popen(
                [python, "-m", "patroni", self.file],
                user=account.pw_uid if account else None, group=account.pw_gid if account else None,
                extra_groups=[] if account else None, env=kept | environment | {"LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Ends its Patroni, which stops PostgreSQL and, on the leader, hands the lead over."""
        if self.patroni is not None:
            end(self.patroni)
            self.patroni = None
        self._end_all()

    def kill(self) -> None:
        """Both are gone at once, as when the machine fails: the lead is free when its ttl has passed."""
        if self.patroni is not None:
            self.patroni.kill()
        self.stop()

    def _end_all(self) -> None:
        """Ends what a Patroni that was killed has left behind: PostgreSQL, or what was about to become it.

        A server that is being started has no pid file yet; all that Patroni starts works in the node's folder.
        """
        import psutil  # of Patroni's requirements

        def left() -> Iterator[psutil.Process]:
            for process in psutil.process_iter():
                with suppress(psutil.Error):
                    if Path(process.cwd()).is_relative_to(self.folder):
                        yield process

        asked: set[int] = set()

        def ended() -> bool:
            found = list(left())
            for process in found:
                with suppress(psutil.Error):
                    # PostgreSQL frees its shared memory where it is asked to stop at once, and not where it is killed.
                    process.send_signal(signal.SIGKILL if process.pid in asked else signal.SIGQUIT)
                    asked.add(process.pid)
            psutil.wait_procs(found, timeout=1)
            return not found

        until(ended, f"the end of all that works in {self.folder}")
        # Until somebody reaps it, a dead server still has the process number in that file, and so counts as running.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @property
    def log(self) -> str:
        """Everything that Patroni and, through it, PostgreSQL have logged."""
        log = self.folder / "patroni.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _configuration(self) -> dict[str, Any]:
        listen = f"127.0.0.1:{self.port}"
        everyone = ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
        return {
            "scope": SCOPE,
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.api_port}", **self._rest},
            "etcd3": {"host": f"127.0.0.1:{self._etcd.port}"},
            "bootstrap": {"dcs": DYNAMIC, "initdb": [{"encoding": "UTF8"}, "no-sync"]},
            "postgresql": {
                "listen": listen,
                "connect_address": listen,
                "data_dir": str(self.data),
                "bin_dir": str(self.binaries),
                "pgpass": str(self.folder / "pgpass"),
                "pg_hba": everyone,
                "basebackup": [{"checkpoint": "fast"}, "no-sync"],
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"}},
                "parameters": {"unix_socket_directories": "", "fsync": "off"},
                **self._local,
            },
        }


class PatroniCluster:
    """Nodes `node1`, `node2`, … and the etcd in which they agree.

    `rest` is merged into the `restapi` section of every node, `local` into its `postgresql` section.
    """

    def __init__(
        self,
        folder: Path,
        binaries: Path,
        nodes: int = 3,
        rest: Mapping[str, Any] | None = None,
        local: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.etcd = EtcdServer(folder / "etcd")
        self.nodes = {
            name: PatroniNode(folder / name, binaries, name, self.etcd, rest or {}, local or {})
            for name in (f"node{number + 1}" for number in range(nodes))
        }

    def start(self) -> None:
        """Starts etcd and every node that does not run, and waits until all stream. Raises NeverHappened."""
        if self.etcd.process is None:
            self.etcd.start()
        for node in self.nodes.values():
            if node.patroni is None:
                node.start()
        self.healthy()

    def stop(self) -> None:
        """Ends everything, PostgreSQL's servers too. Never hands the lead over: all are killed."""
        for node in self.nodes.values():
            if node.patroni is not None:
                node.patroni.kill()
        for node in self.nodes.values():
            node.stop()
        self.etcd.stop()

    def members(self) -> list[dict[str, Any]]:
        """What GET /cluster of the first node that answers says of each member. Raises httpx.HTTPError."""
        return self._ask("cluster")["members"]

    def config(self) -> dict[str, Any]:
        """The cluster's configuration, as GET /config answers it. Raises httpx.HTTPError."""
        return self._ask("config")

    def leader(self) -> PatroniNode:
        """The node that has the lead; waits for one. Raises NeverHappened."""

        def found() -> PatroniNode | None:
            leading = [member["name"] for member in self.members() if member["role"] == "leader"]
            node = self.nodes[leading[0]] if leading else None
            return node if node and node.patroni is not None else None

        return self._wait("a leader", found)

    def replicas(self) -> list[PatroniNode]:
        """The nodes that run and do not lead."""
        leader = self.leader()
        return [node for node in self.nodes.values() if node is not leader and node.patroni is not None]

    def healthy(self, seconds: float = PATIENCE) -> None:
        """Waits until every node that was started runs or streams, and one leads. Raises NeverHappened."""

        def there() -> bool:
            members = {member["name"]: member for member in self.members()}
            started = [name for name, node in self.nodes.items() if node.patroni is not None]
            states = [(members.get(name, {}).get("role"), members.get(name, {}).get("state")) for name in started]
            leading = [state for role, state in states if role == "leader"]
            following = [state for role, state in states if role in ("replica", "sync_standby", "quorum_standby")]
            return (
                leading == ["running"]
                and len(following) == len(started) - 1
                and all(state == "streaming" for state in following)
            )

        self._wait("a healthy cluster", there, seconds)

    def _ask(self, path: str) -> Any:
        problem: httpx.HTTPError | None = None
        for node in self.nodes.values():
            if node.patroni is not None:
                try:
                    return client().get(f"{node.api}/{path}").raise_for_status().json()
                except httpx.HTTPError as error:
                    problem = error
        raise problem or httpx.HTTPError("no node runs")

    def _wait(self, what, ask, seconds: float = PATIENCE):
        def log() -> str:
            return "\n".join(f"{node.name}:\n{node.log[-1000:]}" for node in self.nodes.values())

        return until(ask, what, seconds=seconds, log=log, ignoring=(httpx.HTTPError, KeyError))
