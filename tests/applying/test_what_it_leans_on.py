"""A setting that was not made takes only those along that would be judged otherwise without it.

Before, whatever had been planned beside it was stale, whether or not anything of it leant on that.
"""

from __future__ import annotations

import pytest
from redis_setting.declared import declared as redis_settings
from waiting import reload

from applying.acting import apply, pg_settings, plan_for, results
from reconciler.model import NEEDS_PERMISSION, Applied

STALE, APPLIED = Applied.STALE, Applied.APPLIED


@pytest.fixture
def kept(sql):
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


ROWS = [
    ("room for all of them either way", {"max_connections": "60", "superuser_reserved_connections": "5"},
     "max_connections = 70", {"max_connections": STALE, "superuser_reserved_connections": APPLIED}),
    ("more are kept back than there are", {"max_connections": "300", "superuser_reserved_connections": "95"},
     "max_connections = 96", {"max_connections": STALE, "superuser_reserved_connections": STALE}),
    ("the number is another", {"work_mem": "8MB", "hash_mem_multiplier": "3", "maintenance_work_mem": "work_mem * 20"},
     "work_mem = '9MB'", {"work_mem": STALE, "hash_mem_multiplier": APPLIED, "maintenance_work_mem": STALE}),
    ("a number that comes out the same", {"work_mem": "8MB", "maintenance_work_mem": "max(work_mem, 80MB)"},
     "work_mem = '9MB'", {"work_mem": STALE, "maintenance_work_mem": APPLIED}),
]  # fmt: skip


@pytest.mark.matrix
@pytest.mark.parametrize(("reason", "wanted", "meanwhile", "came"), ROWS, ids=[row[0] for row in ROWS])
def test_of_postgres(kept, pg_target, reason, wanted, meanwhile, came):
    plan = plan_for(pg_target, pg_settings(pg_target, wanted))
    assert {change.address.name for change in plan.changes} == {*wanted}
    kept.execute(f"alter system set {meanwhile}")
    reload(kept)
    assert results(apply(plan, pg_target, allowed=NEEDS_PERMISSION)) == came, reason
    assert apply(plan_for(pg_target, pg_settings(pg_target, wanted)), pg_target, allowed=NEEDS_PERMISSION).succeeded
    assert plan_for(pg_target, pg_settings(pg_target, wanted)).is_empty


REDIS = [
    ("a number that comes out the same", {"hz": "20", "maxclients": "max(hz * 10, 5000)"}, {"hz": "30"},
     {"hz": STALE, "maxclients": APPLIED}),
    ("other keys are evicted", {"maxmemory-policy": "allkeys-lru", "maxmemory": "2GB"},
     {"maxmemory-policy": "allkeys-random"}, {"maxmemory-policy": STALE, "maxmemory": APPLIED}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "wanted", "meanwhile", "came"), REDIS, ids=[row[0] for row in REDIS])
def test_of_redis(redis_target, redis_client, reason, wanted, meanwhile, came):
    plan = plan_for(redis_target, redis_settings(wanted, redis_target))
    assert {change.address.name for change in plan.changes} == {*wanted}
    for name, value in meanwhile.items():
        redis_client.config_set(name, value)
    assert results(apply(plan, redis_target, allowed=NEEDS_PERMISSION)) == came, reason
    assert apply(plan_for(redis_target, redis_settings(wanted, redis_target)), redis_target).succeeded
    assert plan_for(redis_target, redis_settings(wanted, redis_target)).is_empty
