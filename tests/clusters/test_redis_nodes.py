"""Redis on several nodes: a Cluster, what Sentinels watch, and declared replicas. Each node has what is declared."""

from __future__ import annotations

import pytest
from applying.acting import Seen, Unread, apply, now, plan_for
from fix_servers import _numbers, redis_binaries
from pydantic import SecretStr
from redis_setting.declared import declared as redis_settings
from redis_setting.declared import env
from redis_user.declared_users import users

from clusters.redis_cluster import RedisCluster
from clusters.sentinel import NAME, SentinelTrio
from reconciler.errors import HazardNotAllowed, PlanFileError
from reconciler.model import Applied, RedisTarget, Target, UnreadReason, Verdict
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.verdicts import of_plan

OLD, NEW = "the-old-password", "the-new-password"
pytestmark = [pytest.mark.thorough, pytest.mark.rotated]

SETTINGS = {"maxmemory": "50mb", "maxmemory-policy": "allkeys-lru", "timeout": "300"}


class Stopping(Seen):
    """Stops a server at the moment when work on its first change begins."""

    def __init__(self, server) -> None:
        super().__init__()
        self._server = server

    def started(self, change) -> None:
        super().started(change)
        if change.address.target.endswith(f":{self._server.port}") and self._server.process is not None:
            self._server.stop()


def of_cluster(cluster: RedisCluster, node: int = 0) -> Target:
    return RedisTarget(name="cache", url=cluster.nodes[node].url(), memory=1 << 30)


def of_sentinels(trio: SentinelTrio, password: str = "") -> Target:
    credentials = f":{password}@" if password else ""
    return RedisTarget(
        name="cache", url=f"redis://{credentials}{NAME}/0", memory=1 << 30,
        sentinels=[f"redis://127.0.0.1:{sentinel.port}" for sentinel in trio.sentinels],
    )  # fmt: skip


def values(client, names=tuple(SETTINGS)) -> dict[str, str]:
    return {name: client.config_get(name)[name] for name in names}


@pytest.mark.quick
def test_every_node_of_a_cluster_gets_the_settings_and_the_users(redis_cluster):
    target = of_cluster(redis_cluster, node=4)  # any node will do, a replica too
    resources = [*users({"app": "on nopass ~app:* +@read"}), *redis_settings(SETTINGS)]
    plan = plan_for(target, resources)
    assert sorted(plan.targets) == sorted(f"cache@127.0.0.1:{node.port}" for node in redis_cluster.nodes)
    assert len(plan.changes) == 6 * 4
    receipt = apply(plan, target, allowed=["less-safe"])
    assert receipt.succeeded, receipt
    for node in redis_cluster.nodes:
        with node.client() as client:
            assert values(client) == {"maxmemory": "52428800", "maxmemory-policy": "allkeys-lru", "timeout": "300"}
            assert client.acl_getuser("app") is not None
    assert plan_for(target, resources).is_empty


def test_a_node_that_cannot_be_reached_is_an_error_and_not_left_out(redis_cluster):
    target = of_cluster(redis_cluster)
    redis_cluster.nodes[5].stop()
    with pytest.raises(Unread, match=f"cache@127.0.0.1:{redis_cluster.nodes[5].port}: cannot connect"):
        plan_for(target, redis_settings(SETTINGS))


def test_nothing_is_planned_of_the_others_while_a_node_is_not_read(redis_cluster, redis_server):
    """Else a user who is connected to that node alone could be dropped on the others, and a setting differ among them.
    Another target is planned all the same."""
    target = of_cluster(redis_cluster)
    other = RedisTarget(name="other", url=redis_server.url(), memory=1 << 30)
    gone = redis_cluster.nodes[5]
    gone.stop()
    resources = [*redis_settings(SETTINGS), *redis_settings(SETTINGS, other)]
    plan = make_plan({"cache": target, "other": other}, resources, Secrets({}), created_at=now())
    assert [(each.target, each.node, each.reason) for each in plan.unreachable] == [
        ("cache", f"cache@127.0.0.1:{gone.port}", UnreadReason.NOT_CONNECTED)
    ]
    assert {change.address.target for change in plan.changes} == {"other"}
    assert list(plan.targets) == ["other"]
    assert (plan.notices, of_plan(plan)) == ((), Verdict.UNREACHABLE)
    receipt = apply(plan, [target, other])
    assert [change.result for change in receipt.changes] == [Applied.APPLIED] * 3
    assert (receipt.unseen, receipt.verdict, receipt.succeeded) == (("cache",), Verdict.UNREACHABLE, False)
    gone.start()
    redis_cluster.healthy()
    assert len(plan_for(target, redis_settings(SETTINGS)).changes) == 6 * 3


@pytest.mark.parametrize("stopped", [1, 4], ids=["a primary", "a replica"])
def test_a_node_of_a_cluster_is_stopped_in_the_middle_and_the_next_run_converges(redis_cluster, stopped):
    target = of_cluster(redis_cluster)
    resources = redis_settings(SETTINGS)
    node = redis_cluster.nodes[stopped]
    receipt = apply(plan_for(target, resources), target, listener=Stopping(node))
    by_node: dict[str, set[Applied]] = {}
    for change in receipt.changes:
        by_node.setdefault(change.address.target, set()).add(change.result)
    failed = by_node.pop(f"cache@127.0.0.1:{node.port}")
    assert failed <= {Applied.FAILED, Applied.NOT_RUN}
    assert list(by_node.values()) == [{Applied.APPLIED}] * 5
    node.start()
    redis_cluster.healthy()
    plan = plan_for(target, resources)
    assert {change.address.target for change in plan.changes} == {f"cache@127.0.0.1:{node.port}"}
    assert apply(plan, target).succeeded
    assert plan_for(target, resources).is_empty


def test_the_primary_is_asked_of_sentinels_and_replicas_are_not_forgotten(sentinels):
    target = of_sentinels(sentinels)
    resources = redis_settings(SETTINGS)
    plan = plan_for(target, resources)
    assert len(plan.targets) == 3
    assert next(iter(plan.targets)) == f"cache@127.0.0.1:{sentinels.data[0].port}"
    assert apply(plan, target).succeeded
    sentinels.failover()
    again = plan_for(target, resources)
    assert again.is_empty
    assert next(iter(again.targets)) == f"cache@127.0.0.1:{sentinels.master().port}"


def test_a_sentinels_replica_is_stopped_in_the_middle_and_the_next_run_converges(sentinels):
    target = of_sentinels(sentinels)
    resources = redis_settings(SETTINGS)
    stopped = sentinels.data[2]
    receipt = apply(plan_for(target, resources), target, listener=Stopping(stopped))
    assert not receipt.succeeded
    with pytest.raises(Unread, match=f":{stopped.port}"):
        plan_for(target, resources)
    sentinels.start()
    assert apply(plan_for(target, resources), target).succeeded
    assert plan_for(target, resources).is_empty


@pytest.mark.quick
def test_a_sentinel_that_is_gone_is_not_needed_while_another_answers(sentinels):
    sentinels.sentinels[0].stop()
    assert len(plan_for(of_sentinels(sentinels), redis_settings(SETTINGS)).targets) == 3


def test_a_name_that_no_sentinel_knows_is_said(sentinels):
    target = of_sentinels(sentinels)
    other = target.model_copy(update={"url": SecretStr("redis://other/0")})
    with pytest.raises(Unread, match=r"no Sentinel leads to the primary other: .*knows no primary other"):
        plan_for(other, redis_settings(SETTINGS))


def test_a_plan_for_other_nodes_is_refused(redis_cluster):
    target = of_cluster(redis_cluster)
    plan = plan_for(target, redis_settings(SETTINGS))
    gone = redis_cluster.nodes[5]
    with gone.client() as client:
        gone_id = client.execute_command("CLUSTER", "MYID")
    for node in redis_cluster.nodes[:5]:
        with node.client() as client:
            client.execute_command("CLUSTER", "FORGET", gone_id)
    with pytest.raises(PlanFileError, match=f"cache has other nodes than .*: cache@127.0.0.1:{gone.port} is gone"):
        apply(plan, target)


@pytest.fixture
def locked_trio(request, folder, tmp_path):
    """A trio whose password is `old`."""
    version, binary = next(iter(redis_binaries().items()), None) or pytest.skip("no Redis is here")
    trio = SentinelTrio(folder / f"locked-{version}-{next(_numbers)}", binary, password=OLD)
    try:
        trio.start()
        yield trio
    finally:
        trio.stop()


@pytest.mark.servers
def test_the_passwords_of_a_replicated_redis_are_rotated_in_one_run(locked_trio):
    secrets = Secrets({"NEW": NEW})
    target = of_sentinels(locked_trio, OLD)
    resources = redis_settings({"requirepass": env("NEW"), "masterauth": env("NEW")})
    knowing = target.model_copy(update={"credentials": {"default": (env("NEW"),)}})
    plan = plan_for(knowing, resources, secrets)
    order = [(change.address.name, change.phase) for change in plan.changes]
    assert order == [("masterauth", 0)] * 3 + [("requirepass", 1)] * 3
    receipt = apply(plan, knowing, secrets, allowed=["less-safe"])
    assert receipt.succeeded, receipt
    for sentinel in locked_trio.sentinels:
        with sentinel.client() as client:
            client.execute_command("SENTINEL", "SET", NAME, "auth-pass", NEW)
    locked_trio.password = NEW
    locked_trio.healthy()
    assert plan_for(of_sentinels(locked_trio, NEW), resources, secrets).is_empty
    for server in locked_trio.data[1:]:
        server.restart()
    locked_trio.healthy()
    assert plan_for(of_sentinels(locked_trio, NEW), resources, secrets).is_empty


def test_declared_replicas_get_the_same_and_have_to_be_replicas(sentinels, redis_server):
    primary, first, second = sentinels.data

    def replicated(*urls: str) -> Target:
        return RedisTarget(name="cache", url=primary.url(), memory=1 << 30, replicas=urls)

    resources = redis_settings(SETTINGS)
    target = replicated(first.url(), second.url())
    assert len(plan_for(target, resources).targets) == 3
    assert apply(plan_for(target, resources), target).succeeded
    assert plan_for(target, resources).is_empty
    with pytest.raises(Unread, match="it is no replica of cache: its role is master"):
        plan_for(replicated(redis_server.url()), resources)
    with pytest.raises(Unread, match="it is the same server as cache"):
        plan_for(replicated(primary.url()), resources)
    turned = RedisTarget(name="cache", url=first.url(), replicas=[second.url()])
    with pytest.raises(Unread, match="it is a replica itself"):
        plan_for(turned, resources)


def test_a_password_that_would_keep_replicas_out_is_a_hazard(redis_cluster):
    secrets = Secrets({"NEW": NEW})
    target = of_cluster(redis_cluster)
    alone = plan_for(target, redis_settings({"requirepass": env("NEW")}), secrets)
    with pytest.raises(HazardNotAllowed, match="stops-standbys: requirepass: masterauth is not declared"):
        apply(alone, target, secrets)
    resources = redis_settings({"requirepass": env("NEW"), "masterauth": env("NEW")})
    knowing = target.model_copy(update={"credentials": {"default": (env("NEW"),)}})
    assert apply(plan_for(knowing, resources, secrets), knowing, secrets).succeeded
    assert plan_for(knowing, resources, secrets).is_empty
    for node in redis_cluster.nodes:
        node.password = NEW
    redis_cluster.healthy()
    with redis_cluster.nodes[3].client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "master")  # it has to log in again
    redis_cluster.healthy()
