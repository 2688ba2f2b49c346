"""A number that came from a formula is applied as it was reviewed, or not at all."""

from __future__ import annotations

import pytest
from redis_setting.declared import declared as redis_settings
from waiting import reload

from applying.acting import apply, message, pg_settings, plan_for, results
from reconciler.documents import plan as plan_file
from reconciler.model import Applied


@pytest.fixture
def kept(sql, postgres):
    """Afterwards, nothing of ALTER SYSTEM's is left."""
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


def saved(plan):
    return plan_file.load(plan_file.dump(plan), source="plan.json")


def test_a_saved_plan_is_stale_where_the_machine_is_declared_otherwise_by_now(kept, pg_target):
    wanted = pg_settings(pg_target, {"work_mem": "memory / 1024", "vacuum_cost_limit": "2 * 150"})
    plan = saved(plan_for(pg_target, wanted))
    grown = pg_target.model_copy(update={"memory": 32 << 30})
    receipt = apply(plan, grown)
    assert results(receipt) == {"work_mem": Applied.STALE, "vacuum_cost_limit": Applied.APPLIED}
    stale = next(change for change in receipt.changes if change.address.name == "work_mem")
    assert "value was 16MB in the plan and is 32MB now" in stale.message
    assert kept.execute("select setting from pg_settings where name = 'work_mem'").fetchone() == ("4096",)

    assert apply(saved(plan_for(grown, wanted)), grown).succeeded
    assert plan_for(grown, wanted).is_empty


def test_a_saved_plan_is_stale_where_an_undeclared_setting_that_it_leans_on_changed(kept, pg_target):
    plan = saved(plan_for(pg_target, pg_settings(pg_target, {"maintenance_work_mem": "5 * work_mem"})))
    kept.execute("alter system set work_mem = '8MB'")
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"maintenance_work_mem": Applied.STALE}
    assert "value was 20MB in the plan and is 40MB now" in message(receipt)


def test_a_plan_of_settings_that_lean_on_each_other_is_applied_as_a_whole_in_any_order(kept, pg_target):
    section = {
        "work_mem": "maintenance_work_mem / 8",
        "maintenance_work_mem": "min(2GB, memory / 32)",
        "max_connections": "2 * 60",
        "logical_decoding_work_mem": "4 * work_mem",
    }
    wanted = pg_settings(pg_target, section)
    for order in (wanted, wanted[::-1]):
        plan = saved(plan_for(pg_target, order))
        assert {change.address.name: change.after["value"] for change in plan.changes} == {
            "work_mem": "64MB", "maintenance_work_mem": "512MB", "max_connections": "120",
            "logical_decoding_work_mem": "256MB",
        }  # fmt: skip
        assert apply(plan, pg_target).succeeded
        assert plan_for(pg_target, order).is_empty
        kept.execute("alter system reset all")
        reload(kept)


def test_the_same_holds_for_redis(redis_target, redis_client):
    section = {"maxmemory": "75% of memory", "repl-backlog-size": "maxmemory / 96", "maxclients": "10 * hz"}
    plan = saved(plan_for(redis_target, redis_settings(section, redis_target)))
    assert {change.address.name: change.after["value"] for change in plan.changes} == {
        "maxmemory": "6GB", "repl-backlog-size": "64MB", "maxclients": "100",
    }  # fmt: skip
    redis_client.config_set("hz", 20)
    grown = redis_target.model_copy(update={"memory": 16 << 30})
    assert set(results(apply(plan, grown)).values()) == {Applied.STALE}
    redis_client.config_set("hz", 10)
    assert apply(plan, redis_target).succeeded
    assert plan_for(redis_target, redis_settings(section, redis_target)).is_empty
