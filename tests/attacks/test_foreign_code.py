"""Code of others does not run on behalf of whoever plans.

Each case prepares what a role without rights can prepare, and then a superuser makes everything that a plan is: the
comparison, the advice beside it, what-if, and the rehearsal. On 14 and 18 every one of them was seen to leave its mark,
or to do what it says, before sessions began with an empty search_path and before texts were looked at for who could
have written what they reach. Exceptions: the import, which never ran anything; a sequence, which a read-only
transaction protects; XML, which not every build has; and a role that grants itself, before 15.
"""

from __future__ import annotations

import pkgutil
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
from applying.acting import apply, now
from check.declare import declare
from pg_index.declared import tables

from attacks.conftest import payload
from reconciler.applying.rehearsal import rehearse
from reconciler.errors import ReconcilerError
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, CheckStatus, NoticeType, Plan, Resource, Target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

HARMLESS = "create function evil.f(i int) returns int language sql immutable as 'select $1';"
ARMED = payload("evil.f(i int)", "int", "i")

TABLE = """
    create table evil.tasks (id int primary key, status text, title text, priority int);
    insert into evil.tasks select n, 's' || n % 5, 't' || n, n % 7 from generate_series(1, 300) n;
    analyze evil.tasks;
"""


@dataclass(frozen=True)
class Case:
    """`prepared` is run by mallory, but for `granted` before it and `allowed` after it, which a superuser runs.

    `armed` is run by mallory at the end. `indexes` are declared of evil.tasks. `said`: words of a notice.
    """

    name: str
    reason: str
    prepared: str = ""
    armed: str = ""
    granted: str = ""
    allowed: str = ""
    indexes: dict[str, Any] = field(default_factory=lambda: {"plain": {"columns": ["status"]}})
    asked: tuple[str, ...] = ()
    oldest: int = 13
    said: str = ""
    role: str = "postgres"


PARTIAL = {"partial": {"columns": ["status"], "where": "priority > 3"}}
UNIQUE = {"once": {"columns": ["title", "id"], "unique": True}}

CASES = [
    Case(
        "quote_ident in public",
        "the exact type of a catalogue's column wins over pg_catalog's text",
        payload("public.quote_ident(n name)", "text", "n::text"),
        granted="grant create on schema public to {role};",
        indexes={"lowered": {"columns": ["lower(title)"]}},
        allowed="create index lowered on evil.tasks (lower(title));",
    ),
    Case(
        "functions on a path before pg_catalog",
        "the owner of a database decides where every session of it looks for names",
        payload("evil.set_config(a text, b text, c boolean)", "text", "b")
        + payload("evil.set_config(a unknown, b unknown, c boolean)", "text", "''").replace("unknown", "text")
        + payload("evil.current_setting(a text)", "text", "pg_catalog.current_setting(a)")
        + payload("evil.current_schemas(a boolean)", "name[]", "pg_catalog.current_schemas(a)")
        + payload("evil.pg_is_in_recovery()", "boolean", "false")
        + payload("evil.unnest(a text[])", "text", "a[1]")
        + payload("evil.lower(a text)", "text", "pg_catalog.lower(a)")
        + payload("evil.has_function_privilege(a text, b text)", "boolean", "true"),
        granted="alter database {database} owner to {role};",
        armed="alter database {database} set search_path = evil, pg_catalog;",
    ),
    Case(
        "operators on a path before pg_catalog",
        "operators are looked for as functions are",
        payload("evil.same(a oid, b oid)", "boolean", "a operator(pg_catalog.=) b")
        + payload("evil.same(a name, b text)", "boolean", "a operator(pg_catalog.=) b")
        + payload("evil.same(a text, b text)", "boolean", "a operator(pg_catalog.=) b")
        + payload("evil.same(a name, b name)", "boolean", "a operator(pg_catalog.=) b")
        + payload('evil.same(a "char", b "char")', "boolean", "a operator(pg_catalog.=) b")
        + "".join(
            f"create operator evil.= (leftarg = {left}, rightarg = {right}, function = evil.same);"
            for left, right in [("oid", "oid"), ("name", "text"), ("text", "text"), ("name", "name"), ('"char"',) * 2]
        ),
        granted="alter database {database} owner to {role};",
        armed="alter database {database} set search_path = evil, pg_catalog;",
        indexes=PARTIAL,
        allowed="create index partial on evil.tasks (status) where 3 < priority;",
    ),
    Case(
        "types on a path before pg_catalog",
        "a domain's constraint runs for each value that is cast",
        payload("evil.check_it(a pg_catalog.text)", "boolean", "true")
        + "create domain evil.text as pg_catalog.text check (evil.check_it(value));"
        + "create domain evil.int8 as pg_catalog.int8 check (evil.check_it(value::pg_catalog.text));"
        + "create domain evil.name as pg_catalog.name check (evil.check_it(value::pg_catalog.text));",
        granted="alter database {database} owner to {role};",
        armed="alter database {database} set search_path = evil, pg_catalog;",
    ),
    Case(
        "the predicate of an index that nobody declared",
        "the planner folds the expressions of every index of a table in a query",
        HARMLESS + "create index theirs on evil.tasks (id) where id > evil.f(1);",
        ARMED,
        indexes=PARTIAL,
    ),
    Case(
        "the predicate of an index, where duplicates are looked for",
        "that query reads the table",
        HARMLESS + "create index theirs on evil.tasks ((id + evil.f(1)));",
        ARMED,
        indexes=UNIQUE,
    ),
    Case(
        "the predicate of the declared index",
        "the comparison has the server fold both sides",
        HARMLESS + "create index partial on evil.tasks (status) where priority > evil.f(3);",
        ARMED,
        indexes={"partial": {"columns": ["status"], "where": "evil.f(3) < priority"}},
        said="not compared with its definition: it may run evil.f()",
    ),
    Case(
        "a declared expression of a function that is not yet in use",
        "whether the server can read it is asked by having it planned",
        HARMLESS,
        ARMED,
        indexes={"new": {"columns": ["(id + evil.f(1))"], "unique": True, "where": "evil.f(2) > 1"}},
    ),
    Case(
        "a constraint",
        "constraints are folded where they may exclude a table",
        HARMLESS
        + "create table evil.child (check (id > evil.f(-1))) inherits (evil.tasks);"
        + "alter table evil.tasks add check (id > evil.f(-1));",
        ARMED,
        allowed="alter database {database} set constraint_exclusion = on;",
        indexes=PARTIAL,
    ),
    Case(
        "statistics of an expression",
        "the planner folds them, too",
        HARMLESS + "create statistics evil.s on (id + evil.f(1)), priority from evil.tasks;",
        ARMED,
        oldest=14,
        indexes=PARTIAL,
    ),
    Case(
        "the key of the partitions",
        "the planner folds it to know which ones a query needs",
        """
        drop table evil.tasks;
        create function evil.f(i int) returns int language sql immutable as 'select $1';
        create table evil.tasks (id int, status text, title text, priority int) partition by range ((id + evil.f(1)));
        create table evil.low partition of evil.tasks for values from (minvalue) to (1000);
        """,
        ARMED,
        indexes=PARTIAL,
    ),
    Case(
        "an operator of theirs in a declared predicate",
        "it is looked for where functions are",
        "create function evil.above(a int, b int) returns boolean language sql immutable as 'select $1 > $2';"
        "create operator evil.>>> (leftarg = int, rightarg = int, function = evil.above);"
        "create index partial on evil.tasks (status) where 1 operator(evil.>>>) 2;",
        payload("evil.above(a int, b int)", "boolean", "true"),
        indexes={"partial": {"columns": ["status"], "where": "(1 operator(evil.>>>) 2)  and true"}},
    ),
    Case(
        "a cast of theirs",
        "syntax reaches functions without naming them",
        "create type evil.kind as enum ('a', 'b');"
        "create function evil.to_int(k evil.kind) returns int language sql immutable as 'select 1';"
        "create cast (evil.kind as int) with function evil.to_int(evil.kind) as implicit;"
        "create index partial on evil.tasks (status) where 'a'::evil.kind::int > 0;",
        payload("evil.to_int(k evil.kind)", "int", "1"),
        indexes={"partial": {"columns": ["status"], "where": "0 < 'a'::evil.kind::int"}},
    ),
    Case(
        "a function of a superuser that looks for names where the session does",
        "its body finds theirs before pg_catalog's",
        payload("evil.lower(a text)", "text", "pg_catalog.lower(a)")
        + "create index partial on evil.tasks (status) where public.norm('A') = 'a';",
        granted="alter database {database} owner to {role};"
        "create function public.norm(a text) returns text language sql immutable as 'select lower($1)';",
        armed="alter database {database} set search_path = evil, pg_catalog, public;",
        indexes={"partial": {"columns": ["status"], "where": "'a' = public.norm('A')"}},
    ),
    Case(
        "a role that the database gives to every session",
        "her code is not ours because the session is for now",
        HARMLESS + "create index partial on evil.tasks (status) where priority > evil.f(3);",
        ARMED + "alter database {database} set role = {role};",
        granted="alter database {database} owner to {role};",
        indexes={"partial": {"columns": ["status"], "where": "evil.f(3) < priority"}},
        role="{role}",
    ),
    Case(
        "a default argument of a function of a superuser",
        "what the function leans on is a part of it",
        HARMLESS,
        ARMED,
        allowed="create function public.norm(a int default evil.f(1)) returns int language sql immutable as 'select 1';"
        "create index partial on evil.tasks (status) where public.norm() > 0;",
        indexes={"partial": {"columns": ["status"], "where": "0 < public.norm()"}},
    ),
    Case(
        "an operator of a superuser whose function looks for names where the session does",
        "operators have functions",
        payload("evil.length(a text)", "int", "1"),
        granted="alter database {database} owner to {role};"
        "create function public.longer(a text, b text) returns boolean language sql immutable "
        "as 'select length($1) > length($2)';"
        "create operator public.>>> (leftarg = text, rightarg = text, function = public.longer);",
        armed="create index partial on evil.tasks (status) where 'ab'::text operator(public.>>>) 'a'::text;"
        "alter database {database} set search_path = evil, pg_catalog, public;",
        indexes={"partial": {"columns": ["status"], "where": "('ab'::text operator(public.>>>) 'a'::text) and true"}},
    ),
    Case(
        "a field behind a field, with a subscript",
        "each part of it may be a function",
        "create function evil.two(t evil.tasks) returns int[] language sql immutable as 'select array[1, 2]';",
        payload("evil.two(t evil.tasks)", "int[]", "array[1, 2]"),
        allowed="alter database {database} set search_path = evil, public;",
        indexes={"field": {"columns": ["((tasks).two[1])", "id"], "unique": True}},
    ),
    Case(
        "a function called as a field",
        "t.f is f(t) where t has no column f",
        "create function evil.twice(t evil.tasks) returns int language sql immutable as 'select 1';"
        "alter role {role} set search_path = evil, public;",
        payload("evil.twice(t evil.tasks)", "int", "1"),
        allowed="alter database {database} set search_path = evil, public;",
        indexes={"field": {"columns": ["((null::evil.tasks).twice)"], "where": "(null::evil.tasks).twice > 0"}},
    ),
]


def everything(target: Target, resources: list[Resource]) -> Plan:
    """All that `plan --rehearse` does."""
    secrets = Secrets({})
    plan = make_plan({target.name: target}, resources, secrets, created_at=now(), advised=True)
    rehearse(target, secrets, plan.changes)
    return plan


def prepare(case: Case, sql: psycopg.Connection, mallory: psycopg.Connection) -> None:
    names = {"role": mallory.info.user, "database": sql.info.dbname}

    def run(connection: psycopg.Connection, text: str) -> None:
        for name, value in names.items():
            text = text.replace("{" + name + "}", value)
        if text:
            connection.execute(text.encode())

    run(sql, case.granted)
    run(mallory, TABLE)
    run(mallory, case.prepared)
    run(sql, case.allowed)
    run(mallory, case.armed)


@pytest.mark.matrix
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_runs_no_code_of_others(case, sql, mallory, pg_target, marks):
    if sql.info.server_version < case.oldest * 10000:
        pytest.skip(f"PostgreSQL {case.oldest} brought it")
    prepare(case, sql, mallory)
    plan = everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": case.indexes}}))
    assert marks() + marks(case.role.replace("{role}", mallory.info.user)) == [], case.reason
    if case.said:
        assert [
            each.message for each in plan.notices if each.type is NoticeType.NOT_VISIBLE and case.said in each.message
        ]


@pytest.mark.matrix
def test_what_if_runs_no_code_of_others(sql, mallory, pg_target, marks):
    """A statement that was run once, on a table whose index was armed afterwards, is not planned again."""
    sql.execute("create extension pg_stat_statements")
    sql.execute("select pg_stat_statements_reset()")  # else what follows may not stay for long among thousands
    mallory.execute(TABLE.encode())
    mallory.execute((HARMLESS + "create index theirs on evil.tasks (id) where id > evil.f(1);").encode())
    mallory.execute("create index going on evil.tasks (priority)")
    for _ in range(3):
        mallory.execute("select count(*) from evil.tasks where priority = 3 and id > 3").fetchall()
        sql.execute("select count(*) from evil.tasks where priority = 3 and id > 3").fetchall()
    mallory.execute(ARMED.encode())
    plan = everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": {"going": "absent"}}}))
    assert marks() == []
    told = [str(fact.value) for change in plan.changes for fact in change.evidence if fact.name == "what-if"]
    assert any("it may run evil.f() of the index evil.theirs" in each for each in told), told


def test_an_import_runs_no_code_of_others(sql, mallory, pg_target, marks):
    mallory.execute((TABLE + HARMLESS).encode())
    mallory.execute("create index theirs on evil.tasks ((id + evil.f(1))) where id > evil.f(1)")
    mallory.execute(ARMED.encode())
    with closing(connect(pg_target, Secrets({}))) as session:
        assert "theirs" in str(KIND.written(session))
    assert marks() == []


@pytest.mark.matrix
def test_the_owner_compares_what_a_superuser_does_not(sql, mallory, pg_target, postgres, marks):
    """The way out that the notice names: connect as the owner of the function."""
    mallory.execute((TABLE + HARMLESS).encode())
    mallory.execute("create index partial on evil.tasks (status) where priority > evil.f(3)")
    indexes = {"partial": {"columns": ["status"], "where": "(priority > evil.f(3)) and true"}}
    resources = tables(pg_target, {"evil.tasks": {"indexes": indexes}})
    [notice] = make_plan({"main": pg_target}, resources, Secrets({}), created_at=now()).notices
    assert notice.type is NoticeType.NOT_VISIBLE
    # Whoever reads it is a superuser here, who may act as mallory, and whom that does not help.
    assert f"connect as {mallory.info.user}, or as a member of it that is no superuser" in notice.message
    theirs = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, mallory.info.user))})
    plan = make_plan({"main": theirs}, resources, Secrets({}), created_at=now())
    assert (plan.changes, plan.notices) == ((), ())


UNIQUE_BY = {"columns": ["id"], "unique": True}


def test_an_operator_of_a_superuser_that_is_not_immutable_is_not_run_on_rows(sql, mallory, pg_target, marks):
    mallory.execute(TABLE.encode())
    sql.execute(payload("public.looks(a int, b int)", "boolean", "true", "volatile").encode())
    sql.execute("create operator public.%% (leftarg = int, rightarg = int, function = public.looks)")
    index = {"columns": ["id"], "unique": True, "where": "id %% 1"}
    plan = everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": {"new": index}}}))
    assert marks() == []
    [notice] = [each for each in plan.notices if each.type is NoticeType.BLOCKED]
    assert "must be marked IMMUTABLE, and id %% 1 goes by" in notice.message


def test_a_plan_of_a_superuser_says_once_which_role_would_be_enough(sql, pg_target, postgres):
    sql.execute("create table tasks (id int)")
    resources = tables(
        pg_target, {"public.tasks": {"indexes": {"i": {"columns": ["id"]}, "j": {"columns": ["id desc"]}}}}
    )
    said = "a member of pg_monitor would be enough to plan by"

    def told(target: Target) -> list[str]:
        plan = make_plan({"main": target}, resources, Secrets({}), created_at=now(), advised=True)
        return [each.message for each in plan.notices if said in each.message]

    assert told(pg_target) == ["postgres is a superuser, and a member of pg_monitor would be enough to plan by"]
    name = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {name} login in role pg_monitor")
    try:
        url = type(pg_target.url)(postgres.url(sql.info.dbname, name))
        assert told(pg_target.model_copy(update={"url": url})) == []
    finally:
        sql.execute(f"drop role {name}")


@pytest.mark.matrix
def test_an_apply_runs_no_code_of_others_but_what_the_plan_says(sql, mallory, pg_target, marks):
    """From the moment on when names are looked for where the role looks for them, nothing of ours is looked for."""
    [case] = [each for each in CASES if each.name == "operators on a path before pg_catalog"]
    prepare(replace(case, allowed=""), sql, mallory)
    sql.execute("create table public.tasks (id int, status text)")
    resources = tables(pg_target, {"public.tasks": {"indexes": {"i": {"columns": ["status"]}}}})
    plan = make_plan({"main": pg_target}, resources, Secrets({}), created_at=now())
    assert apply(plan, pg_target).succeeded
    assert marks() == []
    assert make_plan({"main": pg_target}, resources, Secrets({}), created_at=now()).changes == ()


@pytest.mark.matrix
@pytest.mark.parametrize(
    "place", ["kinds.pg_index.comparison.server_readings.ask", "insight.bounded_queries.BoundedQueries._batch"]
)
def test_whoever_makes_a_function_at_that_very_moment_is_met_by_nobody(
    place, sql, mallory, pg_target, marks, monkeypatch
):
    """Between the question whose code it is and the plan of it. A function that came and went all the time was run by
    a third of all plans."""
    sql.execute(f"grant create on schema public to {mallory.info.user}")
    sql.execute("create table public.tasks (id int, title varchar)")
    sql.execute("create index i on public.tasks (id) where lower(title) > lower('A'::varchar)")
    made = payload("public.lower(a varchar)", "text", "'a'::text").encode()
    module, _, name = place.rpartition(".")
    original = None

    def meanwhile(*args, **options):
        mallory.execute(made)
        try:
            return original(*args, **options)
        finally:
            mallory.execute("drop function if exists public.lower(varchar)")

    target = pkgutil.resolve_name(f"reconciler.{module}")
    original = getattr(target, name)
    monkeypatch.setattr(target, name, meanwhile)
    indexes = {
        "i": {"columns": ["id"], "where": "lower('A'::varchar) < lower(title)"},
        "j": {"columns": ["lower(title)", "id"], "unique": True, "where": "lower('B'::varchar) < lower(title)"},
    }
    with suppress(ReconcilerError):
        everything(pg_target, tables(pg_target, {"public.tasks": {"indexes": indexes}}))
    assert marks() == []


def test_what_could_not_be_compared_afterwards_is_not_planned(sql, mallory, pg_target):
    """It was built, and then said to have failed, since nobody could see that it was as declared."""
    mallory.execute((TABLE + HARMLESS).encode())
    index = {"columns": ["(evil.f(id))"]}
    plan = make_plan(
        {"main": pg_target}, tables(pg_target, {"evil.tasks": {"indexes": {"i": index}}}), Secrets({}), created_at=now()
    )
    assert plan.changes == ()
    [notice] = plan.notices
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "not planned: it could not be compared once it is there: it may run evil.f()" in notice.message


def test_what_is_invalid_needs_no_comparison(sql, mallory, pg_target):
    mallory.execute((TABLE + HARMLESS).encode())
    mallory.execute("create index i on evil.tasks (status) where priority > evil.f(3)")
    sql.execute("update pg_index set indisvalid = false where indexrelid = 'evil.i'::regclass")
    index = {"columns": ["status"], "where": "(priority > evil.f(3)) and true"}
    plan = make_plan(
        {"main": pg_target}, tables(pg_target, {"evil.tasks": {"indexes": {"i": index}}}), Secrets({}), created_at=now()
    )
    assert [change.action for change in plan.changes] == [Action.REBUILD]


REFUSED = [
    ("a volatile function", {"columns": ["(public.marks())"], "unique": True}, "IMMUTABLE: public.marks() is volatile"),
    ("a stable one", {"columns": ["(public.stays())"], "unique": True}, "IMMUTABLE: public.stays() is stable"),
    ("a volatile one in a predicate", UNIQUE_BY | {"where": "public.marks() > 0"}, "functions in index predicate must"),
    ("a subquery", UNIQUE_BY | {"where": "(select public.marks()) > 0"}, "cannot use subquery in index predicate"),
    ("an aggregate", {"columns": ["(max(public.marks()))"]}, "aggregate functions are not allowed"),
    ("a set", {"columns": ["(generate_series(1, public.marks()))"]}, "index expression"),
    ("the moment", {"columns": ["(current_timestamp)"]}, "current_timestamp is stable"),
    ("a file", {"columns": ["(pg_read_file('PG_VERSION'))"], "unique": True}, "pg_read_file() is volatile"),
    ("the end of sessions", {"columns": ["id"], "where": "pg_terminate_backend(0)"}, "is volatile"),
]


@pytest.mark.parametrize(("name", "index", "says"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_no_index_can_hold_is_refused_in_the_plan_and_never_run(name, index, says, sql, mallory, pg_target, marks):
    """Of these PostgreSQL refuses every one as an index; looking for duplicates ran them once a row."""
    mallory.execute(TABLE.encode())
    sql.execute(payload("public.marks()", "int", "1", "volatile").encode())
    sql.execute(payload("public.stays()", "int", "1", "stable").encode())
    plan = everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": {"new": index}}}))
    assert marks() == []
    assert plan.changes == ()
    [notice] = [each for each in plan.notices if each.type is NoticeType.BLOCKED]
    assert "PostgreSQL refuses it" in notice.message
    assert says in notice.message
    keys = ", ".join(index["columns"])
    with pytest.raises(psycopg.Error):
        sql.execute(f"create index on evil.tasks ({keys}) where {index.get('where', 'true')}")


CHECKS = [
    ("any text of SQL", "select 1 from ts_stat('select public.marks()::text::tsvector')"),
    ("a rewritten query", "select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, public.marks()::text::tsquery')"),
    ("a query as XML", "select query_to_xml('select public.marks()', true, true, '')"),
    ("a view as XML, by its name", "select table_to_xml('evil.seen', true, true, '')"),
    ("a type by its name", "select pg_catalog.domain_in('1', 'evil.positive'::regtype, -1)"),
    ("a value of a domain", "select '1'::evil.positive"),
    ("a row with a domain in it", "select json_populate_record(null::evil.row, '{\"a\": 1}')"),
    ("a function of theirs", "select evil.f(1)"),
    ("a function of theirs as a field", "select t.twice from evil.tasks t"),
    ("a view of theirs", "select * from evil.seen"),
    ("a view of theirs that calls what a superuser wrote", "select * from evil.looks"),
    ("a view of a superuser on one of theirs", "select * from public.over"),
    ("a function of a superuser that finds theirs", "select public.norm('A')"),
    ("a volatile function of a superuser", "select public.marks()"),
    ("one that has a harmless name", "select public.random_normal()"),
    ("one whose body is of theirs", "select public.wrapped()"),
    ("a table with an index of theirs", "select id from evil.tasks where id > 3"),
    ("a statement that is folded", "select 1 where evil.f(1) = 1"),
    ("an operator of theirs", "select 1 operator(evil.>>>) 2"),
    ("a table with the name of a query before it", "with looks as (select * from looks) select * from looks"),
    ("a field with a subscript", "select (t).three[1] from evil.tasks t"),
    ("a word of a younger server", "select json_scalar('a'::text)"),
    ("a default argument", "select public.defaulted()"),
    ("a field that is a function of a superuser", "select t.acts from public.own t"),
    ("a value in a list", "select * from (values (evil.f(2))) v"),
    ("a function without its schema", "select f(1)"),
    ("a sample of theirs", "select * from evil.tasks tablesample system (1) where evil.f(id) = 1"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "statement"), CHECKS, ids=[each[0] for each in CHECKS])
def test_a_checklist_runs_no_code_of_others(name, statement, sql, mallory, pg_target, marks):
    """A list of forbidden functions let each of these through."""
    mallory.execute((TABLE + HARMLESS).encode())
    sql.execute(payload("public.marks()", "int", "1", "volatile").encode())
    mallory.execute(
        (
            "create index theirs on evil.tasks (id) where id > evil.f(1);"
            "create function evil.at_least_one(i int) returns boolean language sql immutable as 'select true';"
            "create domain evil.positive as int check (evil.at_least_one(value));"
            "create type evil.row as (a evil.positive);"
            "create view evil.seen as select evil.f(1) as n;"
            "create view evil.looks as select public.marks() as n;"
            "create function evil.twice(t evil.tasks) returns int language sql as 'select 1';"
            "create function evil.above(a int, b int) returns boolean language sql immutable as 'select true';"
            "create operator evil.>>> (leftarg = int, rightarg = int, function = evil.above);"
            + ARMED
            + payload("evil.at_least_one(i int)", "boolean", "true")
            + payload("evil.twice(t evil.tasks)", "int", "1")
            + payload("evil.above(a int, b int)", "boolean", "true")
        ).encode()
    )
    sql.execute("create view public.over as select * from evil.looks")
    mallory.execute(payload("evil.three(t evil.tasks)", "int[]", "array[1]").encode())
    mallory.execute(payload("evil.json_scalar(a text)", "text", "a").encode())
    sql.execute("create function public.defaulted(a int default evil.f(1)) returns int language sql as 'select 1'")
    sql.execute("create table public.own as select 1 as id")
    sql.execute(payload("public.acts(t public.own)", "int", "1", "volatile").encode())
    sql.execute(payload("public.random_normal()", "int", "1", "volatile").encode())
    body = "return evil.f(1)" if sql.info.server_version >= 140000 else "as 'select evil.f(1)'"
    sql.execute(f"create function public.wrapped() returns int language sql immutable {body}".encode())
    sql.execute("create function public.norm(a text) returns text language sql immutable as 'select upper($1)'")
    mallory.execute(payload("evil.upper(a text)", "text", "a").encode())
    sql.execute(f"alter database {sql.info.dbname} set search_path = evil, pg_catalog, public")
    [item] = declare(pg_target, {"sql": statement, "is_empty": "no"})
    with suppress(ReconcilerError):
        [result] = make_plan({"main": pg_target}, [item], Secrets({}), created_at=now()).checks
        assert result.status in (CheckStatus.ERROR, CheckStatus.NOT_VISIBLE)
    assert marks() == []


@pytest.mark.matrix
def test_what_if_looks_at_a_table_with_the_name_of_a_query_before_it(sql, mallory, pg_target, marks):
    """Nobody has to write this but she: it is enough that she ran it once."""
    sql.execute("create extension pg_stat_statements")
    sql.execute("select pg_stat_statements_reset()")  # else what follows may not stay for long among thousands
    mallory.execute((TABLE + HARMLESS).encode())
    mallory.execute("create view evil.seen as select id as n from evil.tasks where id > evil.f(1)")
    mallory.execute("set search_path = evil")
    mallory.execute("create index going on tasks (priority)")
    mallory.execute(
        "with seen as (select n from seen where n > 0) select count(*) from tasks, seen where priority = 3 and id = n"
    ).fetchall()
    mallory.execute(ARMED.encode())
    everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": {"going": "absent"}}}))
    assert marks() == []


def test_a_role_that_was_granted_by_itself_is_not_trusted_for_that(sql, mallory, pg_target, postgres, marks):
    """Before 15 every role may grant itself to whomever it likes."""
    name = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {name} login in role pg_monitor")
    try:
        granter = mallory if sql.info.server_version < 150000 else sql
        granter.execute(f"grant {mallory.info.user} to {name}")
        mallory.execute((TABLE + HARMLESS).encode())
        mallory.execute("create index partial on evil.tasks (status) where priority > evil.f(3)")
        mallory.execute(ARMED.encode())
        indexes = {"partial": {"columns": ["status"], "where": "evil.f(3) < priority"}}
        target = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, name))})
        everything(target, tables(target, {"evil.tasks": {"indexes": indexes}}))
        # One that a superuser has granted makes her trusted.
        assert bool(marks(name)) == (granter is sql)
    finally:
        sql.execute(f"drop owned by {name}")
        sql.execute(f"drop role {name}")


@pytest.mark.matrix
def test_an_event_trigger_is_not_fired_by_a_rehearsal(sql, mallory, pg_target, marks):
    """A superuser's trigger, whose function is hers: it would run for the copy of a table."""
    sql.execute("create table public.tasks (id int)")
    mallory.execute(payload("evil.fired()", "event_trigger", "null").replace("return null;", "").encode())
    sql.execute("create event trigger fired on ddl_command_start execute function evil.fired()")
    try:
        resources = tables(pg_target, {"public.tasks": {"indexes": {"i": {"columns": ["id"]}}}})
        plan = everything(pg_target, resources)
        assert marks() == []
        [line] = rehearse(pg_target, Secrets({}), plan.changes).untried
        assert "evil.fired() of an event trigger" in line
    finally:
        sql.execute("drop event trigger fired")


def test_names_are_read_as_a_server_of_another_encoding_reads_them(sql, mallory, postgres, pg_target, marks):
    """Our parser cuts a name after 63 bytes of UTF-8, which are fewer letters than of LATIN1."""
    name = f"latin_{sql.info.dbname}"
    sql.execute(f"create database {name} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'")
    long = "a" * 62 + "é"
    try:
        with psycopg.connect(postgres.url(name), autocommit=True) as there:
            there.execute(f"create schema evil authorization {mallory.info.user}")
        with psycopg.connect(postgres.url(name, mallory.info.user), autocommit=True) as hers:
            hers.execute(payload(f'evil."{long}"(i int)', "int", "i").encode("latin1"))
        target = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(name))})
        [item] = declare(target, {"sql": f'select evil."{long}"(1)', "is_empty": "no"})
        [result] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
        assert result.status is CheckStatus.ERROR
        assert marks() == []
    finally:
        with psycopg.connect(postgres.url(name), autocommit=True) as there:
            there.execute(f"drop owned by {mallory.info.user} cascade")
        sql.execute(f"drop database {name} (force)")


def test_a_schema_that_comes_after_the_session_is_looked_for_nothing_in(sql, pg_target):
    """`$user` is no schema until there is one."""
    with closing(connect(pg_target, Secrets({}))) as session:
        assert session.own_path == '"pg_catalog", "public"'


@pytest.mark.matrix
def test_policies_of_a_table_run_no_code_of_its_owner(sql, mallory, pg_target, postgres, marks):
    """They are part of the query of whoever they hold for: a lesser role, which a checklist is often read by."""
    sql.execute(payload("public.marks()", "int", "1", "volatile").encode())
    mallory.execute(TABLE.encode())
    mallory.execute("create policy looks on evil.tasks using (public.marks() > 0)")
    mallory.execute("alter table evil.tasks enable row level security")
    name = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {name} login")
    mallory.execute(f"grant usage on schema evil to {name}")
    mallory.execute(f"grant select on evil.tasks to {name}")
    url = type(pg_target.url)(postgres.url(sql.info.dbname, name))
    try:
        [item] = declare(pg_target, {"sql": "select * from evil.tasks", "is_empty": "no"})
        target = pg_target.model_copy(update={"url": url})
        [result] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
        assert (result.status, "the policies of evil.tasks" in result.message) == (CheckStatus.ERROR, True)
        assert marks(name) == []
    finally:
        sql.execute(f"drop owned by {name}")
        sql.execute(f"drop role {name}")


VALUES = [
    ("select jsonb_build_object('a', 1)", '{"a": 1}'),
    ("select '{}'::jsonb", "{}"),
    ("select array[1, 2]", "[1,2]"),
    ("select 1.50", "1.50"),
    ("select true", "yes"),
    ("select timestamp '2024-01-02 03:04:05'", "2024-01-02T03:04:05"),
]


@pytest.mark.parametrize(("statement", "value"), VALUES)
def test_a_value_is_what_the_server_says_in_json(statement, value, pg_target):
    [item] = declare(pg_target, {"sql": statement, "equals": value})
    [result] = make_plan({"main": pg_target}, [item], Secrets({}), created_at=now()).checks
    assert (result.status, result.message) == (CheckStatus.PASS, result.message)


def test_checks_as_another_database_are_not_taken_for_this_one(pg_target, postgres):
    target = pg_target.model_copy(update={"checks_as": type(pg_target.url)(postgres.url())})
    [item] = declare(target, {"sql": "select 1", "equals": "1"})
    [result] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
    assert (result.status, "another database" in result.message) == (CheckStatus.ERROR, True)


ACTING = [
    "select pg_reload_conf()",
    "select 1 where exists (select pg_terminate_backend(0))",
    "select set_config('default_transaction_read_only', 'off', false)",
    "select pg_advisory_lock(1)",
    "select pg_sleep(0)",
    "select brin_desummarize_range('evil.brin'::regclass, 0)",
    "select gin_clean_pending_list('evil.gin'::regclass)",
    "select txid_current()",
    "select pg_read_file('PG_VERSION')",
    "select lo_create(0)",
    "select nextval('evil.s')",
    "select pg_create_physical_replication_slot('reconciler_test', true)",
    "select pg_export_snapshot()",
    "select pg_logical_emit_message(false, 'a', 'b')",
    "select pg_stat_reset()",
    "select pg_notify('a', 'b')",
]


@pytest.mark.parametrize("statement", ACTING)
def test_a_checklist_calls_nothing_that_acts(statement, sql, mallory, pg_target):
    mallory.execute(TABLE.encode())
    mallory.execute("create index brin on evil.tasks using brin (id)")
    mallory.execute("create index gin on evil.tasks using gin (to_tsvector('english', title))")
    mallory.execute("create sequence evil.s")
    [item] = declare(pg_target, {"sql": statement, "is_empty": "yes"})
    [result] = make_plan({"main": pg_target}, [item], Secrets({}), created_at=now()).checks
    assert result.status is CheckStatus.ERROR
    assert "the statement was not run: " in result.message
    assert sql.execute("select count(*) from pg_replication_slots").fetchone() == (0,)


READING = [
    "select pg_database_size(current_database()) > 0",
    "select count(*) >= 0 from pg_stat_activity where now() - xact_start > interval '1 hour'",
    "select pg_size_pretty(pg_total_relation_size('public.own')) <> ''",
    "select count(*) = 0 from own where lower(title) like 'x%' and (id between 1 and 2 or id in (3, 4))",
    "select extract(epoch from clock_timestamp()) > 0",
    "select count(*) > 0 from information_schema.tables",
    "select bool_or(setting = 'on') is not null from pg_settings",
    "select public.of_a_superuser(1) = 1",
    "select round(1.5) = 2 and lpad('a', 2) = ' a'; -- both are written in SQL before 14",
    "select jsonb_build_object('a', 1) = '{\"a\": 1}'",
]


@pytest.mark.matrix
@pytest.mark.parametrize("statement", READING)
def test_what_only_reads_is_read_beside_code_of_others(statement, sql, mallory, pg_target, postgres):
    """A list that allows too little is of no use; a role of its own may call what it or a superuser wrote."""
    mallory.execute((TABLE + HARMLESS).encode())
    sql.execute("create table public.own (id int, title text)")
    sql.execute("create function public.of_a_superuser(i int) returns int language sql immutable as 'select $1'")
    name = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {name} login")
    sql.execute(f"grant select on public.own to {name}")
    url = type(pg_target.url)(postgres.url(sql.info.dbname, name))
    try:
        target = pg_target.model_copy(update={"checks_as": url})
        [item] = declare(target, {"sql": statement, "equals": "yes"})
        [result] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
        assert (result.status, result.message) == (CheckStatus.PASS, result.message)
    finally:
        sql.execute(f"drop owned by {name}")
        sql.execute(f"drop role {name}")
