"""A cast to json that nothing names runs nobody's code: json looks it up by the type of the value that it is given.

The type is known from the value alone where a catalogue keeps values of any: most_common_vals of pg_stats, and
pg_attribute.attmissingval. What a checklist's statement answers is made json of by ourselves, so that no function has
to stand in it. On 14 and 18 every case was seen to leave its mark before such values were followed to all casts to
json, and to all classes of operators. Exception: casts of other targets, which nothing looks up so.
"""

from __future__ import annotations

import pytest
from check.declare import declare
from pg_index.declared import tables

from attacks.conftest import payload
from attacks.test_foreign_code import TABLE, everything, now
from reconciler.model import CheckStatus
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

KIND = """
    create type evil.kind as enum ('a', 'b');
    alter table evil.tasks add k evil.kind default 'b';
    update evil.tasks set k = 'a' where id < 100;
    alter table evil.tasks add added evil.kind default 'b';
    analyze evil.tasks;
"""
AS_JSON = payload("evil.as_json(k evil.kind)", "json", "'1'::json")
CAST = "create cast (evil.kind as json) with function evil.as_json(evil.kind);"

KNOWN = "from pg_catalog.pg_stats where most_common_vals is not null and schemaname = 'evil'"
MISSING = "from pg_catalog.pg_attribute a where attmissingval is not null"
OTHERS = ("jsonb", "text", "xml", "boolean", "name", "varchar", "jsonpath")

CHECKS = [
    ("a column of pg_stats", f"select most_common_vals {KNOWN}", 13),
    ("rows of pg_stats", "select * from pg_stats where schemaname = 'evil' and attname = 'k'", 13),
    (
        "a column of pg_statistic",
        "select stavalues1 from pg_statistic where starelid = 'evil.tasks'::regclass and staattnum = 5",
        13,
    ),
    ("a default that rows lack", f"select attmissingval {MISSING}", 13),
    ("a row", f"select a {MISSING}", 13),
    ("to_json() of a row", f"select count(to_json(a)) {MISSING}", 13),
    ("json_agg()", f"select json_agg(a)::text = 'x' {MISSING}", 13),
    ("an array", f"select md5(array_to_json(most_common_vals)::text) {KNOWN}", 13),
    ("jsonb_build_object()", f"select jsonb_build_object('a', most_common_vals) is null {KNOWN}", 13),
    ("the syntax of json, which returns text", f"select json_array(most_common_vals returning text) {KNOWN}", 16),
    ("a value that is passed to json", f"select json_value('1', '$' passing most_common_vals as x) {KNOWN}", 17),
    ("a superuser's view of pg_stats", "select * from public.stats", 13),
    ("a superuser's view of pg_attribute", "select * from public.attributes", 13),
    ("a superuser's view of rows of pg_attribute", "select * from public.rows", 13),
    ("a function of a query in a view", "select * from public.called", 13),
]

BODIES = [
    ("one that makes json", "select public.body()", 13),
    ("one of the SQL standard", "select public.standard()", 14),
    ("a record that it makes up", "select public.record()", 13),
    ("rows that it returns", "select public.attributes()", 13),
    ("columns of rows that it returns", "select * from public.attributes()", 13),
    ("an array of rows", "select public.all_attributes()", 14),
    ("a row that is a parameter", "select public.stats()", 13),
    ("a domain of rows", "select public.a_domain()", 13),
]


def prepared(sql, mallory, *more):
    mallory.execute((TABLE + KIND + AS_JSON).encode())
    for text in (
        f"create view public.stats as select md5(to_json(most_common_vals)::text) as a {KNOWN}",
        f"create view public.attributes as select to_json(attmissingval)::text as a {MISSING}",
        f"create view public.rows as select to_json(a)::text as a {MISSING}",
        "create function public.body() returns bigint language plpgsql immutable set search_path = '' as "
        f"$$ begin return (select count(To_Json(a)) {MISSING}); end $$",
        "create function public.record() returns record language plpgsql immutable set search_path = '' as "
        "$$ declare r record; begin select t.k into r from evil.tasks t limit 1; return r; end $$",
        "create function public.attributes() returns setof pg_catalog.pg_attribute language sql stable "
        f"set search_path = '' as $$ select a {MISSING} $$",
        "create function public.stats(out a pg_catalog.pg_stats, out b int) language plpgsql stable "
        "set search_path = '' as $$ begin b := 1; select s.* into a from pg_catalog.pg_stats s "
        "where schemaname = 'evil' and most_common_vals is not null and attname = 'k' limit 1; end $$",
        "create domain public.rowed as pg_catalog.pg_attribute",
        "create function public.a_domain() returns public.rowed language sql stable set search_path = '' as "
        f"$$ select a::public.rowed {MISSING} limit 1 $$",
        "create view public.called as select public.body() as a",
    ):
        sql.execute(text.encode())
    if sql.info.server_version >= 140000:
        sql.execute(
            "create function public.all_attributes() returns pg_catalog.pg_attribute[] language sql stable "
            f"set search_path = '' as $$ select array_agg(a) {MISSING} $$".encode()
        )
        sql.execute(
            "create function public.standard() returns bigint language sql stable begin atomic "
            f"select count(to_json(a)) {MISSING}; end".encode()
        )
    for text in more:
        mallory.execute(text.encode())


def result(target, statement):
    [item] = declare(target, {"sql": statement, "is_empty": "no"})
    [found] = make_plan({"main": target}, [item], Secrets({}), created_at=now()).checks
    return found


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "statement", "oldest"), CHECKS, ids=[each[0] for each in CHECKS])
def test_a_checklist_runs_no_cast_to_json_that_nothing_names(name, statement, oldest, sql, mallory, pg_target, marks):
    if sql.info.server_version < oldest * 10000:
        pytest.skip(f"PostgreSQL {oldest} brought it")
    prepared(sql, mallory, CAST)
    found = result(pg_target, statement)
    assert marks() == []
    assert found.status is CheckStatus.ERROR
    assert f"it may run evil.as_json(), which {mallory.info.user} could have written" in found.message


@pytest.fixture
def watcher(sql, mallory, postgres, pg_target):
    """A target of a role that is no superuser, and may call functions of users."""
    name = f"watcher_{sql.info.dbname}"
    sql.execute(f"create role {name} login")
    yield pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, name))})
    sql.execute(f"drop owned by {name}")
    sql.execute(f"drop role {name}")


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "statement", "oldest"), BODIES, ids=[each[0] for each in BODIES])
def test_the_body_of_a_superuser_gives_no_cast_to_json_its_value(name, statement, oldest, sql, mallory, watcher, marks):
    if sql.info.server_version < oldest * 10000:
        pytest.skip(f"PostgreSQL {oldest} brought it")
    prepared(sql, mallory, CAST, "grant usage on schema evil to public; grant select on evil.tasks to public")
    found = result(watcher, statement)
    assert marks(f"watcher_{sql.info.dbname}") == []
    assert found.status is CheckStatus.ERROR
    assert f"it may run evil.as_json(), which {mallory.info.user} could have written" in found.message


@pytest.mark.matrix
def test_a_class_of_operators_that_nothing_names_is_not_compared_by(sql, mallory, pg_target, marks):
    """A superuser has made the class of her functions, for her type: min() of an anyarray looks it up."""
    prepared(sql, mallory, payload("evil.compared(a evil.kind, b evil.kind)", "int", "0"))
    mallory.execute(payload("evil.less(a evil.kind, b evil.kind)", "boolean", "false").encode())
    mallory.execute("create operator evil.< (leftarg = evil.kind, rightarg = evil.kind, function = evil.less)")
    sql.execute(
        "create operator class public.kinds default for type evil.kind using btree as "
        "operator 1 evil.<, function 1 evil.compared(evil.kind, evil.kind)"
    )
    found = result(pg_target, f"select min(most_common_vals)::text {KNOWN} and attname in ('k', 'added')")
    assert marks() == []
    assert (found.status, "the statement was not run" in found.message) == (CheckStatus.ERROR, True)


@pytest.mark.matrix
def test_a_policy_runs_no_cast_to_json_that_nothing_names(sql, mallory, watcher, marks):
    """A superuser's, of a table that a lesser role reads."""
    prepared(sql, mallory, CAST)
    sql.execute("create table public.kept as select 1 as id")
    sql.execute(f"create policy seen on public.kept using ((select count(to_json(a)) {MISSING}) > 0)".encode())
    sql.execute("alter table public.kept enable row level security; grant select on public.kept to public")
    found = result(watcher, "select id from public.kept")
    assert marks(f"watcher_{sql.info.dbname}") == []
    assert (found.status, "it may run evil.as_json()" in found.message) == (CheckStatus.ERROR, True)


@pytest.mark.matrix
def test_a_plan_runs_no_cast_to_json_that_nothing_names(sql, mallory, pg_target, marks):
    prepared(sql, mallory, CAST)
    indexes = {"partial": {"columns": ["status"], "where": "public.body() < priority"}}
    everything(pg_target, tables(pg_target, {"evil.tasks": {"indexes": indexes}}))
    assert marks() == []


@pytest.mark.matrix
def test_a_cast_to_json_that_comes_meanwhile_is_met_by_nobody(sql, mallory, pg_target, marks, monkeypatch):
    prepared(sql, mallory)
    from reconciler.kinds.check.types import sql as of_checks

    original = of_checks._bounded

    def meanwhile(statement):
        mallory.execute(CAST.encode())
        return original(statement)

    monkeypatch.setattr(of_checks, "_bounded", meanwhile)
    found = result(pg_target, f"select attmissingval {MISSING}")
    assert marks() == []
    assert found.status is CheckStatus.ERROR


@pytest.mark.matrix
def test_no_other_cast_is_looked_up(sql, mallory, pg_target, marks):
    """Not by json, XML, hstore or the functions that make text, which a check may give such values to."""
    prepared(sql, mallory)
    sql.execute("create extension if not exists hstore schema public")
    for target in OTHERS:
        mallory.execute(payload(f"evil.to_{target}(k evil.kind)", target, "null").encode())
        mallory.execute(f"create cast (evil.kind as {target}) with function evil.to_{target}(evil.kind)")
    asked = [
        "most_common_vals", "to_jsonb(s)", "json_agg(s)", "format('%s', most_common_vals)", "concat(most_common_vals)",
        "array_to_string(most_common_vals, ',')", "quote_literal(most_common_vals)", "public.hstore(s)",
        "jsonb_populate_record(s, '{}')",
    ]  # fmt: skip
    if sql.execute("select 1 from pg_config where name = 'CONFIGURE' and setting like '%libxml%'").fetchone():
        asked += ["xmlelement(name x, most_common_vals)", "xmlforest(most_common_vals)"]
    for each in asked:
        grouped = each.startswith("json_agg")
        rows = f"(select most_common_vals {KNOWN}) as s" + ("" if grouped else " limit 1")
        found = result(pg_target, f"select {each} as a from {rows}")  # noqa: S608
        assert "the statement was not run" not in found.message, each
        assert found.status is CheckStatus.PASS, (each, found.message)
    assert marks() == []


READ = [
    "select relname from pg_class",
    "select relname from pg_stat_all_tables",
    "select column_name from information_schema.columns",
    "select name, setting from pg_settings",
    "select jsonb_build_object('a', count(*)) from pg_index",
    "select id, title from evil.tasks",
    "select public.lesser()",
]


@pytest.mark.matrix
@pytest.mark.parametrize("statement", READ)
def test_what_holds_no_such_value_is_read_beside_a_cast_to_json(statement, sql, mallory, watcher, marks):
    """Somebody's cast of a type of his own is no reason to refuse whatever a checklist asks; evil.tasks has it not."""
    mallory.execute((TABLE + "create type evil.kind as enum ('a', 'b');" + AS_JSON + CAST).encode())
    sql.execute(
        "create function public.lesser() returns int language plpgsql immutable set search_path = '' "
        "as $$ begin return 1; end $$"
    )
    sql.execute("grant usage on schema evil to public; grant select on evil.tasks to public")
    found = result(watcher, statement)
    assert (found.status, marks()) == (CheckStatus.PASS, []), found.message
