"""Code of others is reached by more than its name: by what comes with a type, by a table that a body finds, by an oid.

Arrays, rows and multiranges come with a type or a table, and have casts of their own. A function without a path finds
tables where others have put them. An index of a table comes and goes while somebody plans on it. On 14 and 18 each case
was seen to leave its mark before those were followed, and before whatever leads to code of others was asked for again
in the statement before the text. Exceptions: a multirange and a field of a row that is a type, which ran nothing; a
body of a checklist, which was refused for the functions beside the table; and of what is made meanwhile, children of a
table, which bring a type that was counted, indexes in a comparison, which reads no table, and another body of a
function, which is refused anyway.
"""

from __future__ import annotations

import pkgutil
from contextlib import suppress

import pytest
from check.declare import declare
from pg_index.declared import tables

from attacks.conftest import payload
from attacks.test_foreign_code import ARMED, HARMLESS, TABLE, Case, everything, now, prepare
from reconciler.errors import ReconcilerError
from reconciler.model import CheckStatus
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.foreign.code import ForeignCode

KIND = """
    create type evil.kind as enum ('a', 'b');
    alter table evil.tasks add k evil.kind default 'a';
    create function evil.said(k evil.kind[]) returns text language sql immutable as $$ select 'x'::text $$;
    create cast (evil.kind[] as text) with function evil.said(evil.kind[]);
"""
KIND_ARMED = payload("evil.said(k evil.kind[])", "text", "'x'::text")

OFF = "create schema off authorization {role}; grant create on schema public to {role};"
LIMITS = """
    create function off.f(i int) returns int language sql immutable as 'select $1';
    create table evil.limits as select 3 as x;
    create index on evil.limits (x) where x > off.f(1);
"""
FINDS = """
    create table public.limits as select 3 as x;
    create function public.lim() returns int language sql immutable as 'select max(x) from limits where x > 2';
    alter database {database} set search_path = evil, public;
"""
OFF_ARMED = payload("off.f(i int)", "int", "i")

CASES = [
    Case(
        "a cast of an array in a predicate",
        "the array comes with the type, and is named by nobody",
        KIND,
        KIND_ARMED,
        indexes={"some": {"columns": ["status"], "where": "(array[]::evil.kind[])::text <> status"}},
    ),
    Case(
        "a cast of an array in a key",
        "the type is that of a column",
        KIND,
        KIND_ARMED,
        indexes={"once": {"columns": ["((array[k])::text)", "id"], "unique": True}},
    ),
    Case(
        "a domain whose constraint calls what the server has",
        "nothing says that it leans on that",
        "create domain evil.d as int check (query_to_xml('select evil.f(1)', true, true, '') is not null);" + HARMLESS,
        ARMED,
        indexes={"once": {"columns": ["((id::evil.d)::int)", "id"], "unique": True}},
    ),
    Case(
        "the oid of another table in the predicate of an index",
        "an immutable function of the server folds the key of its partitions",
        HARMLESS
        + "create table evil.parted (id int) partition by hash ((id + evil.f(1)));"
        + "do $$ begin execute 'create index theirs on evil.tasks (id) where satisfies_hash_partition('"
        " || 'evil.parted'::regclass::oid || '::oid, 2, 0, 1)'; end $$;",
        ARMED,
        indexes={"partial": {"columns": ["status"], "where": "priority > 3"}},
    ),
    Case(
        "a table that the body of a superuser's function finds",
        "what hangs on that table runs, wherever its functions are",
        LIMITS,
        OFF_ARMED,
        granted=OFF + FINDS,
        indexes={"partial": {"columns": ["status"], "where": "public.lim() < priority"}},
    ),
    Case(
        "a type that the body of a superuser's function finds",
        "its casts are of functions elsewhere",
        "create type evil.state as enum ('a');"
        "create function off.f(k evil.state) returns int language sql immutable as 'select 1';"
        "create cast (evil.state as int) with function off.f(evil.state);",
        payload("off.f(k evil.state)", "int", "1"),
        granted=OFF + "create type public.state as enum ('a'); set check_function_bodies = off;"
        "create function public.begun() returns int language sql immutable as $$ select ('a'::state)::int $$;"
        "alter database {database} set search_path = evil, public;",
        indexes={"partial": {"columns": ["status"], "where": "public.begun() < priority"}},
    ),
    Case(
        "a table in a body of the SQL standard",
        "it is planned with the text that calls the function",
        LIMITS,
        OFF_ARMED,
        granted=OFF,
        allowed="create function public.lim() returns int language sql immutable "
        "begin atomic select max(x) from evil.limits where x > 2; end;",
        oldest=14,
        indexes={"partial": {"columns": ["status"], "where": "public.lim() < priority"}},
    ),
    Case(
        "a cast between types of the server that a superuser has made",
        "no text names its function, whose body finds theirs",
        payload("evil.upper(a text)", "text", "a"),
        granted="create function public.as_int(a point) returns int language sql immutable as "
        "$$ select length(upper('a')) $$; create cast (point as int) with function public.as_int(point);"
        "alter database {database} set search_path = evil, pg_catalog, public;",
        indexes={"partial": {"columns": ["status"], "where": "(point '(1,2)')::int < priority"}},
    ),
]


@pytest.mark.matrix
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_reaches_no_code_of_others_by_what_comes_with_a_name(case, sql, mallory, pg_target, marks):
    if sql.info.server_version < case.oldest * 10000:
        pytest.skip(f"PostgreSQL {case.oldest} brought it")
    prepare(case, sql, mallory)
    everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": case.indexes}}))
    assert marks() == [], case.reason


@pytest.mark.matrix
def test_what_if_meets_no_cast_of_an_array(sql, mallory, pg_target, marks):
    """She ran the statement herself, before she armed the cast: whoever drops an index of that table plans it."""
    sql.execute("create extension pg_stat_statements")
    sql.execute("select pg_stat_statements_reset()")  # else what follows may not stay for long among thousands
    mallory.execute((TABLE + KIND).encode())
    mallory.execute("create index going on evil.tasks (priority)")
    for _ in range(3):
        mallory.execute(
            "select count(*) from evil.tasks where priority = 3 and (array[]::evil.kind[])::text = title"
        ).fetchall()
    mallory.execute(KIND_ARMED.encode())
    everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": {"going": "absent"}}}))
    assert marks() == []


CHECKS = [
    ("an array that is made", "select array_agg(k)::text from evil.tasks"),
    ("an array that is written", "select (array[]::evil.kind[])::text"),
    ("a row", "select t::text from evil.own t limit 1"),
    ("rows as one text", "select md5(string_agg(t::text, ',')) from evil.own t"),
    ("an array of rows", "select array_agg(t)::text from evil.own t"),
    ("a type as a field of a row", "select t.kind2 from evil.own t limit 1"),
    ("a multirange", "select range_agg(r)::text from evil.ranges"),
    ("the key of partitions, by an oid", "select pg_get_partition_constraintdef('evil.low'::regclass)"),
    ("a function's body, by an oid", "select fmgr_sql_validator('evil.g'::regproc)::text"),
    ("a domain whose constraint calls what the server has", "select 1::evil.strict"),
    ("a table that a body finds", "select public.cnt()"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "statement"), CHECKS, ids=[each[0] for each in CHECKS])
def test_a_checklist_reaches_no_code_of_others_by_what_comes_with_a_name(
    name, statement, sql, mallory, pg_target, postgres, marks
):
    """One of them as a role that may read everything, and whose own functions are its business."""
    if "range_agg" in statement and sql.info.server_version < 140000:
        pytest.skip("PostgreSQL 14 brought multiranges")
    sql.execute(f"create schema off authorization {mallory.info.user}")
    mallory.execute((TABLE + KIND + LIMITS + HARMLESS).encode())
    mallory.execute("create table evil.own as select 1 as id")
    mallory.execute(payload("evil.rowtext(t evil.own)", "text", "'x'::text").encode())
    mallory.execute("create cast (evil.own as text) with function evil.rowtext(evil.own)")
    mallory.execute(payload("evil.allrows(t evil.own[])", "text", "'x'::text").encode())
    mallory.execute("create cast (evil.own[] as text) with function evil.allrows(evil.own[])")
    mallory.execute("create type evil.kind2 as enum ('a')")
    mallory.execute(payload("evil.rowkind(t evil.own)", "evil.kind2", "'a'::evil.kind2").encode())
    mallory.execute("create cast (evil.own as evil.kind2) with function evil.rowkind(evil.own)")
    mallory.execute("create table evil.parted (id int) partition by range ((id + evil.f(1)))")
    mallory.execute("create table evil.low partition of evil.parted for values from (minvalue) to (1000)")
    mallory.execute(payload("evil.ok(i int)", "boolean", "true").encode())
    mallory.execute("create domain evil.checked as int check (evil.ok(value))")
    mallory.execute("create type evil.row as (a evil.checked)")
    mallory.execute("create function evil.g() returns int language sql as $$ select ('(1)'::evil.row).a::int $$")
    mallory.execute(
        "create domain evil.strict as int check (query_to_xml('select evil.f(1)', true, true, '') is not null)"
    )
    if sql.info.server_version >= 140000:
        mallory.execute("create type evil.r as range (subtype = int4, multirange_type_name = evil.rr)")
        mallory.execute("create table evil.ranges as select '[1,2]'::evil.r as r")
        mallory.execute(payload("evil.mr(r evil.rr)", "text", "'x'::text").encode())
        mallory.execute("create cast (evil.rr as text) with function evil.mr(evil.rr)")
    mallory.execute((KIND_ARMED + ARMED + OFF_ARMED).encode())
    sql.execute("create table public.limits as select 3 as x")
    sql.execute(
        "create function public.cnt() returns bigint language sql stable as 'select count(*) from limits where x > 2'"
    )
    sql.execute(f"alter database {sql.info.dbname} set search_path = evil, public")
    watcher = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {watcher} login")
    sql.execute("grant usage on schema evil, off to public; grant select on evil.limits to public")
    url = type(pg_target.url)(postgres.url(sql.info.dbname, watcher))
    target = pg_target.model_copy(update={"url": url}) if "cnt" in statement else pg_target
    try:
        [item] = declare(target, {"sql": statement, "is_empty": "no"})
        [result] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
        assert result.status is CheckStatus.ERROR
        assert "the statement was not run" in result.message
        assert marks() + marks(watcher) == []
    finally:
        sql.execute(f"drop owned by {watcher}")
        sql.execute(f"drop role {watcher}")


MEANWHILE = {
    "an index": "create index theirs on evil.tasks (id) where id > evil.f(1)",
    "statistics": "create statistics evil.theirs on (id + evil.f(1)), priority from evil.tasks",
    "a child with a constraint": "create table evil.child (check (id > evil.f(-1))) inherits (evil.tasks)",
    "a child with an index": "create table evil.child () inherits (evil.tasks);"
    "create index on evil.child (id) where id > evil.f(1)",
    "a cast of an array": "create cast (evil.kind[] as text) with function evil.said(evil.kind[])",
    "another body of a function": ARMED,
    "another name of a function": "alter function evil.zzz(varchar) rename to lower",
}

INDEXES = {
    "partial": {"columns": ["status"], "where": "priority > 3"},
    "once": {"columns": ["title", "id"], "unique": True, "where": "priority > 2"},
    "arrays": {"columns": ["((array[k])::text)", "id"], "unique": True},
    "lowered": {"columns": ["status"], "where": "lower('A'::varchar) < lower(title::varchar)"},
}


@pytest.mark.matrix
@pytest.mark.parametrize(
    "place", ["kinds.pg_index.comparison.server_readings.ask", "insight.bounded_queries.BoundedQueries._batch"]
)
@pytest.mark.parametrize("made", MEANWHILE)
def test_what_leads_to_code_of_others_since_a_moment_is_met_by_nobody(
    made, place, sql, mallory, pg_target, marks, monkeypatch
):
    """The function is there all the time. Between the question and the plan, only something else comes to lead to it;
    what came and went all the time was run by most plans."""
    if made == "statistics" and sql.info.server_version < 140000:
        pytest.skip("PostgreSQL 14 brought it")
    mallory.execute((TABLE + KIND + HARMLESS).encode())
    mallory.execute("drop cast (evil.kind[] as text)")
    mallory.execute((KIND_ARMED + payload("evil.zzz(a varchar)", "text", "'a'::text")).encode())
    if made != "another body of a function":
        mallory.execute(ARMED.encode())
    sql.execute(f"alter database {sql.info.dbname} set search_path = evil, pg_catalog")
    module, _, name = place.rpartition(".")
    target = pkgutil.resolve_name(f"reconciler.{module}")
    original = getattr(target, name)
    done = []

    def meanwhile(*args, **options):
        if not done and args[1] and any(isinstance(each, ForeignCode) for each in args):
            done.append(mallory.execute(MEANWHILE[made].encode()))
        return original(*args, **options)

    monkeypatch.setattr(target, name, meanwhile)
    with suppress(ReconcilerError):
        everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": INDEXES}}))
    assert marks() == []


@pytest.mark.matrix
@pytest.mark.parametrize("made", ["an index", "a child with an index"])
def test_a_checklist_meets_nothing_that_leads_to_code_of_others_since_a_moment(
    made, sql, mallory, pg_target, marks, monkeypatch
):
    mallory.execute((TABLE + HARMLESS + ARMED).encode())
    from reconciler.kinds.check.types import sql as of_checks

    original = of_checks._bounded

    def meanwhile(statement):
        mallory.execute(MEANWHILE[made].encode())
        return original(statement)

    monkeypatch.setattr(of_checks, "_bounded", meanwhile)
    [item] = declare(pg_target, {"sql": "select count(*) from evil.tasks where id > 3", "equals": "297"})
    [result] = make_plan({"main": pg_target}, [item], Secrets({}), created_at=now()).checks
    assert result.status is CheckStatus.ERROR
    assert marks() == []


@pytest.mark.matrix
@pytest.mark.parametrize(
    "made",
    [
        "create table evil.other (id int primary key, k int)",
        "create type evil.other as enum ('a')",
        "create temp table other as select 1 as id",
        "create index on evil.tasks (title)",
        "create cast (evil.kind as int) with function evil.number(evil.kind)",
    ],
)
def test_what_leads_nowhere_stops_nobody(made, sql, mallory, pg_target, monkeypatch):
    """An application makes tables, indexes and types all day, and their owner is a stranger to whoever plans."""
    sql.execute("create table public.tasks (id int, title text)")
    sql.execute("create index i on public.tasks (id) where lower(title) > 'a'")
    mallory.execute((TABLE + KIND).encode())
    mallory.execute("create function evil.number(k evil.kind) returns int language sql immutable as 'select 1'")
    original = pkgutil.resolve_name("reconciler.kinds.pg_index.comparison.server_readings.ask")
    done = []

    def meanwhile(*args, **options):
        if not done:
            done.append(mallory.execute(made.encode()))
        return original(*args, **options)

    monkeypatch.setattr("reconciler.kinds.pg_index.comparison.server_readings.ask", meanwhile)
    indexes = {"i": {"columns": ["id"], "where": "(lower(title) > 'a') and true"}}
    plan = make_plan(
        {"main": pg_target}, tables(pg_target, {"public.tasks": {"indexes": indexes}}), Secrets({}), created_at=now()
    )
    assert (plan.changes, plan.notices) == ((), ())


@pytest.mark.matrix
def test_a_domain_that_only_compares_is_nobodys_way_in(sql, mallory, pg_target):
    """An application's own domain, in its own table: whoever may more plans there, too."""
    mallory.execute("create domain evil.email as text check (value ~ '@' and length(value) < 300)")
    mallory.execute("create table evil.people (id int, address evil.email)")
    mallory.execute("create index i on evil.people (id) where lower(address) > 'a'")
    index = {"columns": ["id"], "where": "(lower(address) > 'a') and true"}
    plan = make_plan(
        {"main": pg_target},
        tables(pg_target, {"evil.people": {"indexes": {"i": index}}}),
        Secrets({}),
        created_at=now(),
    )
    assert (plan.changes, plan.notices) == ((), ())
