"""Settings of Redis that are set by one command: all of them or none, each verified and taken back for itself."""

from __future__ import annotations

import pytest
from redis_setting.declared import declared as redis_settings

from applying.acting import apply, plan_for, resealed, results
from reconciler.model import Applied, RedisStep
from reconciler.planning.staleness import Judgement, Standing

pytestmark = pytest.mark.redis(">= 7")


def test_one_command_sets_all_and_one_writes_the_file(redis_target, redis_client, redis_server):
    wanted = redis_settings({"maxmemory": "100mb", "hz": "20", "maxmemory-policy": "allkeys-lru"})
    receipt = apply(plan_for(redis_target, wanted), redis_target)
    assert receipt.succeeded
    sent = [" ".join(done.step.command) for done in receipt.changes[0].steps]
    assert sent == ["CONFIG SET maxmemory 100mb hz 20 maxmemory-policy allkeys-lru", "CONFIG REWRITE"]
    assert all(change.steps == receipt.changes[0].steps for change in receipt.changes)
    assert plan_for(redis_target, wanted).is_empty
    redis_server.restart()
    assert plan_for(redis_target, wanted).is_empty


def test_one_value_that_is_refused_leaves_all_as_they_were(redis_target, redis_client, monkeypatch):
    wanted = redis_settings({"maxmemory": "100mb", "hz": "20", "maxmemory-policy": "allkeys-lru"})
    plan = plan_for(redis_target, wanted)
    broken = [
        change.model_copy(update={"steps": tuple(_unacceptable(step, change.address.name) for step in change.steps)})
        for change in plan.changes
    ]
    by_name = {change.address.name: change for change in broken}
    monkeypatch.setattr("reconciler.planning.staleness.judge", _as_planned)
    receipt = apply(resealed(plan, lambda change: by_name[change.address.name]), redis_target)
    assert set(results(receipt).values()) == {Applied.FAILED}
    assert redis_client.config_get("maxmemory") == {"maxmemory": "0"}
    assert redis_client.config_get("hz") == {"hz": "10"}
    assert all("hz" in change.message for change in receipt.changes)


def _unacceptable(step, name):
    if isinstance(step, RedisStep) and name == "hz" and step.command[1] == "SET":
        return step.model_copy(update={"command": (*step.command[:3], "many")})
    return step


def _as_planned(planned, now):
    return Judgement(Standing.AS_PLANNED, "")


def test_one_that_came_out_otherwise_is_taken_back_and_the_others_stay(redis_target, redis_client, monkeypatch):
    """As of a version whose ranges are not known; else the plan would refuse it."""
    monkeypatch.setattr("reconciler.kinds.redis_setting.values.accepted_ranges.TRIED", frozenset())
    wanted = redis_settings({"maxmemory": "100mb", "hz": "5000"})
    plan = plan_for(redis_target, wanted)
    receipt = apply(plan, redis_target)
    assert results(receipt) == {"maxmemory": Applied.APPLIED, "hz": Applied.FAILED}
    assert "it was undone" in receipt.changes[1].message
    assert redis_client.config_get("hz") == {"hz": "10"}
    assert redis_client.config_get("maxmemory") == {"maxmemory": "104857600"}


def test_what_was_changed_meanwhile_is_stale_and_the_others_are_set(redis_target, redis_client):
    wanted = redis_settings({"maxmemory": "100mb", "hz": "20", "timeout": "77"})
    plan = plan_for(redis_target, wanted)
    redis_client.config_set("hz", "15")
    redis_client.config_set("timeout", "77")
    redis_client.config_rewrite()
    receipt = apply(plan, redis_target)
    assert results(receipt) == {"maxmemory": Applied.APPLIED, "hz": Applied.STALE, "timeout": Applied.SKIPPED}
    assert apply(plan_for(redis_target, wanted), redis_target).succeeded
    assert plan_for(redis_target, wanted).is_empty
