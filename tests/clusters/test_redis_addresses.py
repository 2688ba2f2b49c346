"""`addresses`: where a node is reached that announces an address which is not reachable from here.

Before, there was no such map: such a Cluster, or what such Sentinels watch, could not be connected to.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import redis
from applying.acting import Unread, apply, plan_for
from live import start_with
from redis_setting.declared import declared
from redis_user.declared_users import users
from waiting import until

from clusters.sentinel import NAME, Sentinel
from reconciler.allow_lists import Reach, hosts
from reconciler.errors import ConnectionFailed
from reconciler.model import Applied, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import OpenSessions

ANNOUNCED = "203.0.113.7"
"""Of a net for documentation (RFC 5737): nobody has it."""


@pytest.fixture
def alone(redis_server):
    """A Cluster of one node, which announces an address that leads nowhere."""
    start_with(redis_server, f"cluster-enabled yes\ncluster-announce-ip {ANNOUNCED}\ncluster-announce-port 6379\n")
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        until(lambda: client.execute_command("CLUSTER", "ADDSLOTS", *range(16384)), "it has all slots")
    return redis_server


def target_of(server, **more):
    return RedisTarget(name="cache", url=server.url(), memory=1 << 30, **more)


def applied_and_empty(target, secrets=None):
    resources = [*users({"app": "off ~app:* +@read"}), *declared({"maxmemory": "20mb"})]
    receipt = apply(plan_for(target, resources, secrets), target, secrets)
    assert {change.result for change in receipt.changes} == {Applied.APPLIED}
    plan = plan_for(target, resources, secrets)
    assert plan.changes == ()
    return plan


def test_a_node_of_a_cluster_is_reached_where_the_map_says(alone):
    target = target_of(alone, addresses={f"{ANNOUNCED}:6379": f"127.0.0.1:{alone.port}"})
    assert list(applied_and_empty(target).targets) == [f"cache@{ANNOUNCED}:6379"], "by the name that it announces"


def test_a_host_stands_for_all_of_its_ports(redis_server):
    start_with(redis_server, f"cluster-enabled yes\ncluster-announce-ip {ANNOUNCED}\n")
    target = target_of(redis_server, addresses={ANNOUNCED: "localhost"})
    applied_and_empty(target)


def test_hosts_hold_for_the_mapped_address(alone):
    target = target_of(alone, addresses={f"{ANNOUNCED}:6379": f"localhost:{alone.port}"})
    inside = Secrets({}, Reach(hosts=hosts(f"127.0.0.1:{alone.port},{ANNOUNCED}")))
    with pytest.raises(Unread, match=r"localhost.* is not among the hosts that may be connected to"):
        plan_for(target, declared({"maxmemory": "20mb"}), inside)
    mapped = Secrets({}, Reach(hosts=hosts(f"127.0.0.1:{alone.port},localhost:{alone.port}")))
    applied_and_empty(target, mapped)


@contextmanager
def watched(server):
    """A Sentinel that watches `server` by an address that leads nowhere."""
    sentinel = Sentinel(server.folder / "sentinel", server.binary)
    sentinel.folder.mkdir(exist_ok=True)
    sentinel.conf.write_text(f"bind 127.0.0.1\ndir {sentinel.folder}\nsentinel monitor {NAME} {ANNOUNCED} 6379 2\n")
    sentinel.start()
    try:
        yield f"redis://127.0.0.1:{sentinel.port}"
    finally:
        sentinel.kill()


def test_what_a_sentinel_watches_is_reached_where_the_map_says(redis_server):
    with watched(redis_server) as sentinel:
        target = RedisTarget(
            name="cache", url=f"redis://{NAME}/0", memory=1 << 30, sentinels=[sentinel],
            addresses={f"{ANNOUNCED}:6379": f"127.0.0.1:{redis_server.port}"},
        )  # fmt: skip
        assert list(applied_and_empty(target).targets) == [f"cache@{ANNOUNCED}:6379"]
        inside = Secrets({}, Reach(hosts=hosts(f"{sentinel.removeprefix('redis://')},{ANNOUNCED}")))
        with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1.* is not among the hosts"):
            nodes(target, OpenSessions(inside))


def test_the_credentials_and_options_of_the_url_go_along(redis_server):
    from reconciler.targets.redis.nodes import _node

    target = RedisTarget(
        name="cache", url="redis://tool:s3cret@seed:1/3?health_check_interval=5",
        addresses={"[2001:db8::1]:6379": "localhost:7001", "10.0.0.2": "[::1]"},
    )  # fmt: skip
    urls = [_node(target, place).url.get_secret_value() for place in (("2001:db8::1", 6379), ("10.0.0.2", 5), ("x", 6))]
    assert [url.removesuffix("/3?health_check_interval=5") for url in urls] == [
        "redis://tool:s3cret@localhost:7001", "redis://tool:s3cret@[::1]:5", "redis://tool:s3cret@x:6",
    ]  # fmt: skip
