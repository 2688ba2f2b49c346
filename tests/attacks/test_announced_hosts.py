"""`--hosts` holds for what servers announce, too: nodes of a Cluster, and what Sentinels lead to.

Before, there was no such limit, and the credentials of the target's URL went wherever a server pointed.
"""

from __future__ import annotations

import pytest
from clusters.redis_cluster import RedisCluster
from clusters.sentinel import NAME, SentinelTrio

from reconciler.allow_lists import Reach, hosts
from reconciler.errors import ConnectionFailed
from reconciler.model import RedisTarget
from reconciler.planning.viewing import view_target
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import OpenSessions

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]


def limited(*allowed: str) -> OpenSessions:
    return OpenSessions(Secrets({}, Reach(hosts=hosts(",".join(allowed)))))


def test_a_node_that_a_cluster_announces_is_not_connected_to(redis_cluster: RedisCluster):
    first, *others = redis_cluster.nodes
    target = RedisTarget(name="cache", url=first.url(), memory=1 << 30)
    sessions = limited(f"127.0.0.1:{first.port}")
    for node in nodes(target, sessions):
        if node.name.endswith(f":{first.port}"):
            view_target(node, [], sessions)
            continue
        with pytest.raises(ConnectionFailed, match="is not among the hosts that may be connected to"):
            view_target(node, [], sessions)
    everywhere = limited(*(f"127.0.0.1:{node.port}" for node in (first, *others)))
    assert len([view_target(node, [], everywhere) for node in nodes(target, everywhere)]) == len(others) + 1


def test_what_a_sentinel_leads_to_is_not_connected_to(sentinels: SentinelTrio):
    watching = [f"127.0.0.1:{sentinel.port}" for sentinel in sentinels.sentinels]
    target = RedisTarget(
        name="cache", url=f"redis://{NAME}/0", memory=1 << 30,
        sentinels=[f"redis://{each}" for each in watching],
    )  # fmt: skip
    with pytest.raises(ConnectionFailed, match="is not among the hosts that may be connected to"):
        nodes(target, limited(*watching))
    with pytest.raises(ConnectionFailed, match="is not among the hosts that may be connected to"):
        nodes(target, limited(f"127.0.0.1:{sentinels.master().port}"))
    with_primary = limited(*watching, f"127.0.0.1:{sentinels.master().port}")
    refused = 0
    for node in nodes(target, with_primary):
        try:
            view_target(node, [], with_primary)
        except ConnectionFailed:
            refused += 1
    assert refused == 2  # the replicas
