"""The checklists of `desired/`, as they are, on real servers: before, and after what the settings declare is there."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
import pytest
from waiting import reload

from reconciler.desired.load import load
from reconciler.kinds.check import CheckKind
from reconciler.model import CheckStatus, HttpTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

DESIRED = Path(__file__).parents[2] / "desired"
KIND = CheckKind(lambda: date(2026, 7, 1))


@pytest.fixture
def items(tmp_path):
    """The repository's checklists. Copied: no package.json that happens to lie about may decide."""
    shutil.copytree(DESIRED / "checklists", tmp_path / "top" / "desired" / "checklists")
    shutil.copy(DESIRED / "targets.yaml", tmp_path / "top" / "desired")
    env = {"DATABASE_URL": "postgresql://127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1/0"}
    return load(tmp_path / "top" / "desired", [KIND], env, Secrets(env)).resources


def statuses(items, target, secrets):
    own = [item for item in items if item.address.target == target.name]
    with closing(connect(target, secrets)) as session:
        observed = KIND.observe(session, own)
    results = [KIND.plan(item, observed[item.address])[0] for item in own]
    return {result.address.name: (result.status.value, result.message) for result in results}


def test_the_checklists_hold_the_seeds_24_items_each_with_a_reason(items):
    by_target = {name: [item for item in items if item.address.target == name] for name in ("main", "cache", "app")}
    assert {name: len(own) for name, own in by_target.items()} == {"main": 8, "cache": 8, "app": 8}
    assert all(item.why and item.title for item in items)
    assert all(item.declared_at.split(":")[1].isdigit() for item in items)


def test_postgresql_before_and_after_its_settings(items, postgres, pg_target, secrets):
    before = statuses(items, pg_target, secrets)
    assert before["pg-slow-log"] == ("fail", "log_min_duration_statement is off; wanted at most 250ms")
    assert before["pg-shared-buffers"] == (
        "fail",
        "shared_buffers is 128MB; wanted at least 20% of memory (3.2GB)",
    )
    assert before["pg-effective-cache-size"][0] == "fail"
    assert before["pg-autovacuum"] == ("pass", "no rows")
    assert before["pg-pooling"] == ("not-applicable", "there is no ../../pgbouncer.ini or ../../package.json")
    assert before["pg-indexes"][0] == "no-data"
    assert before["pg-work-mem"][0] == "pass"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        settings = {"log_min_duration_statement": "100ms", "shared_buffers": "4GB", "effective_cache_size": "12GB"}
        for name, value in settings.items():
            connection.execute(f"alter system set {name} = '{value}'")
        try:
            reload(connection)
            after = statuses(items, pg_target, secrets)
        finally:
            for name in settings:
                connection.execute(f"alter system reset {name}")
            reload(connection)
    assert after["pg-slow-log"] == ("pass", "log_min_duration_statement is 100ms")
    assert after["pg-effective-cache-size"] == ("pass", "effective_cache_size is 12GB")
    assert after["pg-shared-buffers"] == (
        "fail",
        "shared_buffers is 128MB; wanted at least 20% of memory (3.2GB); "
        "another value is configured and waits for a restart",
    )


def test_redis_before_and_after_its_settings(items, redis_server, redis_client, redis_target):
    planted = "s3cret-of-redis"
    secrets = Secrets({"REDIS_PASSWORD": planted})
    before = statuses(items, redis_target, secrets)
    assert before["redis-maxmemory"][0] == "fail"
    assert before["redis-eviction"] == (
        "fail",
        "maxmemory-policy is noeviction; wanted one of allkeys-lru, allkeys-lfu",
    )
    assert before["redis-persistence"] == ("fail", "nothing is persisted: save is empty and appendonly is no")
    assert before["redis-slowlog"][0] == "pass"
    assert before["redis-events"] == (
        "fail",
        "notify-keyspace-events is empty; wanted at least the flags Ex",
    )
    assert before["redis-password"][0] == "fail", before["redis-password"]
    assert before["redis-dangerous-commands"][0] == "fail"
    assert before["redis-fragmentation"][0] == "no-data"
    for name, value in {
        "maxmemory": 6 << 30,
        "maxmemory-policy": "allkeys-lru",
        "appendonly": "yes",
        "notify-keyspace-events": "Ex",
    }.items():
        redis_client.config_set(name, value)
    redis_client.execute_command("ACL", "SETUSER", "app", "on", ">pw", "~app:*", "+@all", "-@dangerous")
    redis_client.config_set("requirepass", planted)
    url = redis_server.url("", planted)
    target = redis_target.model_copy(update={"url": type(redis_target.url)(url)})
    after = statuses(items, target, secrets)
    assert {name: status for name, (status, _) in after.items()} == {
        "redis-maxmemory": "pass",
        "redis-eviction": "pass",
        "redis-persistence": "pass",
        "redis-slowlog": "pass",
        "redis-events": "pass",
        "redis-password": "pass",
        "redis-dangerous-commands": "pass",
        "redis-fragmentation": "no-data",
    }, after
    assert after["redis-maxmemory"][1] == "maxmemory is 6GB"
    assert planted not in str(after)


def test_without_an_application_its_items_do_not_apply(items, secrets):
    found = statuses(items, HttpTarget(name="app", url=""), secrets)
    assert {status for status, _ in found.values()} == {CheckStatus.NOT_APPLICABLE.value}
    assert found["node-compression"][1] == "target app declares no URL"
    assert found["node-graceful-shutdown"][1] == "target app declares no URL"
    assert found["node-memory-limit"][1] == "there is no ../../package.json or ../../Dockerfile"
