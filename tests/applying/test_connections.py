"""How many connections an apply makes: each costs the server a process, and the network several round trips."""

from __future__ import annotations

import pytest
from pg_index.declared import declared
from waiting import PATIENCE

from applying.acting import apply, pg_settings, plan_for
from reconciler.planning import staleness
from reconciler.targets.postgres.bounded_connection import HeardConnection

TEN = {
    "work_mem": "7MB", "maintenance_work_mem": "77MB", "temp_file_limit": "7GB", "random_page_cost": "1.7",
    "effective_cache_size": "7GB", "log_min_duration_statement": "777ms", "checkpoint_timeout": "7min",
    "max_wal_size": "7GB", "deadlock_timeout": "7s", "autovacuum_naptime": "7min",
}  # fmt: skip
COLUMNS = {"columns": ["status"]}

FOR_ALL = 3
"""What reads, from who the server is to the last plan; the lock; what writes, and was rehearsed on."""


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """What was connected to, from now on; where something takes long, further connections see how it goes."""
    monkeypatch.setattr("reconciler.applying.executing.watch.INTERVAL", PATIENCE)
    monkeypatch.setattr("reconciler.applying.verification.IN_ONE_SESSION", 10_000)
    connect, seen = HeardConnection.connect, []

    def counted(conninfo: str, **options):
        seen.append(conninfo)
        return connect(conninfo, **options)

    monkeypatch.setattr(HeardConnection, "connect", counted)
    return seen


def test_settings_take_one_connection_in_which_all_are_seen_to_be_true(tasks, pg_target, opened):
    resources = pg_settings(pg_target, TEN)
    plan = plan_for(pg_target, resources)
    opened.clear()
    assert apply(plan, pg_target).succeeded
    assert len(plan.changes) == len(TEN)
    assert len(opened) == 1 + FOR_ALL
    assert plan_for(pg_target, resources).is_empty


def test_indexes_take_no_connection_of_their_own(tasks, pg_target, opened):
    resources = declared(pg_target, i=COLUMNS, j={"columns": ["title"]}, k={"columns": ["priority"]})
    plan = plan_for(pg_target, resources)
    opened.clear()
    assert apply(plan, pg_target, parallel=1).succeeded
    assert len(opened) == FOR_ALL
    assert plan_for(pg_target, resources).is_empty


OURS = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reconciler' and datname = %s"


def test_a_session_that_somebody_ends_between_two_looks_is_opened_again(tasks, pg_target, monkeypatch):
    """After the first judgement there is only the one that reads."""
    resources = pg_settings(pg_target, {"work_mem": "7MB"})
    plan = plan_for(pg_target, resources)
    judge, ended = staleness.judge, []

    def then_ended(*arguments):
        found = judge(*arguments)
        if not ended:
            ended.extend(tasks.execute(OURS, (tasks.info.dbname,)).fetchall())
        return found

    monkeypatch.setattr(staleness, "judge", then_ended)
    receipt = apply(plan, pg_target)
    assert receipt.succeeded, receipt
    assert len(ended) == 1
    assert plan_for(pg_target, resources).is_empty
