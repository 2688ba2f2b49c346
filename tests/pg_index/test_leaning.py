"""Two definitions that come down to the same, and lean on different things: seen, never "in sync".

Each row was "in sync", or a rename, before: PostgreSQL inlines functions of SQL, fills in default arguments, computes
constants, and forgets collations while it plans.
"""

from __future__ import annotations

import pytest
from live import converge, outcomes

from pg_index.declared import declared
from pg_index.text_pairs import Case, brought, not_in_sync, planned_after_building
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action

pytestmark = pytest.mark.matrix

MADE = """
    create schema app; create schema coll;
    create collation app.same from "C"; create collation coll.same from "POSIX";
    create function norm(text) returns text language sql immutable as 'select lower($1)';
    create function other(text) returns text language sql immutable as 'select lower($1)';
    create function app.norm(text) returns text language sql immutable as 'select lower($1)';
    create function same_for_all(text) returns int language sql immutable as 'select 1';
    create function padded(text, count int default 3) returns text language sql immutable as 'select lpad($1, $2)';
    create function two(text) returns text language sql immutable as 'select lower($1)';
    create function two(varchar) returns text language sql immutable as 'select lower($1::text)';
    create function limit_of_all() returns int language plpgsql immutable as 'begin return 5; end';
    create function lower(int4range) returns int language sql immutable as 'select 1';
    create function alike(text, text) returns bool language sql immutable as 'select $1 = $2';
    create operator === (function = alike, leftarg = text, rightarg = text);
    create operator app.=== (function = alike, leftarg = text, rightarg = text);
    create function any_of(text, variadic text[]) returns text language sql immutable as 'select $1';
    create function text_of(anyelement) returns text language sql immutable as 'select $1::text';
    create domain name_of as text;
    create type pair as (a text, b text);
    create function as_text(pair) returns text language sql immutable as 'select ($1).a';
    create cast (pair as text) with function as_text(pair);
    create function cut("Max Len" int, s text default 'x') returns text language sql immutable as 'select left($2, $1)';
    create table tasks (id int, a text, b text, v varchar(20), n int, r int4range, c text collate "C", d text, p pair);
"""


DIFFERENT = [
    Case("inlined", "lower(a)", "norm(a)", "norm() may be redefined, lower() may not"),
    Case("inlined too", "norm(a)", "lower(a)", "and the other way round"),
    Case("of the same body", "norm(a)", "other(a)", "one of them may be redefined"),
    Case("of another schema", "norm(a)", "app.norm(a)", "two functions of one name"),
    Case("swapped", "norm(a) || other(a)", "other(a) || norm(a)", "each leans on both, in other places"),
    Case("of other columns", "same_for_all(a)", "same_for_all(b)", "the body does not look at its argument, today"),
    Case("a default argument", "padded(a)", "padded(a, 3)", "the default may be changed"),
    Case("an overload", "two(v)", "two(v::text)", "two functions, whose bodies come down to the same"),
    Case("a computed constant", "n > 5", "n > limit_of_all()", "the function may be redefined", where=True),
    Case("inside of others", "length(lower(a)) > 3", "length(norm(a)) > 3", "wherever it stands", where=True),
    Case("hidden from pg_catalog", "pg_catalog.lower(r)", "lower(r)", "public.lower(int4range) is the better match"),
    Case("and back", "lower(r)", "pg_catalog.lower(r)", "likewise"),
    Case("an operator", "a = b", "a === b", "its function is inlined", where=True),
    Case("an operator elsewhere", "a === b", "a operator(app.===) b", "two operators of one sign", where=True),
    Case("a domain", "a = 'x'", "a::name_of = 'x'", "a domain may get a constraint", where=True),
    Case("schemas of collations", "a collate app.same > 'x'", "a collate coll.same > 'x'", "C or POSIX", where=True),
    Case(
        "collations swapped", "a collate app.same > 'x' and b collate coll.same > 'x'",
        "a collate coll.same > 'x' and b collate app.same > 'x'", "the same two names", where=True,
    ),
    Case(
        "collations in other clauses", "(a collate app.same > b or id = 1) and (a > b or id = 2)",
        "(a > b or id = 1) and (a collate app.same > b or id = 2)", "the same parts in other places", where=True,
    ),
    Case("a collation that the column has not", 'd collate "C" > \'x\'', "d > 'x'", "the default", where=True),
    Case("a collation of another column", 'c collate "C" > d', 'c > d collate "POSIX"', "C or POSIX", where=True),
    Case("what is constant", "n = length(norm('ABC'))", "n = length(lower('ABC'))", "computed beforehand", where=True),
    Case("a name for an argument", "padded(a)", "padded(a, count => 3)", "the default may be changed"),
    Case("any number of arguments", "any_of(a, 'x')", "any_of(a, 'y')", "the body does not look at them, today"),
    Case("an argument of any type", "n::text = 'x'", "text_of(n) = 'x'", "the function may be redefined", where=True),
    Case("a name in quotes", "cut(s => a, \"Max Len\" => 3)", "left(a, 3)", "cut() may be redefined"),
    Case("in other clauses", "(norm(a) = 'x' or n = 1) and (lower(a) = 'x' or n = 2)",
         "(lower(a) = 'x' or n = 1) and (norm(a) = 'x' or n = 2)", "the same parts in other places", where=True),
]  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_what_leans_on_something_else_is_replaced(sql, pg_target, case):
    sql.execute(MADE)
    [change] = brought(sql, pg_target, case)
    assert change.action is Action.REPLACE, case.reason


@pytest.mark.parametrize("case", DIFFERENT[:3] + DIFFERENT[-12:-7], ids=lambda case: case.name)
def test_nor_is_it_the_twin_of_a_missing_one(sql, pg_target, case):
    sql.execute(MADE)
    [change] = brought(sql, pg_target, case, "there")
    assert change.action is Action.CREATE, case.reason


ALIKE = [
    Case("spaces and case", "NORM( a )", "norm(a)", "one tree"),
    Case("the schema written", "public.norm(a)", "norm(a)", "one function"),
    Case("a function in a list", "norm(v) in ('a', 'b')", "norm(v) = any (array['a', 'b'])", "", where=True),
    Case("a list of varchar", "v in ('a', 'b') and norm(a) = 'x'", "norm(a) = 'x' and v in ('b', 'a')", "", where=True),
    Case("an overload and a list", "two(v) = 'x' and v in ('a', 'b')", "v in ('b', 'a') and two(v) = 'x'", "",
         where=True),
    Case("two overloads and a list", "(two(v) = 'x' or two(a) = 'y') and v in ('b', 'a')",
         "v in ('a', 'b') and (two(a) = 'y' or two(v) = 'x')", "", where=True),
    Case("one of pg_catalog and one that hides it", "lower(a) = 'x' and lower(r) = 1 and v in ('a', 'b')",
         "v in ('a', 'b') and lower(r) = 1 and lower(a) = 'x'", "", where=True),
    Case("any number of arguments and a list", "any_of(a, 'x', 'y') = 'z' and v in ('a', 'b')",
         "v in ('b', 'a') and any_of(a, 'x', 'y') = 'z'", "", where=True),
    Case("an argument of any type and a list", "text_of(n) = 'z' and v in ('a', 'b')",
         "v in ('b', 'a') and text_of(n) = 'z'", "", where=True),
    Case("a cast and its function", "p::text", "as_text(p)", "PostgreSQL stores a call of the function for either"),
    Case("another spelling of an argument", "padded(a, 3)", "padded(a, '3')", "one tree"),
    Case("names for arguments and a list", "padded(a, count => 4) = 'x' and v in ('a', 'b')",
         "v in ('b', 'a') and padded(a, count => 4) = 'x'", "", where=True),
    Case("an operator of users", "a === b and n in (1, 2)", "n in (2, 1) and a === b", "", where=True),
    Case("names in quotes and a list", "cut(s => a, \"Max Len\" => n) = 'x' and v in ('a', 'b')",
         "v in ('b', 'a') and cut(\"Max Len\" := n, s := a) = 'x'", "it could not be compared", where=True),
    Case("a constant with a name and a list", "cut(s => 'ab', \"Max Len\" => n) = 'x' and v in ('a', 'b')",
         "v in ('b', 'a') and cut(\"Max Len\" => n, s => 'ab'::text) = 'x'", "", where=True),
    Case("a test of both", "((norm(a) = 'x' or n = 1) is null) and v in ('a', 'b')",
         "v in ('b', 'a') and ((norm(a) = 'x' or n = 1) is null)", "the printer of trees forgets parentheses",
         where=True),
    Case("a collation and a list", "v collate app.same in ('a', 'b')", "v collate app.same in ('b', 'a')", "",
         where=True),
    Case("a domain and a list", "a::name_of = 'x' and v in ('a', 'b')", "a::name_of = 'x' and v in ('b', 'a')", "",
         where=True),
    Case("a computed constant", "n > limit_of_all() and n in (7, 8)", "n in (8, 7) and n > limit_of_all()", "",
         where=True),
    Case("the collation of the column", 'c collate "C" > \'x\'', "c > 'x'", "PostgreSQL derives the same", where=True),
    Case("without it", "c > 'x'", 'c collate "C" > \'x\'', "likewise", where=True),
    Case("qualified", 'c collate pg_catalog."C" > d', 'c collate "C" > d', "one collation", where=True),
    Case("beside the default", 'c collate "C" > d', "c > d", "others beat the default, explicit or not", where=True),
    Case("in a key", 'c collate "C" || \'x\'', "c || 'x'", "queries find it by either (seen on 13 to 18)"),
]  # fmt: skip


def test_what_leans_on_the_same_is_in_sync(sql, pg_target):
    sql.execute(MADE)
    assert not_in_sync(sql, pg_target, ALIKE) == []


def test_what_is_built_as_declared_is_in_sync(sql, pg_target):
    """Both sides of every row, built by ourselves: none is replaced for ever."""
    sql.execute(MADE)
    assert planned_after_building(pg_target, DIFFERENT + ALIKE) == []


def test_a_redefined_function_is_what_it_was_for(sql, pg_target):
    """The index of norm() is stale by then: whoever declares lower() gets one."""
    sql.execute(MADE)
    sql.execute("insert into tasks (a) values ('ABC')")
    sql.execute("create index i on tasks (norm(a))")
    sql.execute("create or replace function norm(text) returns text language sql immutable as 'select upper($1)'")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["lower(a)"]}))
    assert change.action is Action.REPLACE
    assert outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["lower(a)"]})) == []
