"""An index of a partitioned table that is half done: it is resumed, and what was built by then is kept."""

from __future__ import annotations

import pytest
from applying.acting import apply, plan_for, results
from waiting import PATIENCE, until

from faults.scenes import at_work, by_name, checksum, converges, save, statements
from reconciler.model import Applied

pytestmark = pytest.mark.matrix

BUILT = """
    select c.relname, c.oid, pg_relation_filenode(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = any ('{low,high_0}'::regclass[]) and indisvalid and c.relname not like '%title%'
"""


@pytest.mark.parametrize("name", ["create on a partitioned table", "replace on a partitioned table"])
def test_killed_between_two_partitions_what_is_built_is_not_built_again(name, sql, pg_target, command, gate, tmp_path):
    scene = by_name(name)
    scene.set_up(sql)
    data = checksum(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    builds = [one for one in statements(plan) if one.startswith("create index concurrently")]
    with gate.closed(builds[-1]):
        process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
        until(gate.arrived, "the last partition's turn has come")
        process.kill()
        process.communicate()
        gate.turn_away()
    until(lambda: not at_work(sql), "nobody is at work any more")
    built = {oid: file for _, oid, file in sql.execute(BUILT)}
    assert len(built) == len(builds) - 1
    rest = statements(plan_for(pg_target, scene.resources(pg_target)))
    assert [one for one in rest if one.startswith("create index concurrently")] == builds[-1:]
    converges(scene, sql, pg_target)
    now = {oid: file for _, oid, file in sql.execute(BUILT)}
    assert built.items() <= now.items(), "the same index, and the same file"
    assert checksum(sql) == data


def test_a_partition_that_comes_in_the_middle_is_covered_by_the_next_run(sql, pg_target, command, gate, tmp_path):
    scene = by_name("create on a partitioned table")
    scene.set_up(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    attach = [one for one in statements(plan) if "attach partition" in one]
    with gate.closed(attach[-1]):
        process = command.start("apply", tmp_path / "plan.json")
        until(gate.arrived, "all is built, and the last one is about to be attached")
        sql.execute("create table later (like low)")
        sql.execute("insert into later select 10000 + n, 's', n, 't' from generate_series(1, 100) n")
        process.kill()
        process.communicate()
        gate.turn_away()
    until(lambda: not at_work(sql), "nobody is at work any more")
    sql.execute("alter table tasks detach partition high")
    sql.execute("alter table tasks attach partition high for values from (200) to (10000)")
    sql.execute("alter table tasks attach partition later for values from (10000) to (20000)")
    data = checksum(sql)
    converges(scene, sql, pg_target)
    assert checksum(sql) == data


@pytest.mark.parametrize("name", ["create on a partitioned table", "replace on a partitioned table"])
def test_a_partition_that_comes_after_the_plan_is_covered_by_the_next_one(name, sql, pg_target):
    """Seen to fail before: the change was stale."""
    scene = by_name(name)
    scene.set_up(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    sql.execute("alter table tasks detach partition high")
    sql.execute("create table high_1 partition of tasks default")
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.INCOMPLETE}
    converges(scene, sql, pg_target)


def test_a_partition_that_comes_before_the_first_statement_keeps_the_old_index(sql, pg_target, command, gate, tmp_path):
    """After the look before the change: the new index has no part there, and may not take the place of the old one.

    Seen to fail before: the old index was dropped, and the new one had no part on that partition.
    """
    scene = by_name("replace on a partitioned table")
    scene.set_up(sql)
    sql.execute("alter table tasks detach partition high")
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    with gate.closed(statements(plan)[0]):
        process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
        until(gate.arrived, "its first statement's turn has come")
        sql.execute("create table later partition of tasks for values from (10000) to (20000)")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    assert "needs a new one: public.later" in " ".join(out.split())
    kept = "select count(*) from pg_index where indrelid = 'later'::regclass and indisvalid"
    assert sql.execute(kept).fetchone() == (1,)
    converges(scene, sql, pg_target)


@pytest.mark.parametrize("name", ["create on a partitioned table", "replace on a partitioned table"])
def test_a_partition_that_goes_in_the_middle_is_left_out(name, sql, pg_target, command, gate, tmp_path):
    """Seen to fail before: its step failed, and with it the change."""
    scene = by_name(name)
    scene.set_up(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    with gate.closed(statements(plan)[0]):
        process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
        until(gate.arrived, "its first statement's turn has come")
        sql.execute("drop table high_0")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert "gone since, and left out: public.high_0" in " ".join(out.split())
    assert plan_for(pg_target, scene.resources(pg_target)).is_empty
