"""Who the steps of a plan would wait for: told, and really waited for."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
import pytest
from psycopg import errors, pq
from waiting import PATIENCE, reload, until

from pg_index.advice import advised, said
from pg_index.declared import declared, tables
from reconciler.documents.change_fingerprint import fingerprint
from reconciler.insight.bounded_queries import BoundedQueries
from reconciler.insight.table_sizes import read_table_sizes
from reconciler.kinds.pg_index.advice import advise, blockers
from reconciler.kinds.pg_index.advice.planned_statements import works
from reconciler.model import Action, Address, Change, Hazard, HazardType, NoticeType, SqlStep
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres.session import PostgresSession

CREATE = "create index concurrently other_idx on public.tasks (status)"
REINDEX = "reindex index concurrently public.tasks_idx"
DROP = "drop index concurrently public.tasks_idx"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERBS = {"create": CREATE, "reindex": REINDEX, "drop": DROP}


@pytest.fixture
def tasks(sql):
    sql.execute("create table tasks (id int, status text)")
    sql.execute("create table other (id int)")
    sql.execute("insert into tasks select g, 'open' from generate_series(1, 1000) g")
    sql.execute("insert into other select g from generate_series(1, 1000) g")
    sql.execute("create index tasks_idx on tasks (id)")
    return sql


@pytest.fixture
def at_once(monkeypatch):
    """Transactions count as long from their beginning on."""
    monkeypatch.setattr(blockers, "LONG_SECONDS", 0.0)


def change(statement: str) -> Change:
    name = "public.tasks_idx"
    return Change(
        address=Address("main", "pg_index", name), action=Action.UPDATE, before=None, after=None,
        steps=(SqlStep(statements=(statement,), hazards=(Hazard(type=HazardType.INDEX_BUILD, message="x"),)),),
        desired={
            "type": "index", "address": f"main/pg_index/{name}", "schema_name": "public", "table": "tasks",
            "name": "tasks_idx", "definition": None,
        },
    )  # fmt: skip


def waits(target, *statements: str) -> list[str]:
    """What is said about the statements, each as a change of its own."""
    with closing(connect(target, Secrets({}))) as session:
        bounded, found = BoundedQueries(session, 30), works([change(statement) for statement in statements])
        names = {(command.schema, command.name) for work in found for command in work.commands} | {("public", "tasks")}
        return said(blockers.waits(bounded, found, read_table_sizes(bounded, names)[0]))


def really_waits(url: str, statement: str, whom: int) -> bool:
    """Whether `statement` waits for the process `whom` (0: a prepared transaction), or comes to its end."""
    with psycopg.connect(url, autocommit=True) as working, psycopg.connect(url, autocommit=True) as watch:
        pid = working.info.backend_pid
        working.pgconn.send_query(statement.encode())

        def ended() -> bool:
            working.pgconn.consume_input()
            return not working.pgconn.is_busy()

        def waits_for_it() -> bool:
            return whom in watch.execute("select pg_blocking_pids(%s)", [pid]).fetchone()[0]

        until(lambda: ended() or waits_for_it(), "it waits, or is done")
        if waits := not ended():
            watch.execute("select pg_cancel_backend(%s)", [pid])
            until(ended, "it waits no longer")
        statuses = [result.status for result in iter(working.pgconn.get_result, None)]
        assert waits or statuses == [pq.ExecStatus.COMMAND_OK]
        return waits


class Case(NamedTuple):
    reason: str
    statements: tuple[str, ...]
    waiting: str
    database: str = ""


CASES = [
    Case("one that has read another table", ("begin", "select from other"), ""),
    Case("one that has read the table", ("begin", "select from tasks"), "reindex drop"),
    Case("one that has written to another table", ("begin", "insert into other values (1)"), ""),
    Case("one that has written to the table", ("begin", "insert into tasks values (1)"), "create reindex drop"),
    Case("a row lock", ("begin", "select from tasks where id = 1 for update"), "reindex drop"),
    Case("a snapshot", ("begin isolation level repeatable read", "select from other"), "create reindex"),
    Case("an open cursor", ("begin", "declare c cursor for select from other", "fetch c"), "create reindex"),
    Case("a share lock", ("begin", "lock table tasks in share mode"), "create reindex drop"),
    Case("a snapshot of another database", ("begin isolation level repeatable read", "select 1"), "", "postgres"),
    Case("a prepared transaction that wrote elsewhere", ("begin", "delete from other", "prepare transaction 'p'"), ""),
    Case(
        "a prepared transaction that wrote to the table",
        ("begin", "delete from tasks", "prepare transaction 'p'"),
        "create reindex drop",
    ),
    Case(
        "a prepared transaction that read the table",
        ("begin", "select from tasks", "delete from other", "prepare transaction 'p'"),
        "reindex drop",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
@pytest.mark.parametrize("verb", VERBS)
def test_who_is_told_is_who_would_be_waited_for(tasks, postgres, pg_target, database, at_once, case, verb):
    prepared = "prepare transaction 'p'" in case.statements
    with psycopg.connect(postgres.url(case.database) if case.database else database, autocommit=True) as beside:
        pid = beside.info.backend_pid
        for statement in case.statements:
            beside.execute(statement)
        try:
            told = waits(pg_target, VERBS[verb])
            assert really_waits(database, VERBS[verb], 0 if prepared else pid) == (verb in case.waiting)
        finally:
            beside.execute("rollback prepared 'p'" if prepared else "rollback")
    assert len(told) == (verb in case.waiting), told
    for line in told:
        assert (f"process {pid}, user postgres" in line) != prepared
        assert ("prepared transaction 'p' of user postgres" in line) == prepared


def test_what_is_told_names_who_it_is_and_leaves_values_out(tasks, pg_target, database, at_once):
    with psycopg.connect(database, autocommit=True, application_name="the report") as beside:
        beside.execute("begin isolation level repeatable read")
        beside.execute("select id, 'a secret' from other where id = 4711")
        pid = beside.info.backend_pid
        [line] = waits(pg_target, CREATE)
        [hidden] = waits(pg_target.model_copy(update={"hide_values": True}), CREATE)
    who = f"process {pid}, user postgres (the report), idle in transaction for … s"
    what = "select id, '…' from other where id = 4711"
    assert re.sub(r"(?<=for )\d+(?= s)", "…", line) == f"*: every concurrent build waits until it ends: {who}: {what}"
    assert "4711" not in hidden
    assert "'…' from other where id = …" in hidden


def test_a_lock_is_told_under_the_one_change_it_concerns_else_under_the_target(tasks, pg_target, database, at_once):
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("begin; insert into tasks values (1)")
        [one] = said(advised(pg_target, declared(pg_target, a_idx={"columns": ["status"]})))
        [both] = said(
            advised(pg_target, declared(pg_target, a_idx={"columns": ["status"]}, b_idx={"columns": ["status desc"]}))
        )
    assert one.startswith("public.a_idx: it has locked public.tasks, and steps wait until it ends: process")
    assert both.startswith("*: it has locked public.tasks")


def test_a_lock_on_one_partition_is_told(sql, pg_target, database, at_once):
    sql.execute("create table tasks (id int) partition by range (id)")
    sql.execute("create table tasks_1 partition of tasks for values from (0) to (10)")
    sql.execute("create table tasks_2 partition of tasks for values from (10) to (20)")
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("begin; insert into tasks_2 values (11)")
        [line] = said(advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]})))
    assert line.startswith("public.a_idx: it has locked public.tasks_2, and steps wait")


def test_short_transactions_are_the_ordinary_life_of_a_server(tasks, pg_target, database):
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("begin isolation level repeatable read; insert into tasks values (1)")
        assert waits(pg_target, CREATE, DROP) == []


def test_nothing_is_asked_where_no_step_is_concurrent(tasks, pg_target, database, at_once):
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("begin isolation level repeatable read; insert into tasks values (1)")
        found = advised(pg_target, declared(pg_target, better_idx={"columns": ["id"]}))
    assert [each.action for each in found] == [Action.RENAME]


def test_a_role_that_may_not_see_others_says_so(tasks, postgres, pg_target, database, at_once):
    tasks.execute("drop role if exists weak; create role weak login; grant weak to postgres")
    tasks.execute("alter table tasks owner to weak; grant create on schema public to weak")
    weak = pg_target.model_copy(update={"url": type(pg_target.url)(database.replace("postgres@", "weak@"))})
    try:
        with psycopg.connect(database, autocommit=True) as beside:
            beside.execute("begin isolation level repeatable read; select from other")
            pid = beside.info.backend_pid
            assert waits(weak, CREATE) == [
                "*: would be waited for, and for how long they have run is not visible to role weak: "
                f"process {pid}; grant pg_read_all_stats to weak to see it"
            ]
            tasks.execute("grant pg_read_all_stats to weak")
            [line] = waits(weak, CREATE)
            assert f"process {pid}, user postgres" in line
    finally:
        tasks.execute("drop owned by weak; alter table if exists tasks owner to postgres; drop role weak")


MANY_PAGES = "alter table {} set (fillfactor = 10)"
"""At a page in a tenth of a second, a vacuum of 50,000 rows takes minutes: it is there for as long as a test looks."""


@contextmanager
def vacuuming(url: str, table: str) -> Iterator[int]:
    """While the body runs, VACUUM is on its way through `table`, in the process that is given."""
    with psycopg.connect(url, autocommit=True) as slow, psycopg.connect(url, autocommit=True) as watch:
        slow.execute("set vacuum_cost_delay = '100ms'; set vacuum_cost_limit = 1")

        def vacuum() -> None:
            with closing(slow), pytest.raises(errors.QueryCanceled):
                slow.execute(f"vacuum (freeze) {table}")

        thread = threading.Thread(target=vacuum)
        thread.start()
        pid = slow.info.backend_pid
        try:
            at_work = "select 1 from pg_stat_progress_vacuum where pid = %s"
            until(lambda: watch.execute(at_work, [pid]).fetchone(), "the vacuum is at work")
            yield pid
        finally:
            watch.execute("select pg_cancel_backend(%s)", [pid])
            thread.join()


@pytest.mark.parametrize("table", ["other", "tasks"])
def test_vacuum_is_waited_for_on_its_own_table_alone(tasks, pg_target, database, at_once, table):
    tasks.execute(MANY_PAGES.format(table))
    tasks.execute(f"insert into {table} (id) select g from generate_series(1, 50000) g")  # noqa: S608 - ours
    tasks.execute(f"delete from {table}")  # noqa: S608 - ours
    with vacuuming(database, table) as pid:
        told = waits(pg_target, CREATE)
        assert really_waits(database, CREATE, pid) == (table == "tasks")
    assert len(told) == (table == "tasks")


def test_autovacuum_that_prevents_wraparound_is_told_and_does_not_step_aside(tasks, postgres, pg_target, database):
    tasks.execute(MANY_PAGES.format("tasks"))
    tasks.execute("insert into tasks select g, 'x' from generate_series(1, 50000) g")
    tasks.execute(
        "alter table tasks set (autovacuum_freeze_max_age = 100000, autovacuum_freeze_min_age = 0,"
        " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
    )
    tasks.execute("alter system set autovacuum_naptime = '1s'")
    tasks.execute("select pg_catalog.pg_reload_conf()")
    try:
        # Each commit takes a transaction id; the table becomes too old after 100,000 of them.
        tasks.execute("""do $$ begin for n in 1..100500 loop perform txid_current(); commit; end loop; end $$""")
        working = (
            "select pid from pg_stat_activity where query like 'autovacuum: % public.tasks (to prevent wraparound)'"
        )
        worker = until(lambda: tasks.execute(working).fetchone(), "the autovacuum is at work")
        [line] = waits(pg_target, CREATE)
        assert "vacuums public.tasks to prevent wraparound" in line
        with psycopg.connect(database, autocommit=True) as connection:
            # An ordinary autovacuum is ended for whoever has waited that long.
            connection.execute("set lock_timeout = '1s'; set deadlock_timeout = '100ms'")
            with pytest.raises(errors.LockNotAvailable):
                connection.execute(CREATE)
        assert tasks.execute(working).fetchone() == worker
    finally:
        tasks.execute("alter system reset autovacuum_naptime")
        reload(tasks)


def test_advice_changes_no_fingerprint_and_is_given_to_people_alone(tasks, pg_target, database, at_once):
    resources = declared(pg_target, a_idx={"columns": ["status"]}, tasks_idx="absent")
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("begin isolation level repeatable read; select from other")
        plain, people = (
            make_plan({"main": pg_target}, resources, Secrets({}), created_at=NOW, advised=advice)
            for advice in (False, True)
        )
    assert [change.fingerprint for change in plain.changes] == [change.fingerprint for change in people.changes]
    assert all(fingerprint(change) == change.fingerprint for change in people.changes)
    assert not plain.notices
    assert {notice.type for notice in people.notices} == {NoticeType.PREFLIGHT, NoticeType.NOTE}
    assert all(change.evidence for change in people.changes)


def test_a_full_disk_is_foreseen(tasks, pg_target, postgres):
    tasks.execute("analyze tasks")
    resources = declared(pg_target, a_idx={"columns": ["id", "status"]})
    assert said(advised(pg_target, resources)) == []
    tasks.execute("update pg_class set reltuples = 1e12 where oid = 'tasks'::regclass")
    [line] = said(advised(pg_target, resources))
    assert line.startswith("*: what is built needs about ")
    assert "TB on the disk of pg_default, " in line
    assert re.search(r" \d+(\.\d)? [MGT]B are free there$", line)


def test_of_a_server_that_is_not_here_nothing_is_said_of_its_disk(tasks, pg_target, postgres):
    tasks.execute("analyze tasks")
    tasks.execute("update pg_class set reltuples = 1e12 where oid = 'tasks'::regclass")
    pid_file = postgres.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    try:
        pid_file.write_text("\n".join([*lines[:3], "1", *lines[4:]]) + "\n")
        assert said(advised(pg_target, declared(pg_target, a_idx={"columns": ["id", "status"]}))) == []
    finally:
        pid_file.write_text("\n".join(lines) + "\n")


def test_a_thousand_changes_are_advised_in_few_round_trips(sql, pg_target, monkeypatch):
    for n in range(100):
        sql.execute(f"create table t{n} as select 1 as id, 'x' as name, current_date as due")
    resources = tables(
        pg_target,
        {
            f"public.t{n}": {
                "indexes": {
                    f"t{n}_{k}_idx": {"columns": [["id", "lower(name)", "due desc"][k % 3]], "where": f"id > {k}"}
                    for k in range(10)
                }
            }
            for n in range(100)
        },
    )
    monkeypatch.setattr(advise, "KNOWING_SECONDS", PATIENCE)  # else it would be given in time, and not of all
    trips = []
    fetch_all = PostgresSession.fetch_all
    monkeypatch.setattr(PostgresSession, "fetch_all", lambda *each: trips.append(each) or fetch_all(*each))
    found = advised(pg_target, resources)
    assert len([each for each in found if isinstance(each, Change) and each.evidence]) == 1000
    assert len(trips) < 80
