"""An apply on a cluster is undone node by node: each gets back what it had, in the order that a cluster needs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from applying.acting import apply, pg_settings, plan_for
from redis_setting.declared import declared as redis_settings
from redis_user.declared_users import users

from clusters.test_pair_settings import declared, order, shown
from clusters.test_patroni_settings import target
from clusters.test_redis_nodes import of_cluster
from reconciler.documents import receipt as receipt_file
from reconciler.model import HazardType, NoticeType, Plan, Receipt, Target
from reconciler.planning.rollback import plan_rollback
from reconciler.secrets import Secrets

__all__ = ["target"]

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]

ALL = tuple(HazardType)


def done(of: Target, resources) -> Receipt:
    receipt = apply(plan_for(of, resources), of, allowed=ALL)
    assert receipt.succeeded, receipt
    return receipt_file.load(receipt_file.dump(receipt), source="receipt")


def undoing(receipt: Receipt, of: Target) -> Plan:
    plan = plan_rollback(receipt, {of.name: of}, Secrets({}), created_at=datetime.now(UTC).replace(microsecond=0))
    assert [each for each in plan.notices if each.type is NoticeType.BLOCKED] == []
    return plan


def undo(plan: Plan, of: Target) -> None:
    receipt = apply(plan, of, allowed=ALL, digest=plan.digest)
    assert receipt.succeeded, receipt


def test_what_was_raised_on_a_pair_is_lowered_in_the_order_of_that(pair):
    of = declared(pair)
    before = [shown(server, "max_connections") for server in (pair.primary, pair.standby)]
    receipt = done(of, pg_settings(of, {"max_connections": "130"}))
    plan = undoing(receipt, of)
    assert order(plan) == ["main max_connections", "main restart", "main@db2 max_connections", "main@db2 restart"]
    undo(plan, of)
    assert [shown(server, "max_connections") for server in (pair.primary, pair.standby)] == before
    assert undoing(receipt, of).changes == ()
    pair.replayed()


def test_each_node_of_a_redis_cluster_gets_back_what_it_had(redis_cluster):
    of = of_cluster(redis_cluster)
    first = redis_cluster.nodes[0]
    with first.client() as client:
        client.config_set("timeout", "77")
        client.config_rewrite()
    receipt = done(of, [*users({"app": "on nopass ~app:* +@read"}), *redis_settings({"timeout": "300"})])
    assert {change.address.target for change in receipt.changes} == {*receipt.targets}
    undo(undoing(receipt, of), of)
    for node in redis_cluster.nodes:
        with node.client() as client:
            assert client.config_get("timeout") == {"timeout": "77" if node is first else "0"}
            assert client.acl_getuser("app") is None
    assert undoing(receipt, of).changes == ()


def test_what_patroni_had_not_it_has_not_again(patroni, target):
    parameters = patroni.config()["postgresql"]["parameters"]
    assert "work_mem" not in parameters
    receipt = done(target, pg_settings(target, {"work_mem": "7MB"}))
    undo(undoing(receipt, target), target)
    assert patroni.config()["postgresql"]["parameters"] == parameters
    first = done(target, pg_settings(target, {"work_mem": "7MB"}))
    second = done(target, pg_settings(target, {"work_mem": "9MB"}))
    undo(undoing(second, target), target)
    assert patroni.config()["postgresql"]["parameters"]["work_mem"] == "7MB"
    undo(undoing(first, target), target)
    assert patroni.config()["postgresql"]["parameters"] == parameters
