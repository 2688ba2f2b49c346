"""Builds side by side, as many as the server bears; and what came of them."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from pg_index.declared import declared, tables
from waiting import until

from applying.acting import Applying, Seen, apply, now, pg_settings, plan_for, results
from reconciler.applying.build_parallelism import bound
from reconciler.model import Applied
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.views import render_receipt

COLUMNS = {"columns": ["status", "priority desc"]}
TWO = {f"public.{name}": {"indexes": {f"{name}_i": COLUMNS}} for name in ("tasks", "users")}
MB = 1 << 20


def bearable(target, asked: int, memory: int | None) -> tuple[int, str]:
    with closing(connect(target.model_copy(update={"memory": memory}), Secrets({}))) as session:
        return bound(session, asked)


BOUNDS = [
    (16 << 30, 4, 4, "there is room for all"),
    (4 * 4 * 64 * MB, 4, 4, "exactly a quarter of the memory"),
    (4 * 4 * 64 * MB - 1, 4, 3, "a byte less"),
    (4 * 64 * MB, 4, 1, "room for one"),
    (MB, 4, 1, "room for none: one at least"),
]


@pytest.mark.parametrize(("memory", "asked", "builds", "reason"), BOUNDS, ids=[case[3] for case in BOUNDS])
def test_builds_together_take_no_more_than_a_quarter_of_the_memory(memory, asked, builds, reason, pg_target):
    found, why = bearable(pg_target, asked, memory)
    assert found == builds
    assert bool(why) is (builds < asked)
    if why:
        assert why.startswith(f"builds at once: {builds} instead of {asked}, since each may take maintenance_work_mem")
        assert "(64MB)" in why


def test_the_memory_of_the_role_that_builds_counts(sql, pg_target, postgres):
    sql.execute("create role builder login")
    sql.execute("alter role builder set maintenance_work_mem = '256MB'")
    theirs = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, "builder"))})
    try:
        assert bearable(theirs, 4, 2 << 30)[0] == 2
        assert bearable(theirs, 4, None) == (4, ""), "memory that is not known bounds nothing"
    finally:
        sql.execute("drop role builder")


def test_builds_leave_connections_to_others(sql, pg_target):
    [most] = sql.execute("select current_setting('max_connections')::int").fetchone()
    found, why = bearable(pg_target, 64, 1 << 50)
    assert 1 <= found <= most // 10 - 2, "beside those that build there are the lock, and one that looks"
    assert re.search(
        rf"since an apply takes no more than a tenth of the connections that are free \(\d+ of {most}\)", why
    )


def test_fewer_builds_than_asked_run_at_once_and_it_is_said(tasks, pg_target, holder):
    small = pg_target.model_copy(update={"memory": 300 * MB})
    holder.execute("update tasks set priority = 0 where id = 1")
    listener = Seen()
    applying = Applying(plan_for(small, tables(small, TWO)), small, parallel=4, listener=listener)
    until(lambda: listener.progress, "the first build waits, and its progress is told")
    assert listener.events == [("started", "public.tasks_i")]
    holder.rollback()
    receipt = applying.ended()
    assert receipt.succeeded
    [note] = listener.notes
    assert note.startswith("main: builds at once: 1 instead of 2, since each may take maintenance_work_mem (64MB)")
    assert receipt.notes == (note,)


def test_a_maintenance_work_mem_of_the_same_plan_counts(tasks, pg_target):
    """Settings come before indexes: the builds run with what was just set."""
    wanted = [*pg_settings(pg_target, {"maintenance_work_mem": "3GB"}), *tables(pg_target, TWO)]
    listener = Seen()
    assert apply(plan_for(pg_target, wanted), pg_target, parallel=2, listener=listener).succeeded
    [note] = listener.notes
    assert "maintenance_work_mem (3GB)" in note


def test_the_receipt_says_what_was_built_and_how_long_it_took(tasks, pg_target):
    tasks.execute("create index other on tasks (title)")
    wanted = declared(pg_target, i=COLUMNS, renamed={"columns": ["title"]})
    tasks.execute("analyze tasks")
    plan = make_plan({"main": pg_target}, wanted, Secrets({}), created_at=now(), advised=True)
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.APPLIED, "public.renamed": Applied.APPLIED}
    [built, renamed] = sorted(receipt.changes, key=lambda change: change.address)
    real = tasks.execute("select pg_relation_size('i')").fetchone()[0]
    assert [(fact.name, fact.unit) for fact in built.evidence] == [("index", "bytes"), ("build time", "seconds")]
    assert built.evidence[0].value == real
    assert built.evidence[1].value == pytest.approx(built.steps[0].seconds)
    assert not any(fact.estimated for fact in built.evidence)
    assert renamed.evidence == (), "nothing was built"
    shown = render_receipt(receipt, plan=plan)
    assert f"index {real >> 10} kB (about " in shown
    assert " planned)" in shown
    assert apply(plan, pg_target).changes[0].evidence == (), "nothing ran"


def test_a_build_that_waited_for_others_says_how_much_of_its_time_that_was(tasks, pg_target, holder):
    """Seen to fail: a build of milliseconds behind a writer of minutes was told as one of minutes."""
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    holder.execute("update tasks set status = status where id = 1")
    listener = Seen()
    applying = Applying(plan, pg_target, listener=listener)
    until(lambda: len(listener.waits) >= 2, "a build that waits for the writer")
    holder.rollback()
    [built] = applying.ended().changes
    whole, waited = built.evidence[1:]
    assert (whole.name, waited.name, waited.unit) == ("build time", "of it waiting for others", "seconds")
    assert 0 < waited.value <= whole.value
    assert ", of it waiting for others " in " ".join(render_receipt(applying.receipt).split())


def test_a_build_that_failed_measured_nothing(tasks, pg_target):
    receipt = apply(plan_for(pg_target, declared(pg_target, i={"columns": ["status"], "unique": True})), pg_target)
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert receipt.changes[0].evidence == ()
