"""Poolers that share sessions: what reads leaves nothing in them, what writes refuses them before it has set anything.

Each row of READING was seen to leave READ ONLY, a timeout or a prepared statement to the application beside it, before
what a session sets ended with its transaction; and each of WRITING its advisory lock in the pool.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from applying.acting import Command, apply, plan_for
from applying.conftest import TARGETS, locks, unhurried, waiting
from clusters.pgbouncer import _LEFT, PGBOUNCER, TRACKED, Application, PgBouncer
from fix_servers import _numbers
from pg_index.declared import declared
from sharing import TrueNumbers
from waiting import PATIENCE, until

from reconciler.documents import plan as plan_file
from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.insight.whatif.plan_costs import _create, _reset, with_index
from reconciler.insight.workload.extensions import INSTALLED, extensions_of
from reconciler.insight.workload.statement import read_statement
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.opening import open_connection
from reconciler.targets.postgres.session import connect

pytestmark = [pytest.mark.skipif(not PGBOUNCER.exists(), reason="wanted: Debian's pgbouncer"), pytest.mark.matrix]

__all__ = ["unhurried"]

DECLARED = """
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status, lower(title)], where: priority > 3}
      tasks_title_key: {unique: true, columns: [title]}
settings:
  work_mem: 7MB
checklist:
  - id: rows
    title: There are rows
    severity: low
    why: to have asked something
    check: {sql: "select id from public.tasks where id < 0", is_empty: yes}
"""


def pooled(folder: Path, postgres, mode: str, **options) -> Iterator[PgBouncer]:
    made = PgBouncer(folder / f"pgbouncer-{next(_numbers)}", postgres, mode, **options)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def shared(folder: Path, postgres) -> Iterator[PgBouncer]:
    """A pool in transaction mode."""
    yield from pooled(folder, postgres, "transaction")


@pytest.fixture
def own_sessions(folder: Path, postgres) -> Iterator[PgBouncer]:
    """A pool in session mode, with room for all that an apply needs."""
    yield from pooled(folder, postgres, "session", size=12)


@pytest.fixture
def tasks(sql: psycopg.Connection) -> psycopg.Connection:
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 500) n")
    return sql


def command(tmp_path: Path, url: str, declared: str = "", targets: str = TARGETS) -> Command:
    folder = tmp_path / "desired"
    folder.mkdir(exist_ok=True)
    (folder / "targets.yaml").write_text(targets)
    if declared:
        (folder / "declared.yaml").write_text(declared)
    return Command(folder, {"DATABASE_URL": url})


READING = [
    ("plan", ("plan", "--out", "plan.json"), 0, "statements, settings and evidence, and what-ifs where HypoPG is"),
    ("drift", ("drift",), 2, "the same without evidence"),
    ("check", ("check",), 0, "somebody else's query"),
    ("import", ("import", "main"), 0, "the whole catalogue in pipelines"),
]
"""A verb, its exit code, and what it sends."""


@pytest.mark.parametrize(("verb", "arguments", "code"), [row[:3] for row in READING], ids=[row[0] for row in READING])
def test_what_reads_leaves_nothing_to_whoever_comes_next(tasks, database, shared, tmp_path, verb, arguments, code):
    name = tasks.info.dbname
    run = command(tmp_path, shared.url(name), DECLARED)
    with Application(shared.url(name)).running() as application:
        found, out, err = run.run(*(tmp_path / each if each == "plan.json" else each for each in arguments))
        assert found == code, out + err
        assert "error" not in err
    assert application.errors == []
    assert shared.left(name) == []


@pytest.mark.extension("hypopg")
def test_a_what_if_that_fails_is_taken_back_in_the_session_in_which_it_was_made(tasks, shared, pg_target, secrets):
    """Seen before: it was taken back in another transaction, which the pool gave to another session."""
    tasks.execute("create extension hypopg")
    target = pg_target.model_copy(update={"url": type(pg_target.url)(shared.url(tasks.info.dbname))})
    create = "create index on public.tasks (status)"
    statement = read_statement("select * from public.tasks where status = $1 and priority > 1 / ($2 - $2)", 1)
    with (
        Application(shared.url(tasks.info.dbname)).running() as application,
        closing(connect(target, secrets)) as session,
    ):
        tools = extensions_of(session.fetch(INSTALLED, {"schemas": []}))
        question = Question.of(session)
        code = ForeignCode(question, session.fetch_all(question.queries))
        wrong = replace(statement, text="select * from nowhere")
        for _ in range(20):
            with pytest.raises(ObservationFailed, match="nowhere"):
                with_index(session, tools, code, wrong, "public", create)
            with pytest.raises(ObservationFailed):
                session.fetch_all([_create(tools, create), ("select 1/0", None)], on_failure=[_reset(tools)])
    assert application.errors == []
    assert shared.left(tasks.info.dbname) == []


@pytest.mark.parametrize("arguments", [("apply", "plan.json"), ("plan", "--rehearse")], ids=["apply", "rehearsal"])
def test_what_writes_refuses_shared_sessions_before_it_has_set_anything(tasks, pg_target, shared, tmp_path, arguments):
    """Seen before: the lock and its limits stayed in the pool, and the application's inserts were refused."""
    name = tasks.info.dbname
    resources = declared(pg_target, tasks_status_idx={"columns": ["status"]})
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    run = command(tmp_path, shared.url(name), DECLARED)
    with Application(shared.url(name)).running() as application:
        code, out, err = run.run(*(tmp_path / each if each == "plan.json" else each for each in arguments))
        assert code == 1, out + err
        assert "main: a pooler that shares sessions stands between" in err
        assert "lead straight to the server" in err
    assert application.errors == []
    assert shared.left(name) == []
    assert locks(tasks) == []
    assert tasks.execute("select count(*) from pg_indexes where indexname = 'tasks_status_idx'").fetchone() == (0,)


def test_one_session_for_all_is_found_out_as_well(tasks, folder, postgres, pg_target, secrets):
    for pool in pooled(folder, postgres, "transaction", size=1):
        target = pg_target.model_copy(update={"url": type(pg_target.url)(pool.url(tasks.info.dbname))})
        with pytest.raises(ConnectionFailed, match="a pooler that shares sessions"):
            open_connection(target, secrets, {})
        assert pool.left(tasks.info.dbname) == []


def test_what_reads_works_where_each_statement_may_go_to_another_session(tasks, folder, postgres, pg_target, tmp_path):
    """What is sent as a whole is answered by one session. What needs a session of its own is refused."""
    name = tasks.info.dbname
    resources = declared(pg_target, tasks_status_idx={"columns": ["status"]})
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    for pool in pooled(folder, postgres, "statement"):
        run = command(tmp_path, pool.url(name), DECLARED)
        with Application(pool.url(name)).running() as application:
            code, out, err = run.run("plan")
            assert code == 0, out + err
            code, out, err = run.run("apply", tmp_path / "plan.json")
            assert code == 1, out
            assert "main: " in err
        assert application.errors == []
    assert tasks.execute("select count(*) from pg_indexes where indexname = 'tasks_status_idx'").fetchone() == (0,)


def test_a_pool_of_sessions_works_without_being_declared(tasks, pg_target, own_sessions, tmp_path):
    name = tasks.info.dbname
    resources = declared(pg_target, tasks_status_idx={"columns": ["status"]})
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    run = command(tmp_path, own_sessions.url(name))
    with Application(own_sessions.url(name)).running() as application:
        code, out, err = run.run("apply", tmp_path / "plan.json")
        assert code == 0, out + err
    assert application.errors == []
    assert plan_for(pg_target, resources).is_empty


def test_a_request_to_cancel_reaches_the_server_through_a_pool(tasks, pg_target, own_sessions, tmp_path):
    resources = declared(pg_target, tasks_status_idx={"columns": ["status"]})
    plan_file.write(plan_for(pg_target, resources), tmp_path / "plan.json")
    run = command(tmp_path, own_sessions.url(tasks.info.dbname))
    with psycopg.connect(pg_target.url.get_secret_value()) as writer:
        writer.execute("update tasks set priority = 0 where id = 1")
        process = run.start("apply", tmp_path / "plan.json")
        until(lambda: waiting(tasks, "create index%"), "it builds, and waits for the writer")
        process.send_signal(signal.SIGINT)
        until(lambda: not waiting(tasks, "create index%"), "it was cancelled")
    out, err = process.communicate(timeout=PATIENCE)
    assert "interrupted" in out + err
    assert apply(plan_for(pg_target, resources), pg_target).succeeded
    assert plan_for(pg_target, resources).is_empty


def test_where_it_stays_open_the_target_says_that_it_is_direct(tasks, folder, postgres, pg_target, secrets):
    """One session alone in session mode: a second connection of ours gets none, and nothing can be proved."""
    for pool in pooled(folder, postgres, "session", size=1):
        target = pg_target.model_copy(update={"url": type(pg_target.url)(pool.url(tasks.info.dbname))})
        with pytest.raises(ConnectionFailed, match="could not be found out") as raised:
            open_connection(target, secrets, {})
        assert "direct: yes" in raised.value.hint
        with closing(open_connection(target.model_copy(update={"direct": True}), secrets, {"work_mem": "5MB"})) as ours:
            assert ours.execute("show work_mem").fetchone() == {"work_mem": "5MB"}


def test_a_direct_connection_is_not_asked_twice(pg_target, secrets, monkeypatch):
    """The number of the process rides on the statement that sets the session."""
    sent = []
    execute = HeardConnection.execute
    monkeypatch.setattr(HeardConnection, "execute", lambda self, *given: sent.append(given) or execute(self, *given))
    open_connection(pg_target, secrets, {}).close()
    assert len(sent) == 1


def test_a_pooler_that_tells_the_true_process_is_found_out_by_the_session_beside(tasks, postgres, pg_target, secrets):
    """Not PgBouncer, whose numbers are its own: here nothing shows that anything stands between."""
    resources = declared(pg_target, tasks_status_idx={"columns": ["status"]})
    with closing(TrueNumbers(postgres.port)) as pool:
        url = f"postgresql://postgres@127.0.0.1:{pool.port}/{tasks.info.dbname}"
        target = pg_target.model_copy(update={"url": type(pg_target.url)(url)})
        with closing(connect(target, secrets)) as session:
            assert not session.is_pooled
        with pytest.raises(ConnectionFailed, match="to two connections at once; nothing was set or run"):
            apply(plan_for(target, resources), target)
        with psycopg.connect(url) as whoever_comes_next:
            assert whoever_comes_next.execute(_LEFT, (TRACKED,)).fetchall() == []
    assert tasks.execute("select count(*) from pg_indexes where indexname = 'tasks_status_idx'").fetchone() == (0,)
