"""Casts and operators of users that a text uses without naming them: nothing of them is left once they are inlined.

Seen to be "in sync" before: all rows of `DIFFERENT` that hold casts or constants, BETWEEN and BETWEEN SYMMETRIC. The
others are of the same kind, and were told apart.
"""

from __future__ import annotations

import pytest
from live import outcomes

from pg_index.declared import declared
from pg_index.text_pairs import Case, brought, not_in_sync, planned_after_building
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Notice

pytestmark = pytest.mark.matrix

MADE = """
    create type pair as (a text, b bool);
    create type val as (v int, w text);
    create function as_text(pair) returns text language sql immutable as 'select ($1).a';
    create function as_bool(pair) returns bool language sql immutable as 'select ($1).b';
    create cast (pair as text) with function as_text(pair) as implicit;
    create cast (pair as bool) with function as_bool(pair) as implicit;
    create function as_words(bool) returns name language sql immutable as 'select case when $1 then ''a'' end::name';
    create cast (bool as name) with function as_words(bool);
    create function at_least(val, val) returns bool language sql immutable as 'select ($1).v >= ($2).v';
    create function at_most(val, val) returns bool language sql immutable as 'select ($1).v <= ($2).v';
    create function alike(val, val) returns bool language sql immutable as 'select ($1).v = ($2).v';
    create function looks(val, text) returns bool language sql immutable as 'select ($1).w ~~ $2';
    create operator >= (function = at_least, leftarg = val, rightarg = val);
    create operator <= (function = at_most, leftarg = val, rightarg = val);
    create operator = (function = alike, leftarg = val, rightarg = val);
    create operator ~~ (function = looks, leftarg = val, rightarg = text);
    create function order_of(val, val) returns int language sql immutable as 'select ($1).v - ($2).v';
    create operator class of_val default for type val using btree as
        operator 2 <=, operator 3 =, operator 4 >=, function 1 order_of(val, val);
    create domain some_pair as pair;
    create domain note as text;
    create type odd as (a text, b int);
    create type holder as (t text, n int);
    create function as_line(odd) returns text language sql immutable as 'select ($1).a';
    create cast (odd as text) with function as_line(odd);
    create function as_rank(pair) returns int language plpgsql immutable as 'begin return 7; end';
    create cast (pair as int) with function as_rank(pair);
    create type twice as (a text, b int);
    create function as_text(twice) returns text language sql immutable as 'select ($1).a';
    create function as_varchar(twice) returns varchar language sql immutable as 'select ($1).a';
    create cast (twice as text) with function as_text(twice) as implicit;
    create cast (twice as varchar) with function as_varchar(twice);
    create table tasks (id int, a text, n int, v varchar(20), b bool, d some_pair, p pair, q pair, o odd, u twice,
                        x val, y val, z val)
"""


DIFFERENT = [
    Case("a cast", "p::text", "(p).a"),
    Case("and back", "(p).a", "p::text"),
    Case("a cast inside", "lower(p::text)", "lower((p).a)"),
    Case("an implicit cast", "lower(p)", "lower((p).a)"),
    Case("an implicit cast, and back", "lower((p).a)", "lower(p)"),
    Case("a condition", "p", "(p).b", where=True),
    Case("part of a condition", "p and n > 1", "(p).b and n > 1", where=True),
    Case("of a domain", "d::text", "(d::pair).a"),
    Case("of a type of PostgreSQL", "b::name", "case when b then 'a' end::name"),
    Case("to a domain", "p::note", "(p).a::note"),
    Case("of an array", "array[o]::text[]", "array[(o).a]"),
    Case("of a row", "(row(o, 1)::holder).t", "(row((o).a, 1)::holder).t"),
    Case("one that has to be named", "o::text", "(o).a"),
    Case("of a constant", "n + '(a,t)'::pair::int", "n + 7"),
    Case("BETWEEN", "x between y and z", "(x).v >= (y).v and (x).v <= (z).v", where=True),
    Case("BETWEEN, and back", "(x).v >= (y).v and (x).v <= (z).v", "x between y and z", where=True),
    Case("BETWEEN SYMMETRIC", "x between symmetric y and z",
         "((x).v >= (y).v and (x).v <= (z).v) or ((x).v >= (z).v and (x).v <= (y).v)", where=True),
    Case("IN", "x in (y)", "(x).v = (y).v", where=True),
    Case("IN of several", "x in (y, z)", "(x).v = (y).v or (x).v = (z).v", where=True),
    Case("LIKE", "x like 'a%'", "(x).w like 'a%'", where=True),
    Case("a CASE of a constant", "case '(1,a)'::val when '(1,b)'::val then n end", "n"),
    Case("IS DISTINCT FROM", "n > 1 or '(1,a)'::val is distinct from '(1,b)'::val", "n > 1", where=True),
    Case("NULLIF", "lower((nullif('(1,a)'::val, '(2,b)'::val)).w)", "lower(('(1,a)'::val).w)"),
    Case("rows", "(x, n) = (y, 1)", "(x).v = (y).v and n = 1", where=True),
    Case("rows in a list", "(x, n) in ((y, 1))", "(x).v = (y).v and n = 1", where=True),
]  # fmt: skip

ALIKE = [
    Case("a cast and a list", "p::text = 'x' and v in ('a', 'b')", "v in ('b', 'a') and p::text = 'x'", where=True),
    Case("a field and a list", "(p).a = 'x' and v in ('a', 'b')", "v in ('b', 'a') and (p).a = 'x'", where=True),
    Case("BETWEEN written out and a list", "x between y and z and v in ('a', 'b')",
         "x >= y and v in ('b', 'a') and x <= z", where=True),
    Case("IN and another list", "x in (y) and v in ('a', 'b')", "v in ('b', 'a') and x in (y)", where=True),
    Case("LIKE and a list", "a like 'b%' and v in ('a', 'b')", "v in ('b', 'a') and a like 'b%'", where=True),
    Case("numbers between others and a list", "n between 1 and 3 and v in ('a', 'b')",
         "v in ('b', 'a') and n between 1 and 3", where=True),
    Case("a cast of a truth", "b::text = 'true' and v in ('a', 'b')", "v in ('b', 'a') and b::text = 'true'",
         where=True),
    Case("an implicit cast alone", "lower( p )", "lower(p)"),
    Case("an implicit cast and a list", "lower(p) = 'x' and v in ('a', 'b')", "v in ('b', 'a') and lower(p) = 'x'",
         where=True),
    Case("the cast of a row and a list", "(row(o, 1)::holder).n = 1 and n in (1, 2)",
         "n in (2, 1) and (row(o, 1)::holder).n = 1", where=True),
    Case("a named cast and a list", "o::text = 'x' and v in ('a', 'b')", "v in ('b', 'a') and o::text = 'x'",
         where=True),
    Case("a list of columns and constants", "x in (y, z) and n in (1, 2, id) and v in ('a', 'b')",
         "v in ('b', 'a') and x in (y, z) and n in (1, 2, id)", where=True),
    Case("rows and a list", "(x, n) = (y, 1) and v in ('a', 'b')", "v in ('b', 'a') and n = 1 and x = y", where=True),
    Case("not between", "not x between y and z and n not in (1, id)", "n not in (1, id) and not (x between y and z)",
         where=True),
    Case("a null", "p is null and v in ('a', 'b')", "v in ('b', 'a') and p is null", where=True),
]  # fmt: skip

UNDECIDED = [
    Case("a constant of a type of users", "(coalesce(p, '(a,t)')).a = 'x' and n in (1, 2)",
         "n in (2, 1) and (coalesce(p, '(a,t)')).a = 'x'", where=True),
    Case("another of two casts", "u::varchar", "u::text"),
    Case("one of two casts", "lower(u) = 'x' and n in (1, 2)", "n in (2, 1) and lower(u) = 'x'", where=True),
    Case("what cannot be computed and folding drops",
         "case when false then 2147483647 + 1 else n end > 1 and n in (1, 2)",
         "n in (2, 1) and case when false then 2147483647 + 1 else n end > 1", where=True),
]  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_what_no_name_tells_is_seen(sql, pg_target, case):
    sql.execute(MADE)
    [change] = brought(sql, pg_target, case)
    assert change.action is Action.REPLACE


def test_what_is_the_same_is_in_sync(sql, pg_target):
    sql.execute(MADE)
    assert not_in_sync(sql, pg_target, ALIKE) == []


AS_IT_WAS = """
    create table tasks (id int, n int, v varchar(20), b bool, d date);
    create function as_text(int) returns text language sql immutable as 'select textin(int4out($1))';
    create function as_text(date) returns text language sql immutable as 'select to_char($1, ''J'')';
    create function as_name(bool) returns name language sql immutable as 'select case when $1 then ''t'' end::name';
    create cast (int as text) with function as_text(int) as implicit;
    create cast (date as text) with function as_text(date) as implicit;
    create cast (bool as name) with function as_name(bool) as implicit;
"""
"""Implicit casts of PostgreSQL's own types, as many a database has them since 8.3 took its own away."""


def test_casts_of_types_of_postgresql_make_no_difference(sql, pg_target):
    """The first clause is cast by one of them, and the others are not."""
    sql.execute(AS_IT_WAS)
    clauses = ["n::text = '1'", "n in (1, 2)", "v in ('a', 'b')", "n between 3 and id", "d >= '2020-01-01'", "not b",
               "(n > -5 or b)", "d in ('2020-01-01', '2021-01-01')", "n in (7)", "lower(v) like 'a%'"]  # fmt: skip
    sql.execute(f"create index i on tasks (id) where {' and '.join(clauses)}")
    wanted = {"i": {"columns": ["id"], "where": " and ".join(clauses[::-1])}}
    assert outcomes(KIND, pg_target, declared(pg_target, **wanted)) == []


@pytest.mark.parametrize("case", UNDECIDED, ids=lambda case: case.name)
def test_what_cannot_be_told_is_said(sql, pg_target, case):
    """It was "in sync", whatever it was; of what folding drops it said that the server cannot read it."""
    sql.execute(MADE)
    [(_, notice)] = not_in_sync(sql, pg_target, [case])
    assert isinstance(notice, Notice)
    assert notice.message.startswith("not compared with its definition: ")


def test_what_is_built_as_declared_is_in_sync(sql, pg_target):
    """Both sides of every row, built by ourselves: none is replaced for ever."""
    sql.execute(MADE)
    assert planned_after_building(pg_target, DIFFERENT + ALIKE) == []
