"""Killed at any moment: the next plan and apply finish the work, and nothing is left."""

from __future__ import annotations

import signal
from contextlib import closing

import psycopg
import pytest
from pg_index.declared import declared, tables
from waiting import PATIENCE, until

from applying.acting import Applying, Interruption, apply, plan_for, results
from applying.conftest import CLEANING_UP_SOON, locks, waiting
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.model import Applied, Verdict

pytestmark = [pytest.mark.rotated, pytest.mark.usefixtures("cleaning_up_soon")]

COLUMNS = {"columns": ["status", "priority desc"]}

MOMENTS = [
    ("create", "update tasks set priority = 0 where id = 1", "create index%", "the build waits for a writer"),
    ("create", "SNAPSHOT", "create index%", "the build waits for an old snapshot"),
    ("replace", "update tasks set priority = 0 where id = 1", "create index%", "the new index is being built"),
    ("replace", "alter index i set (fillfactor = 90)", "begin%alter index%", "the names are about to be swapped"),
    ("replace", "select count(*) from tasks", "drop index%", "the old index is being dropped"),
    ("delete", "select count(*) from tasks", "drop index%", "an index is being dropped"),
]
"""What is to be done, what another session does so that it cannot be, and the statement that waits then."""


@pytest.fixture(params=MOMENTS, ids=[moment[3] for moment in MOMENTS])
def moment(request, tasks, pg_target, holder):
    """A plan for index i that will wait for `holder` in the midst of one of its steps."""
    todo, held, statement, _ = request.param
    if todo != "create":
        tasks.execute("create index i on tasks (title)")
    wanted = declared(pg_target, i="absent" if todo == "delete" else COLUMNS)
    plan = plan_for(pg_target, wanted)
    if held == "SNAPSHOT":
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held = "select 1 from pg_class"
    holder.execute(held)
    return plan, wanted, statement, () if todo == "delete" else ("i",)


def test_kill_9_then_plan_and_apply_converge(moment, tasks, pg_target, holder, command, leftovers, tmp_path):
    plan, wanted, statement, names = moment
    plan_file.write(plan, tmp_path / "plan.json")
    process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
    until(lambda: waiting(tasks, statement), "the statement waits")
    process.kill()
    process.communicate()

    until(lambda: not locks(tasks), "the lock is free, while the holder still holds")
    if tasks.info.server_version >= 140000:
        until(lambda: not waiting(tasks), "the server gives up what nobody waits for")
    holder.rollback()
    until(lambda: not waiting(tasks), "nobody waits")
    until(lambda: not builders(tasks), "nobody builds")

    again = plan_for(pg_target, wanted)
    receipt = apply(again, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt.changes
    assert plan_for(pg_target, wanted).is_empty
    leftovers(*names)


def test_kill_9_leaves_a_receipt_of_what_was_done_by_then(tasks, pg_target, holder, command, tmp_path):
    """Another table's index is built beside the one that waits."""
    wanted = [*declared(pg_target, i=COLUMNS), *tables(pg_target, {"public.users": {"indexes": {"u": COLUMNS}}})]
    plan_file.write(plan_for(pg_target, wanted), tmp_path / "plan.json")
    receipt = tmp_path / "receipt.json"
    holder.execute("update tasks set priority = 0 where id = 1")
    process = command.start("apply", tmp_path / "plan.json", "--receipt", receipt)
    until(receipt.exists, "one change is made")
    until(lambda: waiting(tasks, "create index%"), "the other waits")
    process.kill()
    process.communicate()
    told = receipt_file.read(receipt)
    assert results(told) == {"public.i": Applied.NOT_RUN, "public.u": Applied.APPLIED}
    assert (told.verdict, told.succeeded) == (Verdict.DIFFERS, False)
    [made] = [change for change in told.changes if change.result is Applied.APPLIED]
    assert (made.before, made.after["columns"]) == (None, ["status", "priority desc"])
    holder.rollback()
    until(lambda: not locks(tasks), "the lock is free")


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)])
def test_a_signal_ends_it_in_order(number, moment, tasks, pg_target, holder, command, leftovers, tmp_path):
    plan, wanted, statement, names = moment
    plan_file.write(plan, tmp_path / "plan.json")
    receipt = tmp_path / "receipt.json"
    arguments = ("apply", tmp_path / "plan.json", "--receipt", receipt, "--allow", "index-drop")
    process = command.start(*arguments, constants=CLEANING_UP_SOON)
    until(lambda: waiting(tasks, statement), "the statement waits")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "interrupted" in out
    assert "Traceback" not in out + err
    told = receipt_file.read(receipt)
    assert results(told)["public.i"] is Applied.FAILED
    assert [(one.before, one.after) for one in told.changes] == [(one.before, one.after) for one in plan.changes]
    assert not waiting(tasks), "the server was told to stop"
    until(lambda: not locks(tasks), "the server has noticed its end")
    holder.rollback()

    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(pg_target, wanted).is_empty
    leftovers(*names)


def test_an_interruption_between_two_steps_starts_no_third(tasks, pg_target, leftovers):
    tasks.execute("create index i on tasks (title)")
    wanted = declared(pg_target, i=COLUMNS)
    plan = plan_for(pg_target, wanted)

    class AfterTheFirst(Interruption):
        def __bool__(self) -> bool:
            return tasks.execute("select to_regclass('i_rcl_new') is not null").fetchone()[0]

    receipt = apply(plan, pg_target, interruption=AfterTheFirst(), allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "interrupted after 1 of 3 steps" in receipt.changes[0].message
    assert len(receipt.changes[0].steps) == 1
    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    leftovers("i")


def test_what_comes_after_an_interruption_is_not_run_and_says_so(tasks, pg_target, holder, leftovers):
    holder.execute("update tasks set priority = 0 where id = 1")
    wanted = declared(pg_target, i=COLUMNS, j={"columns": ["title"]})
    interruption = Interruption()
    applying = Applying(plan_for(pg_target, wanted), pg_target, interruption=interruption)
    until(lambda: waiting(tasks, "create index%"), "the build waits")
    interruption.set()
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.FAILED, "public.j": Applied.NOT_RUN}
    assert not receipt.succeeded
    holder.rollback()
    assert apply(plan_for(pg_target, wanted), pg_target).succeeded
    leftovers("i", "j")


def test_the_backend_of_a_build_is_terminated(moment, tasks, pg_target, holder, leftovers):
    plan, wanted, statement, names = moment
    applying = Applying(plan, pg_target, allowed=["index-drop"])
    until(lambda: waiting(tasks, statement), "the statement waits")
    tasks.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query ilike %s",
        (statement,),
    )
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert "the connection was lost: terminating connection due to administrator command" in receipt.changes[0].message
    holder.rollback()
    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(pg_target, wanted).is_empty
    leftovers(*names)


def builders(connection: psycopg.Connection) -> list[tuple]:
    return connection.execute(
        "select pid from pg_stat_activity where query ilike any (array['create index%', 'drop index%'])"
        " and state = 'active' and datname = current_database()"
    ).fetchall()


def test_a_build_that_somebody_else_runs_is_left_alone(tasks, pg_target, holder, database, leftovers):
    """The plan was made before it began: the change is stale, and nothing is built twice."""
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    holder.execute("update tasks set priority = 0 where id = 1")
    with closing(psycopg.connect(database, autocommit=True)) as other:
        other.pgconn.send_query(b"create index concurrently i on tasks (status, priority desc)")
        until(lambda: waiting(tasks, "create index%"), "the other build waits")
        receipt = apply(plan, pg_target)
        assert results(receipt) == {"public.i": Applied.STALE}
        assert "is being built, or dropped, at this moment" in receipt.changes[0].message
        holder.rollback()
        until(lambda: not builders(tasks), "the other build is done")
    assert results(apply(plan, pg_target)) == {"public.i": Applied.SKIPPED}
    leftovers("i")


def test_a_replacement_that_somebody_still_builds_is_not_dropped_nor_built_again(tasks, pg_target, holder, database):
    """As a killed apply leaves it for as long as its server process does not notice: on 13 until the build ends."""
    tasks.execute("create index i on tasks (title)")
    wanted = declared(pg_target, i=COLUMNS)
    holder.execute("update tasks set priority = 0 where id = 1")
    with closing(psycopg.connect(database, autocommit=True)) as other:
        other.pgconn.send_query(b"create index concurrently i_rcl_new on tasks (status, priority desc)")
        until(lambda: waiting(tasks, "create index%"), "the other build waits")
        plan = plan_for(pg_target, wanted)
        holder.rollback()
        until(lambda: not builders(tasks), "the other build is done")
    assert [notice.type for notice in plan.notices] == ["being-built"]
    [change] = plan_for(pg_target, wanted).changes
    assert not any("create index" in statement for step in change.steps for statement in step.statements)
