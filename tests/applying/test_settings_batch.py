"""Settings of PostgreSQL that are written one after the other, loaded by one reload, and seen in one new session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from waiting import until

from applying.acting import apply, pg_settings, plan_for, resealed, results
from applying.conftest import locks
from reconciler.applying import settings_batch
from reconciler.applying.executing.step import PostgresExecutor
from reconciler.documents import plan as plan_file
from reconciler.model import Applied, SqlStep
from reconciler.planning import staleness
from reconciler.planning.staleness import Judgement, Standing

FIVE = {
    "checkpoint_timeout": "7min", "deadlock_timeout": "7s", "log_min_duration_statement": "777ms",
    "maintenance_work_mem": "77MB", "work_mem": "7MB",
}  # fmt: skip


def statements(receipt) -> dict[str, list[str]]:
    """What ran for each setting."""
    return {
        change.address.name: [text for done in change.steps for text in done.step.statements]
        for change in receipt.changes
    }


def test_each_has_a_statement_of_its_own_and_all_have_one_reload(tasks, pg_target, postgres):
    resources = pg_settings(pg_target, FIVE)
    before = postgres.log.count("received SIGHUP")
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}
    for name, ran in statements(receipt).items():
        assert [text.split()[:4] for text in ran] == [
            ["alter", "system", "set", name],
            ["select", "pg_catalog.pg_reload_conf()"],
        ]
    assert postgres.log.count("received SIGHUP") == before + 1
    assert plan_for(pg_target, resources).is_empty


def test_a_value_that_is_refused_is_told_of_itself_and_the_others_are_made(tasks, pg_target, monkeypatch):
    """As of a value that a plan would take; else it would be refused there."""
    resources = pg_settings(pg_target, FIVE)
    plan = resealed(plan_for(pg_target, resources), _refused)
    judge = staleness.judge

    def judged(planned, found):
        if planned.address.name == "deadlock_timeout":
            return Judgement(Standing.AS_PLANNED, "", planned.steps, planned.undo)
        return judge(planned, found)

    monkeypatch.setattr(staleness, "judge", judged)
    receipt = apply(plan, pg_target)
    monkeypatch.undo()
    wrong = Applied.FAILED
    assert results(receipt) == {name: wrong if name == "deadlock_timeout" else Applied.APPLIED for name in FIVE}
    [failed] = [change for change in receipt.changes if change.result is wrong]
    assert 'invalid value for parameter "deadlock_timeout"' in failed.message
    assert failed.steps == ()
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


def _refused(change):
    if change.address.name != "deadlock_timeout":
        return change
    wrong = SqlStep(statements=("alter system set deadlock_timeout = 'soon'",))
    return change.model_copy(update={"steps": (wrong, *change.steps[1:])})


def test_files_that_would_not_be_taken_are_found_out_one_by_one(tasks, pg_target, monkeypatch):
    """The server has something against them only while one of the five is in them."""
    resources = pg_settings(pg_target, FIVE)
    refuse_new = settings_batch.refuse_new

    def looked(before, now, target):
        with psycopg.connect(pg_target.url.get_secret_value()) as beside:
            query = "select 1 from pg_file_settings where name = 'maintenance_work_mem' and setting = '77MB'"
            found = beside.execute(query).fetchall()
        refuse_new(before, now | ({("postgresql.auto.conf", "", "too much")} if found else set()), target)

    monkeypatch.setattr(settings_batch, "refuse_new", looked)
    receipt = apply(plan_for(pg_target, resources), pg_target)
    monkeypatch.undo()
    wrong = Applied.FAILED
    assert results(receipt) == {name: wrong if name == "maintenance_work_mem" else Applied.APPLIED for name in FIVE}
    [failed] = [change for change in receipt.changes if change.result is wrong]
    assert "would not take its files" in failed.message
    assert "it was undone" in failed.message
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


@pytest.mark.parametrize("number", [0, 2, 4, 5], ids=["the first", "the third", "the last", "the reload"])
def test_a_session_that_is_ended_in_the_midst_costs_no_other_setting(tasks, pg_target, number, monkeypatch):
    resources = pg_settings(pg_target, FIVE)
    plan = plan_for(pg_target, resources)
    run, ran = PostgresExecutor.run, []
    there = "select 1 from pg_stat_activity where pid = %s"

    def then_ended(self, step, *arguments):
        ran.append(step)
        if len(ran) == number + 1:
            tasks.execute("select pg_terminate_backend(%s)", (self.pid,))
            until(lambda: not tasks.execute(there, (self.pid,)).fetchall(), "its session is gone")
        run(self, step, *arguments)

    monkeypatch.setattr(PostgresExecutor, "run", then_ended)
    receipt = apply(plan, pg_target)
    monkeypatch.undo()
    failed = [change for change in receipt.changes if change.result is Applied.FAILED]
    assert len(failed) == (1 if number < len(FIVE) else len(FIVE))
    assert all("the connection was lost" in change.message for change in failed)
    again = plan_for(pg_target, resources)
    assert again.is_empty or apply(again, pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


KILLED = """
import os, signal, sys
from reconciler.applying.executing import step
from reconciler.cli import main
run, ran = step.PostgresExecutor.run, []
def killed(self, *arguments):
    if len(ran) == int(os.environ["KILLED_BEFORE"]):
        os.kill(os.getpid(), signal.SIGKILL)
    ran.append(self)
    run(self, *arguments)
step.PostgresExecutor.run = killed
main()
"""


@pytest.mark.parametrize("number", [1, 3, 5], ids=["one is written", "three are", "all are, and not loaded"])
def test_kill_9_then_plan_and_apply_converge(tasks, pg_target, command, number, tmp_path):
    resources = pg_settings(pg_target, FIVE)
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    environment = {
        **os.environ,
        "DATABASE_URL": pg_target.url.get_secret_value(),
        "KILLED_BEFORE": str(number),
        "PYTHONPATH": str(Path(settings_batch.__file__).parents[2]),
    }
    arguments = ["--desired", command.folder, "apply", tmp_path / "plan.json"]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    until(lambda: not locks(tasks), "the lock is free")
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert receipt.succeeded, receipt.changes
    assert plan_for(pg_target, resources).is_empty
