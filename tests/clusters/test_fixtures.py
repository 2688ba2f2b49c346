"""What the other tests build on: each cluster starts, replicates, and survives a node that goes away and comes back."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest
from fix_clusters import covered
from fix_servers import redis_binaries
from waiting import PATIENCE, NeverHappened, until

from clusters.pair import Pair
from clusters.patroni import PatroniCluster
from clusters.redis_cluster import RedisCluster
from clusters.sentinel import SentinelTrio

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]

PASSWORD = "opensesame"


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def test_a_standby_replays_what_it_missed_while_it_was_stopped(pair: Pair) -> None:
    execute(pair.primary.url(), "create table kept as select 1 as number")
    pair.replayed()
    assert value(pair.standby.url(), "select number from kept") == 1
    assert value(pair.standby.url(), "select pg_is_in_recovery()") is True

    pair.standby.stop()
    assert not pair.standby.running
    execute(pair.primary.url(), "update kept set number = 2")
    pair.standby.start()
    pair.replayed()
    assert value(pair.standby.url(), "select number from kept") == 2


def test_a_standby_streams_again_after_its_primary_was_restarted(pair: Pair) -> None:
    pair.primary.restart()
    execute(pair.primary.url(), "create table kept as select 1 as number")
    pair.replayed()
    assert value(pair.standby.url(), "select number from kept") == 1


def test_another_node_leads_when_patronis_leader_is_stopped_and_the_old_one_follows(patroni: PatroniCluster) -> None:
    old = patroni.leader()
    execute(old.url(), "create table kept as select 1 as number")
    old.stop()
    assert not old.running
    patroni.healthy()
    new = patroni.leader()
    assert new is not old
    execute(new.url(), "update kept set number = 2")

    old.start()
    patroni.healthy()
    assert len(patroni.replicas()) == 2
    until(lambda: value(old.url(), "select number from kept") == 2, "replay")
    execute(new.url(), "drop table kept")


def test_patroni_takes_what_its_configuration_is_patched_with(patroni: PatroniCluster) -> None:
    leader = patroni.leader()
    patch = {"postgresql": {"parameters": {"work_mem": "5MB"}}}
    httpx.patch(f"{leader.api}/config", json=patch, timeout=PATIENCE).raise_for_status()
    try:
        # A member answers what it read in its last round.
        until(lambda: patroni.config()["postgresql"]["parameters"].get("work_mem") == "5MB", "the configuration")
        for node in patroni.nodes.values():
            until(lambda node=node: value(node.url(), "show work_mem") == "5MB", "the reload")
    finally:
        back = {"postgresql": {"parameters": {"work_mem": None}}}
        httpx.patch(f"{leader.api}/config", json=back, timeout=PATIENCE).raise_for_status()


def test_a_redis_cluster_replaces_a_primary_that_is_stopped_and_takes_it_back(redis_cluster: RedisCluster) -> None:
    old, replica = redis_cluster.nodes[0], redis_cluster.nodes[3]
    with closing(old.client()) as client:
        key = next(key for key in map(str, range(1000)) if client.execute_command("CLUSTER", "KEYSLOT", key) < 5000)
        client.set(key, "kept")
        assert client.wait(1, 0) == 1
    redis_cluster.replacing()
    old.stop()
    redis_cluster.healthy()
    assert replica in redis_cluster.primaries()
    with closing(replica.client()) as client:
        assert client.get(key) == "kept"

    old.start()
    redis_cluster.healthy()
    assert old in redis_cluster.replicas()


def test_sentinels_promote_a_replica_when_asked_and_when_the_primary_is_gone(sentinels: SentinelTrio) -> None:
    first = sentinels.master()
    assert first is sentinels.data[0]
    with closing(sentinels.client(first)) as client:
        client.set("key", "kept")
        assert client.wait(2, 0) == 2
    second = sentinels.failover()
    assert second is not first

    sentinels.replacing()
    second.stop()
    until(lambda: sentinels.master() is not second, "another primary")
    sentinels.healthy()
    with closing(sentinels.client(sentinels.master())) as client:
        assert client.get("key") == "kept"
    second.start()
    sentinels.healthy()
    assert sentinels.master() is not second


@pytest.mark.redis(">= 7")  # Sentinel 6.2 looks around every ten seconds only; one test of it is enough
def test_two_sentinels_are_enough(sentinels: SentinelTrio) -> None:
    sentinels.sentinels[0].stop()
    assert sentinels.failover() is not sentinels.data[0]
    sentinels.sentinels[0].start()
    sentinels.healthy()


@pytest.mark.servers
@pytest.mark.parametrize("cluster", [RedisCluster, SentinelTrio])
def test_a_password_is_everybodys(cluster, folder: Path) -> None:
    binary = next(iter(redis_binaries().values()), None) or pytest.skip("no Redis is here")
    made = cluster(folder / f"locked-{cluster.__name__}", binary, password=PASSWORD)
    try:
        made.start()
    finally:
        made.stop()


def test_nothing_is_left_running_of_a_cluster_that_does_not_start(patroni: PatroniCluster, folder) -> None:
    binaries = next(iter(patroni.nodes.values())).binaries
    made = PatroniCluster(folder / "patroni-broken", binaries, nodes=2)
    made.etcd.start()
    for node in made.nodes.values():
        node.start()
    try:
        made.nodes["node2"].patroni.kill()
        until(made.nodes["node1"].data.exists, "node1 makes its database")
        with pytest.raises(NeverHappened, match="a healthy cluster: not within 0 s"):
            made.healthy(0)
    finally:
        made.stop()
    assert made.etcd.process is None
    assert not any(node.running or node.patroni for node in made.nodes.values())


def test_the_summary_says_what_patroni_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.patroni.find_spec", lambda name: None)
    assert "NOT COVERED: Patroni on etcd: wanted: the package patroni[etcd3]" in covered(Counter())
    monkeypatch.setattr("clusters.patroni.find_spec", lambda name: name)
    monkeypatch.setattr("clusters.patroni.shutil.which", lambda name: None)
    assert "NOT COVERED: Patroni on etcd: wanted: Debian's etcd-server" in covered(Counter())
