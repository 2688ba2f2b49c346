"""How many connections an apply makes: each costs the server a process, and the network several round trips."""

from __future__ import annotations

import pytest
from pg_index.declared import declared
from waiting import PATIENCE

from applying.acting import apply, now, pg_settings, plan_for
from reconciler.applying.apply import reading_sessions
from reconciler.model import Applied
from reconciler.model.event import Started
from reconciler.planning import staleness
from reconciler.planning.make import planned
from reconciler.secrets import Secrets
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


def test_an_apply_reads_in_the_session_that_its_plan_has_left(tasks, pg_target, opened):
    """Seen to fail where the apply opened one of its own."""
    resources = declared(pg_target, i=COLUMNS)
    with reading_sessions(Secrets({})) as left:
        targets = {pg_target.name: pg_target}
        plan = planned(targets, resources, Secrets({}), created_at=now(), left=left).plan
        assert apply(plan, pg_target, left=left).succeeded
    assert len(opened) == FOR_ALL


def test_nothing_is_left_open_where_two_targets_share_a_server(tasks, pg_target, opened):
    resources = declared(pg_target, i=COLUMNS)
    other = pg_target.model_copy(update={"name": "other"})
    with reading_sessions(Secrets({})) as left:
        targets = {each.name: each for each in (pg_target, other)}
        planned(targets, resources, Secrets({}), created_at=now(), left=left)
        before = len(opened)
        with left.lent(pg_target):
            assert len(opened) == before + 1


def test_another_server_than_was_planned_is_refused_where_its_url_leads_there_after_the_lock(
    tasks, pg_target, monkeypatch
):
    """Seen to fail where who the server is was looked at once, before the lock: the index was built."""
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))

    def moved(told) -> None:
        if isinstance(told, Started):
            monkeypatch.setattr("reconciler.targets.postgres.session.IDENTIFIER", "select '7'::text as id")
            assert len(tasks.execute(OURS, (tasks.info.dbname,)).fetchall()) >= 1

    [change] = apply(plan, pg_target, listener=moved).changes
    assert change.result is Applied.FAILED
    assert "made for another main" in change.message
    assert tasks.execute("select pg_catalog.to_regclass('i')").fetchone() == (None,)
