"""Which nodes a Redis target has: asked of a Cluster's nodes, and of Sentinels."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from reconciler.errors import ConnectionFailed, ObservationFailed, TargetError
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets import bounds
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.redis.opening import open_connection
from reconciler.targets.redis.session import RedisSession, connect

Place = tuple[str, int]
"""Host and port."""


def nodes(target: RedisTarget, sessions: OpenSessions) -> Sequence[RedisTarget]:
    """See `targets.nodes`. Each knows the others."""
    found = _nodes(target, sessions)
    if len(found) == 1:
        return found
    return [node.model_copy(update={"beside": tuple(other for other in found if other is not node)}) for node in found]


def _nodes(target: RedisTarget, sessions: OpenSessions) -> Sequence[RedisTarget]:
    """A Cluster is recognised by its node; Sentinels and replicas are declared."""
    if target.sentinels:
        return _watched(target, sessions.secrets)
    with sessions.lent(target) as session:
        if session.server["mode"] == "cluster":
            return [_node(target, place) for place in _cluster(session)]
        replicas = [_replica(target, url) for url in target.replicas]
        if replicas:
            _check_replicas(session, replicas, sessions.secrets)
    return (target, *replicas)


def _check_replicas(primary: RedisSession, replicas: Sequence[RedisTarget], secrets: Secrets) -> None:
    """Raises ObservationFailed where a declared replica follows another primary, or is declared twice.

    All that replicate one another have the same `master_replid` (INFO replication), and each server its own `run_id`.
    """
    ours = primary.read("INFO", "replication")
    if ours.get("role") != "master":
        raise ObservationFailed(
            primary.target.name, "it is a replica itself, and has `replicas`",
            hint="let the target's URL lead to the primary",
        )  # fmt: skip
    seen = {primary.server.get("run_id"): primary.target.name}
    for replica in replicas:
        with closing(connect(replica, secrets)) as session:
            theirs, own = session.read("INFO", "replication"), session.server.get("run_id")
        if own in seen:
            raise ObservationFailed(replica.name, f"it is the same server as {seen[own]}", hint="check `replicas`")
        seen[own] = replica.name
        if theirs.get("role") != "slave" or theirs.get("master_replid") != ours.get("master_replid"):
            raise ObservationFailed(
                replica.name, f"it is no replica of {primary.target.name}: its role is {theirs.get('role')}, and it "
                "follows another primary or none", hint="check `replicas` of the target, and that it is linked",
            )  # fmt: skip


def _cluster(session: RedisSession) -> Iterable[Place]:
    """Every node that this one knows, replicas included (CLUSTER NODES: `id ip:port@bus,hostname flags …`)."""
    name = session.target.name
    host = urlsplit(session.target.url.get_secret_value()).hostname or ""
    for line in session.read("CLUSTER", "NODES").splitlines():
        _, address, flags, *_ = line.split(" ")
        if "noaddr" in flags.split(","):
            raise ObservationFailed(
                name, f"the cluster has a node whose address nobody knows: {line.split(' ')[0]}",
                hint="CLUSTER FORGET it on every node if it is gone for good",
            )  # fmt: skip
        ip, _, port = address.partition(",")[0].partition("@")[0].rpartition(":")
        yield ip or host, int(port)


def _watched(target: RedisTarget, secrets: Secrets) -> Sequence[RedisTarget]:
    """The primary and the replicas that Sentinels know under the name that stands as host in the target's URL.

    The first Sentinel is believed whose primary says itself that it is one: after a failover some are late.
    """
    # Not urlsplit's hostname, which is in lower case: Sentinels tell MyMaster from mymaster.
    name = urlsplit(target.url.get_secret_value()).netloc.rpartition("@")[2].partition(":")[0]
    said: list[str] = []
    began = time.monotonic()
    for url in target.sentinels:
        if time.monotonic() - began >= bounds.SILENCE_SECONDS:
            said.append("the others were not asked, since that took too long")
            break
        try:
            primary, replicas = _asked(target.model_copy(update={"url": url, "sentinels": ()}), secrets, name)
            node = _node(target, primary)
            with closing(connect(node, secrets)) as session:
                role = session.read("INFO", "replication").get("role")
        except TargetError as error:
            said.append(error.message)
            continue
        if role == "master":
            return [node, *(_node(target, place) for place in replicas)]
        said.append(f"{node.name}: is {role}, and not the primary that a Sentinel takes it for")
    raise ConnectionFailed(
        target.name, f"no Sentinel leads to the primary {name}: {'; '.join(said)}",
        hint="check `sentinels` and the passwords in their URLs, and that the host in the target's URL is the name "
        "that they know it by",
    )  # fmt: skip


def _asked(sentinel: RedisTarget, secrets: Secrets, name: str) -> tuple[Place, list[Place]]:
    with closing(RedisSession(sentinel, secrets, open_connection(sentinel, secrets))) as session:
        primary = session.read("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        if not primary:
            raise ObservationFailed(sentinel.name, f"a Sentinel knows no primary {name}")
        replicas = [_pairs(each) for each in session.read("SENTINEL", "REPLICAS", name)]
    return (primary[0], int(primary[1])), [(each["ip"], int(each["port"])) for each in replicas]


def _pairs(flat: Sequence[Any]) -> Mapping[str, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _node(target: RedisTarget, place: Place) -> RedisTarget:
    """A node of `target` that announces `place`, with the credentials and options of the target's URL."""
    url = target.url.get_secret_value()
    parts = urlsplit(url)
    host, port = place
    credentials, at, _ = parts.netloc.rpartition("@")
    return target.model_copy(
        update={
            "name": f"{target.name}@{_written(host)}:{port}",
            "url": SecretStr(
                urlunsplit(parts._replace(netloc=f"{credentials}{at}{_reached(place, target.addresses)}"))
            ),
            "replicas": (),
            "node_of": target.name,
        }
    )


def _reached(place: Place, addresses: Mapping[str, str]) -> str:
    """Where a node is reached that announces `place`: there, unless the target's map has it, or its host."""
    host, port = place
    for each in dict.fromkeys((host, _written(host))):
        if mapped := addresses.get(f"{each}:{port}"):
            return mapped
        if mapped := addresses.get(each):
            return f"{mapped}:{port}"
    return f"{_written(host)}:{port}"


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _replica(target: RedisTarget, url: SecretStr) -> RedisTarget:
    """A declared replica of `target`, by its own URL."""
    parts = urlsplit(url.get_secret_value())
    name = f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
    return target.model_copy(
        update={"name": f"{target.name}@{name.replace('/', '_')}", "url": url, "replicas": (), "node_of": target.name}
    )
