"""Settings whose risk is that of all that is declared together, and whose order matters where they are not set at once.

On the code before: maxmemory was judged by the policy that ran, so that nobody had to allow what evicted 2,000 of
3,000 keys; on 6.2 the lower limit came before noeviction; `appendonly: no` spoke of writes since the last snapshot
where nothing was left of the data.
"""

from __future__ import annotations

from contextlib import closing

import pytest
import redis
from applying.acting import apply, plan_for
from redis_setting.declared import declared

from reconciler.applying.executing import step as execute
from reconciler.errors import HazardNotAllowed
from reconciler.model import HazardType, RedisTarget, Target

KEYS = 3000
LIMIT = "4mb"
ALLOWED = tuple(HazardType)


def at(server) -> Target:
    return RedisTarget(name="cache", url=server.url(), memory=8 << 30)


@pytest.fixture
def full(redis_server, redis_client):
    """A server that holds more than LIMIT, and evicts nothing."""
    pipeline = redis_client.pipeline(transaction=False)
    for number in range(KEYS):
        pipeline.set(f"key:{number}", "x" * 2000)
    pipeline.execute()
    redis_client.save()
    return redis_server


def keys(server) -> int:
    with closing(redis.Redis(port=server.port)) as client:
        return client.dbsize()


def hazards(plan) -> dict[str, set[HazardType]]:
    return {
        change.address.name: {hazard.type for step in change.steps for hazard in step.hazards}
        for change in plan.changes
    }


@pytest.mark.parametrize("limit", [LIMIT, "0.1% of memory"], ids=["an amount", "a formula"])
def test_a_lower_limit_is_judged_by_the_policy_that_is_declared_with_it(limit, full):
    target = at(full).model_copy(update={"memory": 4 << 30}) if "%" in limit else at(full)
    resources = declared({"maxmemory": limit, "maxmemory-policy": "allkeys-lru"}, target)
    plan = plan_for(target, resources)
    assert hazards(plan) == {name: {HazardType.EVICTS_KEYS} for name in ("maxmemory", "maxmemory-policy")}
    with pytest.raises(HazardNotAllowed, match="evicts-keys"):
        apply(plan, target, allowed={HazardType.STOPS_SERVICE, HazardType.LESS_SAFE})
    assert keys(full) == KEYS
    assert apply(plan, target, allowed={HazardType.EVICTS_KEYS}).succeeded
    assert plan_for(target, resources).is_empty


def test_a_lower_limit_comes_after_noeviction(full, redis_client):
    """Where it came before, allkeys-lru evicted on the way; the next plan and apply are as usual."""
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    redis_client.config_rewrite()
    resources = declared({"maxmemory": LIMIT, "maxmemory-policy": "noeviction"})
    plan = plan_for(at(full), resources)
    assert [change.address.name for change in plan.changes] == ["maxmemory-policy", "maxmemory"]
    assert hazards(plan) == {name: {HazardType.STOPS_SERVICE} for name in ("maxmemory", "maxmemory-policy")}
    assert apply(plan, at(full), allowed={HazardType.STOPS_SERVICE}).succeeded
    assert keys(full) == KEYS
    assert plan_for(at(full), resources).is_empty


def test_a_higher_limit_comes_before_a_policy_that_evicts(full, redis_client):
    redis_client.config_set("maxmemory", LIMIT)
    redis_client.config_rewrite()
    resources = declared({"maxmemory-policy": "allkeys-lru", "maxmemory": "1gb"})
    plan = plan_for(at(full), resources)
    assert [change.address.name for change in plan.changes] == ["maxmemory", "maxmemory-policy"]
    assert hazards(plan) == {"maxmemory": set(), "maxmemory-policy": set()}
    assert apply(plan, at(full)).succeeded
    assert keys(full) == KEYS
    assert plan_for(at(full), resources).is_empty


NOTHING_LEFT = [
    ({"appendonly": "no"}, True, "save is empty, and stays so"),
    ({"appendonly": "no", "save": ""}, True, "save is declared empty"),
    ({"appendonly": "no", "save": "3600 1"}, False, "snapshots are made from now on"),
]


@pytest.mark.parametrize(("section", "nothing", "reason"), NOTHING_LEFT, ids=[case[2] for case in NOTHING_LEFT])
def test_what_is_left_at_the_next_restart_is_said_of_all_together(section, nothing, reason, full):
    assert apply(plan_for(at(full), declared({"appendonly": "yes"})), at(full)).succeeded
    (full.folder / "dump.rdb").unlink()
    plan = plan_for(at(full), declared(section))
    assert plan.changes[-1].address.name == "appendonly", "snapshots begin before it ends"
    [hazard] = plan.changes[-1].steps[0].hazards
    assert ("nothing is kept of the data" in hazard.message) is nothing
    assert apply(plan, at(full), allowed=ALLOWED).succeeded
    assert plan_for(at(full), declared(section)).is_empty
    full.restart()
    assert keys(full) == (0 if nothing else KEYS), "the hazard says what is so"


def test_snapshots_end_after_the_append_only_file_is_there(full, redis_client):
    redis_client.config_set("save", "3600 1")
    redis_client.config_rewrite()
    resources = declared({"save": "", "appendonly": "yes"})
    plan = plan_for(at(full), resources)
    assert [change.address.name for change in plan.changes] == ["appendonly", "save"]
    [hazard] = plan.changes[1].steps[0].hazards
    assert "the append-only file alone keeps the data" in hazard.message
    assert apply(plan, at(full), allowed=ALLOWED).succeeded
    full.kill()
    full.start()
    assert keys(full) == KEYS
    assert plan_for(at(full), resources).is_empty


def test_no_snapshots_and_no_append_only_file_leave_nothing(full, redis_client):
    redis_client.config_set("save", "3600 1")
    redis_client.config_rewrite()
    [change] = plan_for(at(full), declared({"save": ""})).changes
    assert "nothing is kept of the data" in change.steps[0].hazards[0].message


def test_what_is_less_safe_after_a_restart_has_to_be_allowed_although_it_runs(full, redis_client):
    """Somebody turned it off for a moment; to write that down is another matter."""
    assert apply(plan_for(at(full), declared({"appendonly": "yes"})), at(full)).succeeded
    redis_client.config_set("appendonly", "no")
    plan = plan_for(at(full), declared({"appendonly": "no"}))
    assert hazards(plan) == {"appendonly": {HazardType.LESS_SAFE}}


def test_more_replicas_than_there_are_stop_every_write(full):
    plan = plan_for(at(full), declared({"min-replicas-to-write": "1", "min-replicas-max-lag": "20"}))
    assert hazards(plan) == {"min-replicas-max-lag": set(), "min-replicas-to-write": {HazardType.STOPS_SERVICE}}
    assert [change.address.name for change in plan.changes][-1] == "min-replicas-to-write"


@pytest.mark.redis("< 7")
def test_no_step_on_the_way_loses_or_refuses_more_than_the_last(full, redis_client, monkeypatch):
    """6.2 takes one setting at a time: after each, all keys are there, and a write is taken."""
    original = execute.RedisExecutor.run
    seen = []

    def run(executor, step, *more):
        original(executor, step, *more)
        redis_client.set("key:0", "y")
        seen.append((step.command, redis_client.dbsize()))

    monkeypatch.setattr(execute.RedisExecutor, "run", run)
    resources = declared(
        {"maxmemory-policy": "volatile-lru", "maxmemory": "1gb", "save": "3600 1", "appendonly": "yes"}
    )
    assert apply(plan_for(at(full), resources), at(full), allowed=ALLOWED).succeeded
    assert len(seen) == 8
    assert {count for _, count in seen} == {KEYS}
