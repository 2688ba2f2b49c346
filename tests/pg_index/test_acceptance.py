"""What the server would refuse to build is said in the plan, which tries nothing; and nothing else is refused.

Of each row the server is asked itself: it refuses the CREATE INDEX that the plan refuses, and makes the neighbour,
which the plan builds. On the code before, all of these were planned, and failed in the apply, but for functions that
are not immutable by their name; and one of those, which the server inlines and takes, was refused.
"""

from __future__ import annotations

import os
import random
from typing import Any, NamedTuple

import psycopg
import pytest
from live import changes, converge, outcomes
from packaging.specifiers import SpecifierSet

from pg_index.declared import tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Notice, NoticeType, Target

SCHEMA = """
create schema ext; create schema app;
create type mood as enum ('fine'); create type pair as (a int, b text);
create domain numbers as int[]; create domain short as varchar(9);
create collation app.same (locale = 'C');
create function ext.backwards(int, int) returns int language sql immutable as 'select $2 - $1';
create operator class ext.backwards_ops for type int using btree as
    operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <, function 1 ext.backwards(int, int);
create table t (
    a int not null, b text, d date, at timestamptz, ts timestamp, place point, tags int[], more numbers, words tsvector,
    js json, jb jsonb, x xml, m mood, p pair, v varchar(9), s short, c cidr,
    c2 text collate "C", p2 text collate "POSIX", r int4range
);
create table parted (a int, b int, c int) partition by list (b);
create table parted_1 partition of parted for values in (1) partition by list (c);
create table parted_1_1 partition of parted_1 for values in (1);
create table by_expression (a int, b int) partition by list ((a + b));
"""


class Case(NamedTuple):
    """`refused` and `good` are indexes of `table`; `on` the versions that refuse, all others make it."""

    name: str
    refused: dict[str, Any]
    says: str
    good: dict[str, Any]
    table: str = "public.t"
    on: str = ">=13"


def keys(*columns: str, **more: Any) -> dict[str, Any]:
    return {"columns": list(columns), **more}


def numbers(count: int) -> str:
    chosen = random.Random(count)  # noqa: S311 - repeatable
    return "a in (" + ", ".join(str(chosen.randrange(10**9)) for _ in range(count)) + ")"


LETTERS = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=40_000))  # noqa: S311 - repeatable

CASES = [
    Case(
        "a class that is not on the path",
        keys("a backwards_ops"),
        "operator class backwards_ops of btree is not on the search_path of postgres (public): write ext.backwards_ops",
        keys("a ext.backwards_ops"),
    ),
    Case("no such class", keys("b nonsense_ops"), "operator class nonsense_ops of btree does not exist", keys("b")),
    Case(
        "a class of another schema", keys("a app.backwards_ops"), "write ext.backwards_ops", keys("a ext.backwards_ops")
    ),
    Case(
        "a class of another method",
        keys("jb jsonb_path_ops"),
        "is one of gin, not of btree",
        keys("jb jsonb_path_ops", using="gin"),
    ),
    Case(
        "a class of another type", keys("a text_ops"), "does not accept a, which is integer", keys("v text_pattern_ops")
    ),
    Case("no default class: json", keys("js"), "no default operator class for btree", keys("(js ->> 'a')")),
    Case("no default class: xml", keys("x"), "no default operator class for btree", keys("(x::text)")),
    Case("no default class: point", keys("place"), "use gist or spgist", keys("place", using="gist")),
    Case(
        "no default class: gin on text", keys("b", using="gin"), "text, which has no default", keys("tags", using="gin")
    ),
    Case(
        "no default class, though the type is another's on disk",
        keys("c", using="gist"),
        "name one: c inet_ops",
        keys("c inet_ops", using="gist"),
    ),
    Case("no default class for an expression", keys("point(a, a)"), "point(a, a) is point", keys("abs(a)")),
    Case("gin on a number", keys("a", using="gin"), "no default operator class for gin", keys("more", using="gin")),
    Case(
        "a domain", keys("s", using="gin"), "no default operator class for gin", keys("s", "more", "m", "v", "r", "p")
    ),
    Case("a row", keys("row(a, b)"), "pseudo-type record", keys("p")),
    Case(
        "parameters of a class that has none",
        keys("a int4_ops (x = 1)"),
        "int4_ops has no parameters",
        keys("words tsvector_ops (siglen = 100)", using="gist"),
    ),
    Case("no such collation", keys('b collate "nowhere"'), "collation nowhere does not exist", keys('b collate "C"')),
    Case(
        "a collation that is not on the path",
        keys("b collate same"),
        "write app.same",
        keys("b collate app.same"),
    ),
    Case("a collation of a number", keys('a collate "C"'), "collations are not supported by type integer", keys("a")),
    Case("no collation", keys("(c2 || p2)"), "cannot be told: write one, as in", keys('((c2 || p2) collate "C")')),
    Case("no such method", keys("a", using="nothing"), "access method nothing does not exist", keys("a", using="hash")),
    Case("a method of tables", keys("a", using="heap"), "heap is a method of tables", keys("a", using="brin")),
    Case(
        "a method of old", keys("a", using="rtree"), "no default operator class for gist", keys("place", using="rtree")
    ),
    Case(
        "include before 14",
        keys("b", using="spgist", include=["a"]),
        "does not support included columns",
        keys("place", using="gist", include=["a"]),
        on="<14",
    ),
    Case("a cast of a moment", keys("(at::date)"), "at::date", keys("(ts::date)")),
    Case("the same in words", keys("cast(at as date)"), "IMMUTABLE", keys("((at at time zone 'UTC')::date)")),
    Case("a cast of text", keys("(b::timestamp)"), "IMMUTABLE", keys("(b::int)")),
    Case("a cast to text", keys("(at::text)"), "IMMUTABLE", keys("(a::text)", "(m = 'fine')")),
    Case("an operator", keys("((ts + interval '1 day') > at)"), "IMMUTABLE", keys("(ts + interval '1 day')")),
    Case(
        "a comparison in a predicate",
        keys("a", where="at > d"),
        "index predicate must be marked IMMUTABLE, and at > d",
        keys("a", where="ts > d"),
    ),
    Case(
        "a moment in a predicate",
        keys("a", where="at > '2026-01-01'::date"),
        "IMMUTABLE",
        keys("a", where="at > '2026-01-01'"),
    ),
    Case(
        "a stable function behind immutable ones",
        keys("lower(upper(date_trunc('day', at)::text))"),
        "IMMUTABLE",
        keys("date_trunc('day', ts)"),
    ),
    Case(
        "a stable function of a field",
        keys("a", where="to_char(ts, 'YYYY') = '2026'"),
        "to_char",
        keys("date_part('year', ts)"),
    ),
    Case(
        "the configuration of text search",
        keys("to_tsvector(b)", using="gin"),
        "IMMUTABLE",
        keys("to_tsvector('english', b)", using="gin"),
    ),
    Case("an array of moments as text", keys("(array[at]::text)"), "IMMUTABLE", keys("array[a]")),
    Case("concat", keys("concat(a, b)"), "concat", keys("(a || b)")),
    Case(
        "a predicate that is a number",
        keys("a", where="a"),
        "must be type boolean, not type integer",
        keys("a", where="a <> 0"),
    ),
    Case(
        "a predicate that is text",
        keys("a", where="b"),
        "must be type boolean, not type text",
        keys("a", where="b is null"),
    ),
    Case(
        "an included column that is not there",
        keys("a", include=["nowhere"]),
        "nowhere",
        keys("a", include=["js", "a", "b", "b"]),
    ),
    Case(
        "a parameter of another method",
        keys("tags", using="gin", **{"with": {"buffering": "on"}}),
        "no storage parameter buffering",
        keys("tags", using="gin", **{"with": {"fastupdate": "of"}}),
    ),
    Case(
        "a parameter of tables",
        keys("a", **{"with": {"autovacuum_enabled": "on"}}),
        "it has deduplicate_items, fillfactor",
        keys("a", **{"with": {"vacuum_cleanup_index_scale_factor": "0.1", "fillfactor": "0x46"}}),
    ),
    Case(
        "no such tablespace",
        keys("a", tablespace="nowhere"),
        "tablespace nowhere does not exist",
        keys("a", tablespace="pg_default"),
    ),
    Case(
        "nulls not distinct",
        keys("a", unique=True, nulls_not_distinct=True),
        "from PostgreSQL 15 on",
        keys("a", unique=True),
        on="<15",
    ),
    Case(
        "unique without the key of the partitions",
        keys("a", unique=True),
        "partitioned by: add b",
        keys("c", "a", "b", unique=True),
        "public.parted",
    ),
    Case(
        "unique without the key of a partition's partitions",
        keys("a", "b", unique=True),
        "public.parted_1 is partitioned by: add c",
        keys("a", "b"),
        "public.parted",
    ),
    Case(
        "unique where a key is included only",
        keys("a", unique=True, include=["b", "c"]),
        "add b",
        keys("a", include=["b"]),
        "public.parted",
    ),
    Case(
        "unique where an expression partitions",
        keys("a", "b", unique=True),
        "partitioned by an expression",
        keys("a", "b"),
        "public.by_expression",
    ),
    Case(
        "a large predicate",
        keys("a", where=numbers(2500)),
        "do not fit into a page",
        keys("a", where=numbers(250)),
        on="<18",
    ),
    Case(
        "a large text",
        keys("a", where=f"b <> '{LETTERS}'"),
        "do not fit into a page",
        keys("a", where="b <> '" + "x" * 40_000 + "'"),
        on="<18",
    ),
    Case("a system catalogue", keys("relname"), "is a system catalogue", keys("a"), "pg_catalog.pg_class"),
]


@pytest.fixture
def there(sql):
    sql.execute(SCHEMA.encode())
    return sql


def of(target: Target, table: str, index: dict[str, Any]):
    return tables(target, {table: {"indexes": {"i": index}}})


def statement(table: str, index: dict[str, Any]) -> str:
    """As a person would write it by hand."""
    words = [
        "create unique index" if index.get("unique") else "create index",
        f"on {table} using {index.get('using', 'btree')} ({', '.join(index['columns'])})",
        f"include ({', '.join(index['include'])})" if "include" in index else "",
        "nulls not distinct" if index.get("nulls_not_distinct") else "",
        f"with ({', '.join(f'{name} = {value!r}' for name, value in index['with'].items())})"
        if "with" in index
        else "",
        f"tablespace {index['tablespace']}" if "tablespace" in index else "",
        f"where {index['where']}" if "where" in index else "",
    ]
    return " ".join(filter(None, words))


def _refuses(connection: psycopg.Connection, table: str, index: dict[str, Any]) -> bool:
    try:
        connection.execute(statement(table, index).encode())
    except psycopg.Error:
        return True
    return False


@pytest.mark.matrix
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_in_the_plan_as_by_the_server_and_its_neighbour_is_built(case, there, pg_target, postgres):
    version = f"{there.info.server_version // 10000}"
    found = outcomes(KIND, pg_target, of(pg_target, case.table, case.refused))
    if not SpecifierSet(case.on).contains(version):
        assert [outcome.action for outcome in found] == [Action.CREATE]
        assert not _refuses(there, case.table, case.refused)
        return
    [notice] = found
    assert notice.type is NoticeType.BLOCKED
    assert case.says in notice.message
    assert _refuses(there, case.table, case.refused)
    good = of(pg_target, case.table.replace("pg_catalog.pg_class", "public.t"), case.good)
    assert [change.action for change in converge(KIND, pg_target, good)] == [Action.CREATE]


GOOD = [
    ("a whole row", keys("(t.*)")),
    ("a whole row by its name", keys("(t)", where="t is not null")),
    ("a field of the row", keys("((t).a)")),
    ("a column twice, and included", keys("a", "a", include=["a", "js", "x"])),
    ("a constant", keys("(1)", "('x'::text)")),
    ("nothing ever", keys("a", where="null")),
    ("collations of which one is the default's", keys("(b || c2)")),
    ("an expression with a comment", keys("(a -- b\n + 1)")),
    ("constants that are folded", keys("a", where="at > timestamptz '2026-01-01 00:00:00+00'")),
    ("a function that is inlined", keys("app.twice(a)")),
    ("a function behind a name that is not on the path", keys("ext.backwards(a, 1)", where="ext.backwards(a, 1) > 0")),
    ("many columns", keys(*["a"] * 31, include=["b"])),
    ("a polymorphic class", keys("m", "r", "tags", "more", "p")),
    ("a large predicate", keys("a", where=numbers(300))),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "index"), GOOD, ids=[name for name, _ in GOOD])
def test_what_the_server_takes_is_not_refused(name, index, there, pg_target):
    """Also where the plan reads it by a query that is not CREATE INDEX."""
    there.execute("create function app.twice(int) returns int language sql stable as 'select $1 * 2'")
    assert not _refuses(there, "public.t", index)
    found = outcomes(KIND, pg_target, of(pg_target, "public.t", index))
    assert not any(isinstance(outcome, Notice) for outcome in found), found


def _messages(target: Target, table: str, indexes: dict[str, Any]) -> dict[str, str]:
    """What the plan has against each index, by its name."""
    found = outcomes(KIND, target, tables(target, {table: {"indexes": indexes}}))
    return {
        outcome.address.name.removeprefix("public."): outcome.message
        for outcome in found
        if isinstance(outcome, Notice) and outcome.type is NoticeType.BLOCKED
    }


def _compared(connection: psycopg.Connection, target: Target, table: str, indexes: dict[str, Any]) -> None:
    """The plan refuses what the server refuses, and nothing else."""
    refused = _messages(target, table, indexes)
    for name, index in indexes.items():
        with connection.transaction(force_rollback=True):
            assert _refuses(connection, table, index) == (name in refused), (index, refused.get(name))


@pytest.mark.matrix
def test_of_every_type_and_method_it_is_known_whether_there_is_a_class(sql, pg_target):
    """Also arrays, domains, enums, ranges and rows; and with every class that is named, for a type of each category."""
    sql.execute("create type mood as enum ('fine'); create type pair as (a int); create domain short as varchar(9)")
    sql.execute(
        "create domain shorter as short; create domain many as int[]; create type span as range (subtype = float8)"
    )
    found = sql.execute(
        "select format_type(oid, null) from pg_type where typtype in ('b', 'd', 'e', 'r', 'm')"
        " and (typnamespace = 'pg_catalog'::regnamespace and typelem = 0 and typcategory <> 'Z' and oid <> 18"
        " or oid >= 16384"
        " or oid in ('int4[]'::regtype, 'text[]'::regtype, 'oidvector'::regtype, 'point'::regtype, 'box'::regtype))"
    )
    types = sorted(name for (name,) in found)
    columns = ", ".join(f'"{name}" {name}' for name in types)
    sql.execute(f"create table public.wide ({columns}, pair pair)".encode())
    methods = ("btree", "hash", "gin", "gist", "spgist", "brin")
    quoted = [f'"{name}"' for name in [*types, "pair"]]
    indexes = {f"{method} {name}": keys(name, using=method) for name in quoted for method in methods}
    _compared(sql, pg_target, "public.wide", indexes)

    classes = sql.execute("select distinct opcname, amname from pg_opclass o join pg_am m on m.oid = o.opcmethod")
    some = ('"int4"', '"integer"', '"text"', '"character varying"', '"cidr"', '"mood"', '"integer[]"', '"short"')
    some = [
        name for name in quoted if name in (*some, '"jsonb"', '"oid"', '"shorter"', '"many"', '"span"', '"regclass"')
    ]
    named = {f"{m} {c} {name}": keys(f"{name} {c}", using=m) for c, m in classes.fetchall() for name in some}
    _compared(sql, pg_target, "public.wide", named)


@pytest.mark.matrix
def test_of_every_cast_it_is_known_whether_it_is_immutable(sql, pg_target):
    casts = sql.execute(
        "select castsource::regtype::text, casttarget::regtype::text from pg_cast"
        " where castsource < 16384 and casttarget < 16384"
        " and (select typtype from pg_type where oid = castsource) <> 'p'"
        " union select t.oid::regtype::text, 'text' from pg_type t where typtype in ('b', 'r') and typelem = 0"
        " and typnamespace = 'pg_catalog'::regnamespace and typcategory <> 'Z'"
        " union select 'text', t.oid::regtype::text from pg_type t where typtype in ('b', 'r') and typelem = 0"
        " and typnamespace = 'pg_catalog'::regnamespace and typcategory <> 'Z'"
    ).fetchall()
    columns = {source: f"c{number}" for number, source in enumerate(sorted({source for source, _ in casts}))}
    sql.execute(
        f"create table public.wide ({', '.join(f'{name} {type_}' for type_, name in columns.items())})".encode()
    )
    indexes = {f"{one} {two}": keys(f"(({columns[one]}::{two}) is null)") for one, two in casts}
    _compared(sql, pg_target, "public.wide", indexes)


CHANGES = [
    ({"with": {"fillfactor": "70"}}, {"with": {"autovacuum_enabled": "on"}}, "no storage parameter autovacuum_enabled"),
    ({}, {"tablespace": "nowhere"}, "tablespace nowhere does not exist"),
]


@pytest.mark.parametrize(("before", "after", "says"), CHANGES, ids=["a parameter", "a tablespace"])
def test_what_cannot_be_changed_in_place_is_refused_too(before, after, says, there, pg_target):
    converge(KIND, pg_target, of(pg_target, "public.t", keys("a", **before)))
    assert says in _messages(pg_target, "public.t", {"i": keys("a", **after)})["i"]


def test_a_good_index_is_not_replaced_for_a_class_that_is_not_on_the_path(there, pg_target):
    """Before: `its definition differs`, and a build that fails."""
    there.execute("create index i on t (a ext.backwards_ops)")
    assert "write ext.backwards_ops" in _messages(pg_target, "public.t", {"i": keys("a backwards_ops")})["i"]
    assert outcomes(KIND, pg_target, of(pg_target, "public.t", keys("a ext.backwards_ops"))) == []
    there.execute(f"alter database {there.info.dbname} set search_path = public, ext")
    assert outcomes(KIND, pg_target, of(pg_target, "public.t", keys("a backwards_ops"))) == []


def test_a_class_before_that_of_pg_catalog_is_the_one_that_is_meant(there, pg_target):
    there.execute(
        "create operator class ext.text_ops for type int using btree as operator 1 <, operator 2 <=,"
        " operator 3 =, operator 4 >=, operator 5 >, function 1 ext.backwards(int, int)"
    )
    indexes = {"i": keys("a text_ops")}
    assert "does not accept a" in _messages(pg_target, "public.t", indexes)["i"]
    there.execute(f"alter database {there.info.dbname} set search_path = ext, pg_catalog, public")
    assert _messages(pg_target, "public.t", indexes) == {}
    assert "does not accept b" in _messages(pg_target, "public.t", {"i": keys("b text_ops")})["i"]


@pytest.mark.pg(">= 18")
def test_a_virtual_column_is_in_no_index_and_its_expression_is(sql, pg_target):
    sql.execute("create table t (a int, c int generated always as (a * 2) virtual, d int generated always as (a * 3))")
    sql.execute("create schema app; create table app.u (c int)")
    for refused in (keys("c"), keys("(c + 1)"), keys("a", include=["d"]), keys("a", where="t.c > 1")):
        assert "virtual generated column" in _messages(pg_target, "public.t", {"i": refused})["i"]
        assert _refuses(sql, "public.t", refused)
    assert len(converge(KIND, pg_target, of(pg_target, "public.t", keys("(a * 2)", where="a > 1")))) == 1
    assert len(converge(KIND, pg_target, of(pg_target, "app.u", keys("c")))) == 1


def test_a_temporary_table_is_of_its_session_alone(sql, pg_target):
    sql.execute("create temporary table gone (a int)")
    [(schema,)] = sql.execute("select nspname from pg_namespace where oid = pg_my_temp_schema()").fetchall()
    [notice] = outcomes(KIND, pg_target, of(pg_target, f"{schema}.gone", keys("a")))
    assert "a temporary table, which belongs to another session" in notice.message


@pytest.mark.parametrize("table", ["unlogged table public.t (a int)", "table public.t (a int) with (fillfactor = 70)"])
def test_a_table_that_is_merely_unusual_can_be_indexed(table, sql, pg_target):
    sql.execute(f"create {table}")
    assert len(converge(KIND, pg_target, of(pg_target, "public.t", keys("a", unique=True)))) == 1


def test_a_role_without_create_on_a_tablespace_may_not_and_it_is_not_the_index_s_fault(there, pg_target, postgres):
    path = postgres.data.parent / f"closed-{there.info.dbname}"
    path.mkdir()
    owner = postgres.data.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    name = f"closed_{there.info.dbname}"
    there.execute(f"create tablespace {name} location '{path}'")
    there.execute(f"create role {name} login; grant all on schema public to {name}; alter table t owner to {name}")
    role = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(there.info.dbname, name))})
    [change] = changes(KIND, role, of(role, "public.t", keys("a", tablespace=name)))
    assert change.forbidden == f"role {name} may not: it has no CREATE on the tablespace {name}"
    there.execute(f"grant create on tablespace {name} to {name}")
    assert [change.forbidden for change in changes(KIND, role, of(role, "public.t", keys("a", tablespace=name)))] == [
        ""
    ]
    for statement_ in (f"drop owned by {name} cascade", f"drop tablespace {name}", f"drop role {name}"):
        there.execute(statement_)
