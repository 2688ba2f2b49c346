"""What the server does not let through: locks of others beyond the bound, duplicates in what shall be unique."""

from __future__ import annotations

import pytest
from applying.acting import apply, lock_timeout, message, plan_for, results
from waiting import given_time

from faults.scenes import PARTITIONED, Scene, by_name, checksum, converges, left, valid
from reconciler.model import Applied

pytestmark = pytest.mark.rotated

BEYOND = [
    ("create", "update tasks set priority = 0 where id = 1", 1, "a writer, for a build"),
    ("create", "lock table tasks in share update exclusive mode", 1, "a vacuum, for a build that has not begun"),
    ("replace", "update tasks set priority = 0 where id = 1", 1, "a writer, for the build of a replacement"),
    ("replace", "alter index i set (fillfactor = 90)", 2, "a change of the index, for the swap of names"),
    ("replace", "select count(*) from tasks", 1, "a reader, for the drop of the old one"),
    ("drop", "select count(*) from tasks", 1, "a reader, for a drop"),
    ("rename", "alter index by_hand set (fillfactor = 90)", 2, "a change of the index, for a rename"),
    ("storage parameters", "alter index i set (fillfactor = 90)", 2, "a change of the index, for its parameters"),
    ("drop on a partitioned table", "select count(*) from tasks", 2, "a reader, for the drop of all parts"),
    ("create on a partitioned table", "update tasks set priority = 0 where id = 1", 2, "a writer, for its first step"),
]
"""A scene, what somebody else does for too long, how often it is tried, and whom it is that what waits for."""


@pytest.mark.parametrize(("name", "held", "tries", "reason"), BEYOND, ids=[case[3] for case in BEYOND])
def test_a_lock_held_beyond_the_bound(name, held, tries, reason, sql, pg_target, holder):
    scene = by_name(name)

    def attempt(seconds: float):
        holder.rollback()
        scene.set_up(sql)
        before = valid(sql, ["i", "by_hand"])
        holder.execute(held)
        with lock_timeout(seconds):
            plan = plan_for(pg_target, scene.resources(pg_target))
            return before, apply(plan, pg_target, allowed=["index-drop"])

    waited = f"waited for process {holder.info.backend_pid}, user postgres (the report)"
    before, receipt = given_time(attempt, lambda found: waited in message(found[1]))
    assert results(receipt) == {"public.i": Applied.FAILED}
    said = message(receipt)
    assert "canceling statement due to lock timeout (55P03)" in said
    assert waited in said
    assert (f"tried {tries} times" in said) == (tries > 1)
    if name != "drop":  # DROP INDEX CONCURRENTLY takes it out of use before it waits
        assert valid(sql, ["i", "by_hand"]) == before
    data = checksum(sql)
    holder.rollback()
    converges(scene, sql, pg_target)
    assert checksum(sql) == data


UNIQUE = {"columns": ["status", "id"], "unique": "true"}
DUPLICATES = "insert into tasks (id, status) values (0, 's0')"
TWICE = [
    (Scene("create", 0, {"i": {**UNIQUE, "columns": ["status"]}}), "create"),
    (Scene("replace", 0, {"i": {**UNIQUE, "columns": ["status"]}}, ("create index i on tasks (title)",)), "replace"),
    (
        Scene(
            "partitioned",
            0,
            {"i": UNIQUE},
            ("insert into tasks select * from tasks where id between 150 and 250",),
            table=PARTITIONED,
        ),
        "on a partitioned table, in one of its partitions",
    ),
]


@pytest.mark.parametrize(("scene", "reason"), TWICE, ids=[case[1] for case in TWICE])
def test_duplicates_in_what_shall_be_unique(scene, reason, sql, pg_target):
    scene.set_up(sql)
    there, data = valid(sql, ["i"]), checksum(sql)
    receipt = apply(plan_for(pg_target, scene.resources(pg_target)), pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.FAILED}
    said = receipt.changes[0].message
    assert "could not create unique index" in said
    assert "(23505)" in said
    assert "what it left behind was taken away: drop index concurrently" in said
    assert (checksum(sql), valid(sql, ["i"])) == (data, there), "nothing is worse than before"
    if scene.table is not PARTITIONED:
        assert left(sql) == []
        sql.execute("update tasks set status = id::text")
    else:
        sql.execute(
            "delete from tasks a using tasks b where a.id = b.id and a.ctid > b.ctid and a.tableoid = b.tableoid"
        )
    converges(scene, sql, pg_target)
