"""A role that may see everything and change nothing: its plan is good, and its apply leaves all alone."""

from __future__ import annotations

import pytest
from waiting import reload

from applying.acting import apply, message, pg_settings, plan_for, results
from reconciler.model import Applied


@pytest.fixture
def reader(sql, pg_target, postgres):
    """The target as such a role sees it."""
    sql.execute("create role reader login in role pg_monitor")
    sql.execute("grant select on pg_catalog.pg_file_settings to reader")
    sql.execute("grant execute on function pg_catalog.pg_show_all_file_settings() to reader")
    yield pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, "reader"))})
    sql.execute("drop owned by reader")
    sql.execute("drop role reader")
    sql.execute("alter system reset all")
    reload(sql)


def test_the_plan_of_a_reader_is_applied_by_somebody_who_may_and_not_by_the_reader(reader, pg_target, sql):
    plan = plan_for(reader, pg_settings(reader, {"work_mem": "17MB"}))
    refused = apply(plan, reader)
    assert results(refused) == {"work_mem": Applied.FAILED}
    assert "role reader may not run alter system set work_mem" in message(refused)
    assert refused.changes[0].steps == ()
    assert sql.execute("select count(*) from pg_file_settings where name = 'work_mem'").fetchone() == (0,)

    assert apply(plan, pg_target).succeeded
    assert plan_for(reader, pg_settings(reader, {"work_mem": "17MB"})).is_empty
