"""A Redis Cluster of three primaries with a replica each, made by CLUSTER commands: only Debian brings redis-cli."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import redis
from waiting import PATIENCE, until

from clusters.ports import lasting_port
from reconciler.demo.redis_server import RedisServer

SLOTS = 16384
PRIMARIES = 3

NODE_SETTINGS = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": "1000",  # ms; default 15000: how soon nodes that have met know of each other's states
    "cluster-replica-validity-factor": "0",  # a replica stands for election however long its primary has been away
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
}

CALM = 600_000
"""Milliseconds of the node timeout once the cluster stands: no pause of a busy machine is taken for a node's end."""


class ClusterNode(RedisServer):
    """A node; see RedisCluster.replacing for what makes the others replace it."""

    def __init__(self, folder: Path, binary: Path, settings: Mapping[str, str], password: str) -> None:
        secret = {"requirepass": password, "masterauth": password} if password else {}
        super().__init__(folder, binary, NODE_SETTINGS | secret | dict(settings))
        self.port = lasting_port()
        self.password = password

    def client(self) -> redis.Redis:
        """A connection to this node alone, answers as text; the caller closes it."""
        return redis.Redis(
            port=self.port, password=self.password or None, decode_responses=True, socket_timeout=PATIENCE
        )


class RedisCluster:
    """`nodes` 0 to 2 are primaries at first, 3 to 5 their replicas in that order.

    A node that is gone stays what it was, unless the cluster is `replacing`. `password` is everybody's requirepass and
    masterauth; empty: none.
    """

    def __init__(
        self, folder: Path, binary: Path, settings: Mapping[str, str] | None = None, password: str = ""
    ) -> None:
        self.nodes = [
            ClusterNode(folder / f"node{number + 1}", binary, settings or {}, password)
            for number in range(2 * PRIMARIES)
        ]

    def start(self) -> None:
        """Starts those that do not run; makes the cluster the first time; waits until healthy. Raises NeverHappened."""
        new = not any(node.conf.exists() for node in self.nodes)
        for node in self.nodes:
            if node.process is None:
                node.start()
        if new:
            self._make()
        self.healthy()
        self._give_up_after(CALM)

    def replacing(self) -> None:
        """From now on a primary that is gone is replaced, within two or three seconds if the machine is quick."""
        self._give_up_after(int(NODE_SETTINGS["cluster-node-timeout"]))

    def _give_up_after(self, milliseconds: int) -> None:
        for node in self._running:
            with closing(node.client()) as client:
                client.config_set("cluster-node-timeout", milliseconds)

    def stop(self) -> None:
        """Ends all nodes, none of which has the time to replace another."""
        for node in self.nodes:
            if node.process is not None:
                node.process.kill()
        for node in self.nodes:
            node.stop()

    def primaries(self) -> list[ClusterNode]:
        """The running nodes that are primaries by now."""
        return [node for node in self._running if _asked(node, "INFO", "replication")["role"] == "master"]

    def replicas(self) -> list[ClusterNode]:
        """The running nodes that are replicas by now."""
        return [node for node in self._running if _asked(node, "INFO", "replication")["role"] == "slave"]

    def healthy(self, seconds: float = PATIENCE) -> None:
        """Waits until every running node says cluster_state:ok, and every running replica is linked to its primary."""

        def there() -> bool:
            views = set()
            for node in self._running:
                about, links = _asked(node, "CLUSTER", "INFO"), _asked(node, "INFO", "replication")
                if about["cluster_state"] != "ok" or int(about["cluster_slots_ok"]) != SLOTS:
                    return False
                if links["role"] == "slave" and links["master_link_status"] != "up":
                    return False
                views.add((about["cluster_current_epoch"], about["cluster_known_nodes"], about["cluster_size"]))
            roles = [_asked(node, "INFO", "replication")["role"] for node in self._running]
            return len(views) == 1 and roles.count("master") == PRIMARIES

        self._wait("a healthy cluster", there, seconds)

    @property
    def _running(self) -> list[ClusterNode]:
        return [node for node in self.nodes if node.process is not None]

    def _make(self) -> None:
        ids = []
        for number, node in enumerate(self.nodes):
            with closing(node.client()) as client:
                ids.append(client.execute_command("CLUSTER", "MYID"))
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if number < PRIMARIES:
                    first, end = (SLOTS * share // PRIMARIES for share in (number, number + 1))
                    client.execute_command("CLUSTER", "ADDSLOTS", *range(first, end))
                if number:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)

        def follow() -> bool:
            for primary, replica in zip(ids[:PRIMARIES], self.nodes[PRIMARIES:], strict=True):
                with closing(replica.client()) as client:
                    client.execute_command("CLUSTER", "REPLICATE", primary)  # an error until it has met that node
            return True

        self._wait("the nodes' meeting", follow, PATIENCE)

    def _wait(self, what, ask, seconds: float):
        def log() -> str:
            return "\n".join(f"{node.folder.name}:\n{node.log[-600:]}" for node in self.nodes)

        return until(ask, what, seconds=seconds, log=log, ignoring=(redis.RedisError,))


def _asked(node: ClusterNode, *command: str) -> dict[str, str]:
    with closing(node.client()) as client:
        answer = client.execute_command(*command)
    if isinstance(answer, dict):
        return answer
    return dict(line.split(":", 1) for line in answer.splitlines() if ":" in line)
