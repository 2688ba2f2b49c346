"""What the server would refuse is found on empty copies, before anything is done to a real table."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from pg_index.declared import declared, tables

from applying.acting import Seen, apply, plan_for, results
from reconciler.applying.rehearsal import rehearse
from reconciler.demo.postgres_server import PostgresServer
from reconciler.documents import plan as plan_file
from reconciler.errors import ConnectionFailed, RehearsalFailed
from reconciler.kind.applying import Rehearsal
from reconciler.kinds.pg_index import PgIndexKind
from reconciler.model import Applied
from reconciler.secrets import Secrets

COLUMNS = {"columns": ["status", "priority desc"]}

WORDS = {"using": "gist"}

REFUSED = [
    (WORDS | {"columns": ["words tsvector_ops (siglen = 99999)"]}, "out of bounds for option", "a class's parameter"),
    (WORDS | {"columns": ["words tsvector_ops (nope = 1)"]}, 'unrecognized parameter "nope"', "one that it has not"),
    ({"columns": ["('a')"]}, "data type unknown has no default operator class", "a constant without a type"),
]
"""Declarations, and what the server says of them: what neither its catalogue nor its planner tells before."""


@pytest.fixture
def prepared(tasks):
    tasks.execute(
        "alter table tasks add place point, add words tsvector, add twice int generated always as (priority * 2) stored"
    )
    tasks.execute("create function vol(int) returns int language plpgsql as 'begin return $1; end'")
    return tasks


def catalogue(connection) -> list[tuple]:
    """Everything that could have been made or changed, system catalogues and temporary schemas included."""
    return connection.execute(
        "select oid, relname, relfilenode, relnamespace::regnamespace::text from pg_class order by 1"
    ).fetchall()


def rehearsed(target, changes):
    return rehearse(target, Secrets({}), changes)


def test_without_a_rehearsal_the_server_refuses_the_step_itself(prepared, pg_target):
    plan = plan_for(pg_target, declared(pg_target, good=COLUMNS, bad=REFUSED[0][0]))
    receipt = apply(plan, pg_target, rehearsal=False)
    assert results(receipt) == {"public.good": Applied.APPLIED, "public.bad": Applied.FAILED}


@pytest.mark.parametrize(("section", "said", "reason"), REFUSED, ids=[case[2] for case in REFUSED])
def test_what_the_server_would_refuse_is_refused_before_anything_runs(section, said, reason, prepared, pg_target):
    wanted = declared(pg_target, good=COLUMNS, bad=section)
    plan = plan_for(pg_target, wanted)
    before = catalogue(prepared)
    listener = Seen()
    with pytest.raises(RehearsalFailed) as raised:
        apply(plan, pg_target, listener=listener)
    assert "would refuse 1 of the changes" in raised.value.message
    assert "\n  main/pg_index/public.bad: " in raised.value.message
    assert said in raised.value.message
    assert listener.events == []
    assert catalogue(prepared) == before


def test_all_that_is_refused_is_named_at_once(prepared, pg_target):
    sections = {f"bad_{number}": section for number, (section, _, _) in enumerate(REFUSED)}
    plan = plan_for(pg_target, declared(pg_target, **sections))
    with pytest.raises(RehearsalFailed) as raised:
        apply(plan, pg_target)
    assert [line.split(":")[0].strip() for line in raised.value.message.split("\n")[1:]] == [
        str(change.address) for change in plan.changes
    ]


def test_a_server_is_asked_only_for_what_a_reader_asks_for(prepared, pg_target, database):
    """ACCESS SHARE on the real table, and only while the copy is there."""
    with closing(psycopg.connect(database, autocommit=True)) as other:
        other.execute("set lock_timeout = '1ms'")
        seen = []

        class Looking(PgIndexKind):
            def rehearsal(self, change):
                probe = "do $$ begin perform set_config('application_name', (select string_agg(mode, ',') from pg_locks"
                probe += " where relation = 'public.tasks'::regclass and pid = pg_backend_pid()), false); end $$"
                raising = "do $$ begin raise 'held: %', current_setting('application_name'); end $$"
                return [Rehearsal("public", "tasks", (probe, raising), ())]

        from reconciler.applying import rehearsal as module

        kinds = dict(module.BY_NAME) | {"pg_index": Looking()}
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "BY_NAME", kinds)
            seen = rehearsed(pg_target, plan_for(pg_target, declared(pg_target, i=COLUMNS)).changes).refused
        assert [why for _, why in seen] == ["held: AccessShareLock (P0001)"]


FINE = [
    ({"columns": ["twice", "lower(title)"], "include": ["status"]}, "generated columns and expressions"),
    ({"using": "brin", "columns": ["id"], "with": {"pages_per_range": "8"}}, "brin"),
    ({"columns": ["title text_pattern_ops"], "where": "tasks.status is not null"}, "the table named in a predicate"),
    ({"columns": ["tasks.priority"]}, "the table named in a key"),
]


@pytest.mark.parametrize(("section", "reason"), FINE, ids=[case[1] for case in FINE])
def test_what_the_server_takes_is_rehearsed_and_made(section, reason, prepared, pg_target):
    wanted = declared(pg_target, i=section)
    plan = plan_for(pg_target, wanted)
    [change] = plan.changes
    found = rehearsed(pg_target, [change])
    assert (list(found.refused), list(found.untried)) == ([], [])
    assert apply(plan, pg_target).succeeded
    assert plan_for(pg_target, wanted).is_empty


def test_two_tables_of_one_name_do_not_meet(prepared, pg_target):
    prepared.execute("create schema other")
    prepared.execute("create table other.tasks (only_here tsvector)")
    wanted = tables(
        pg_target,
        {
            "public.tasks": {"indexes": {"i": COLUMNS}},
            "other.tasks": {
                "indexes": {
                    "i": {"columns": ["only_here"]},
                    "j": {"using": "gist", "columns": ["only_here tsvector_ops (nope = 1)"]},
                }
            },
        },
    )
    found = rehearsed(pg_target, plan_for(pg_target, wanted).changes)
    assert [change.address.name for change, _ in found.refused] == ["other.j"]
    assert list(found.untried) == []


def test_a_partitioned_table_is_copied_with_its_key(sql, pg_target):
    sql.execute("create table parted (id int, at timestamptz, b text) partition by range (at, lower(b))")
    sql.execute("create table days (id int, at date) partition by list (at)")
    sql.execute('create table "Ödd % {} one" (id int, "a % {}" int) partition by hash ("a % {}")')
    names = ("public.parted", "public.days", 'public."Ödd % {} one"')
    wanted = tables(
        pg_target, {name: {"indexes": {f"i{place}": {"columns": ["id"]}}} for place, name in enumerate(names)}
    )
    plan = plan_for(pg_target, wanted).changes
    assert len(plan) == 3
    found = rehearsed(pg_target, plan)
    assert (list(found.refused), list(found.untried)) == ([], [])


def test_a_table_that_is_gone_or_locked_is_left_out_with_a_word(prepared, pg_target, holder, monkeypatch):
    monkeypatch.setattr("reconciler.applying.rehearsal.SETTINGS", {"lock_timeout": "100ms"})
    wanted = tables(pg_target, {f"public.{name}": {"indexes": {f"{name}_i": COLUMNS}} for name in ("tasks", "users")})
    changes = plan_for(pg_target, wanted).changes
    holder.execute("lock table tasks in access exclusive mode")
    prepared.execute("drop table users")
    found = rehearsed(pg_target, changes)
    assert list(found.refused) == []
    assert list(found.untried) == [
        "main: not rehearsed on public.tasks: canceling statement due to lock timeout (55P03)",
        "main: not rehearsed on public.users: not there any more",
    ]


@pytest.fixture
def poor(tasks, pg_target, postgres):
    """The target as a role sees it that may make no temporary tables, and owns the table."""
    tasks.execute("create role poor login")
    tasks.execute(f"revoke temporary on database {tasks.info.dbname} from public")
    tasks.execute("alter table tasks owner to poor")
    tasks.execute("grant create, usage on schema public to poor")
    yield pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(tasks.info.dbname, "poor"))})
    tasks.execute("drop owned by poor cascade")
    tasks.execute("drop role poor")


def test_a_role_that_may_make_no_temporary_tables_applies_without_a_rehearsal(poor, tasks):
    listener = Seen()
    assert apply(plan_for(poor, declared(poor, i=COLUMNS)), poor, listener=listener).succeeded
    [note] = listener.notes
    assert note.startswith("main: not rehearsed on public.tasks: permission denied to create temporary tables")


def test_one_reason_for_many_tables_is_one_line(tasks, pg_target):
    names = [f"public.t{number}" for number in range(5)]
    for name in names:
        tasks.execute(f"create table {name} (a int)")
    changes = plan_for(
        pg_target, tables(pg_target, {n: {"indexes": {f"i_{n[-1]}": {"columns": ["a"]}}} for n in names})
    )
    tasks.execute("drop table public.t0, public.t1, public.t2, public.t3, public.t4")
    found = rehearsed(pg_target, changes.changes)
    assert list(found.untried) == [
        "main: not rehearsed on public.t0, public.t1, public.t2 and 2 more: not there any more"
    ]


def test_a_standby_holds_no_copies_and_says_so(tasks, pg_target, postgres, folder):
    changes = plan_for(pg_target, declared(pg_target, i=COLUMNS)).changes
    standby = PostgresServer(folder / f"standby-{postgres.data.name}-{id(changes)}", postgres.binaries)
    standby.start()
    standby.stop()
    (standby.data / "standby.signal").touch()
    standby.start()
    try:
        there = pg_target.model_copy(update={"url": type(pg_target.url)(standby.url())})
        found = rehearsed(there, changes)
    finally:
        standby.stop("immediate")
    assert found == ([], ["main: not rehearsed on public.tasks: a standby can hold no copies"])


def test_a_table_whose_name_is_a_type_s_name_is_not_refused_for_that(prepared, pg_target):
    """The copy would hide the type."""
    prepared.execute("create schema app")
    prepared.execute("create type mood as enum ('fine')")
    prepared.execute("create table app.mood (a text)")
    prepared.execute("create function feel(mood) returns int language plpgsql immutable as 'begin return 1; end'")
    wanted = tables(pg_target, {"app.mood": {"indexes": {"i": {"columns": ["feel('fine'::mood)", "a"]}}}})
    plan = plan_for(pg_target, wanted)
    found = rehearsed(pg_target, plan.changes)
    assert list(found.refused) == []
    [line] = found.untried
    assert "its copy hides a type of that name" in line
    assert apply(plan, pg_target).succeeded
    assert plan_for(pg_target, wanted).is_empty


@pytest.mark.parametrize("column", ["date", "text", "int4"])
def test_a_table_named_like_a_built_in_type_hides_nothing(column, sql, pg_target):
    sql.execute(f'create table "{column}" (a text, b timestamp)')
    wanted = tables(
        pg_target, {f'public."{column}"': {"indexes": {"i": {"columns": ["(b::date)", "(a::text || 'x')"]}}}}
    )
    plan = plan_for(pg_target, wanted)
    found = rehearsed(pg_target, plan.changes)
    assert (list(found.refused), list(found.untried)) == ([], [])
    assert apply(plan, pg_target).succeeded
    assert plan_for(pg_target, wanted).is_empty


def test_a_change_that_is_stale_stops_no_other(prepared, pg_target):
    plan = plan_for(pg_target, declared(pg_target, i=REFUSED[0][0], j=COLUMNS))
    prepared.execute("alter table tasks drop column words")
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.STALE, "public.j": Applied.APPLIED}


def test_nothing_can_end_the_transaction_of_a_rehearsal(prepared, pg_target, monkeypatch):
    statements = ("create index i on pg_temp.tasks (id); commit; create table escaped ()",)
    monkeypatch.setattr(PgIndexKind, "rehearsal", lambda self, change: [Rehearsal("public", "tasks", statements, ())])
    found = rehearsed(pg_target, plan_for(pg_target, declared(pg_target, i=COLUMNS)).changes)
    assert "cannot insert multiple commands into a prepared statement" in found.refused[0][1]
    assert prepared.execute("select to_regclass('escaped') is null").fetchone() == (True,)


def test_a_connection_that_is_lost_is_an_error_and_nothing_runs(prepared, pg_target, monkeypatch):
    statements = ("select pg_terminate_backend(pg_backend_pid())",)
    monkeypatch.setattr(PgIndexKind, "rehearsal", lambda self, change: [Rehearsal("public", "tasks", statements, ())])
    with pytest.raises(ConnectionFailed, match="while its changes were rehearsed"):
        apply(plan_for(pg_target, declared(pg_target, i=COLUMNS)), pg_target)
    assert prepared.execute("select to_regclass('i') is null").fetchone() == (True,)


DESIRED = """
target: main
tables:
  public.tasks:
    indexes: {good: {columns: [status]}, bad: {using: gist, columns: [words tsvector_ops (siglen = 0)]}}
"""


def test_plan_rehearse_shows_the_plan_fails_and_saves_nothing(prepared, command, tmp_path):
    (command.folder / "tasks.yaml").write_text(DESIRED)
    before = catalogue(prepared)
    code, out, err = command.run("plan", "--rehearse", "--out", tmp_path / "plan.json")
    assert code == 1
    assert "main/pg_index/public.good" in out
    assert "error: the server would refuse 1 of the changes" in err
    assert "main/pg_index/public.bad: value 0 out of bounds for option" in err
    assert not (tmp_path / "plan.json").exists()
    assert catalogue(prepared) == before

    (command.folder / "tasks.yaml").write_text(DESIRED.replace("siglen = 0", "siglen = 8"))
    assert command.run("plan", "--rehearse", "--out", tmp_path / "plan.json")[0] == 0
    assert len(plan_file.read(tmp_path / "plan.json").changes) == 2
    assert catalogue(prepared) == before


OWNED = """
    create role keeper;
    grant create, usage on schema public to keeper;
    create function kept(int) returns int language plpgsql immutable as $$ begin
        assert current_user = 'keeper', format('called by %s', current_user); return $1; end $$;
    create table held (a int);
    insert into held values (1), (2);
    alter table held owner to keeper
"""


@pytest.mark.matrix
def test_functions_run_as_the_tables_owner_as_create_index_runs_them(sql, pg_target):
    """On the code before, it was refused on a copy of our own: psql builds the index."""
    sql.execute(OWNED)
    try:
        index = {"columns": ["(kept(a) + kept(0))"], "where": "kept(a + 10) > kept(10)"}
        wanted = tables(pg_target, {"public.held": {"indexes": {"i": index}}})
        receipt = apply(plan_for(pg_target, wanted), pg_target)
        assert receipt.succeeded, receipt
        assert plan_for(pg_target, wanted).is_empty
        # Who is no superuser can give it to the owner only where that may have temporary tables; else the refusal stays.
        name = sql.info.dbname
        sql.execute(f"drop index i; revoke temporary on database {name} from public")
        sql.execute(f"create role deployer login in role keeper; grant temporary on database {name} to deployer")
        url = pg_target.url.get_secret_value().replace("postgres@", "deployer@")
        deployer = pg_target.model_copy(update={"url": type(pg_target.url)(url)})
        with pytest.raises(RehearsalFailed, match="called by deployer"):
            apply(plan_for(deployer, wanted), deployer)
        assert apply(plan_for(deployer, wanted), deployer, rehearsal=False).succeeded
        assert plan_for(deployer, wanted).is_empty
    finally:
        sql.execute("drop table held; drop owned by keeper; drop role keeper")
        sql.execute("drop owned by deployer; drop role deployer")
