"""Constants in another spelling: no reason to build again where PostgreSQL uses the one for the other, else one."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action

pytestmark = pytest.mark.matrix

TABLE = """
    create table tasks (
        id int, n numeric, f float8, i interval, ts timestamp, tz timestamptz, tm time, d date, ch char(5),
        v varchar(20), t text, bi bit(8), vb bit varying(8), by bytea, j jsonb, r int4range, ns numeric[], cs char(5)[],
        a text, b boolean, c boolean
    )
"""


class Case(NamedTuple):
    """Two predicates."""

    declared: str
    live: str
    reason: str


ALIKE = [
    Case("i = '14 mons'", "i = interval '1-2' year to month", "the fields have cut the constant, and cut nothing more"),
    Case("i = interval '90' minute", "i = '01:30:00'", "likewise"),
    Case("i > interval '1.5' second(1)", "i > '00:00:01.5'", "and so has the precision"),
    Case("n > 1.50", "n > 1.5", "numbers are compared, not their digits"),
    Case("n > 2", "n > 2.0", "likewise"),
    Case("2.0 < n", "'2'::numeric < n", "on the other side, too"),
    Case("n = -1.50", "n = -1.5", "of a negative one"),
    Case("n > 1.5::numeric(5,2)", "n > 1.5", "rounded to 1.50"),
    Case("n in (1.50, 2)", "n = any ('{1.5,2.0}'::numeric[])", "and in a list"),
    Case("n between 1.0 and 2.50", "n >= 1 and n <= 2.5", "and in a range"),
    Case("ch = 'abc  '", "ch = 'abc'", "blanks at the end of a char(n) count for nothing"),
    Case("ch = 'abc'::char(5)", "ch = 'abc'", "likewise"),
    Case("ch in ('a  ', 'b')", "ch = any (array['a', 'b']::char(5)[])", "and in a list"),
    Case("bi = 1::bit(8)", "bi = B'00000001'", "a number of bits is eight bits"),
    Case("bi = X'01'", "bi = B'00000001'", "digits of another base"),
    Case("vb = B'101'::varbit(8)", "vb = B'101'", "no longer than it was"),
    Case("tm > time(1) '10:00:00.12'", "tm > '10:00:00.1'", "rounded by its precision"),
    Case("ts > timestamp(0) '2024-01-01 10:00:00.4'", "ts > '2024-01-01 10:00'", "likewise"),
    Case("tz > '2024-01-01 00:00:00+02'", "tz > '2023-12-31 22:00:00+00'", "one moment"),
    Case("v = 'abc'::varchar(10)", "v = 'abc'", "of one text"),
    Case("f > 1.50", "f > '1.5'::float8", "a float has no digits of its own"),
    Case("f > 1.5e0", "f > 1.5", "likewise"),
    Case("t = E'a\\tb'", "t = U&'a\\0009b'", "one text, twice escaped"),
    Case('j = \'{"b": 1, "a": [1, 2]}\'', 'j = \'{"a":[1,2],"b":1}\'', "jsonb has an order of its own"),
    Case("by = '\\x414243'", "by = 'ABC'::bytea", "bytes, in hexadecimal or escaped"),
    Case("r = '[1,3]'", "r = '[1,4)'", "a range of numbers that are counted"),
    Case("ns = '{1, 2}'", "ns = array[1, 2]::numeric[]", "an array"),
    Case("d > '2024-1-2'", "d > date '2024-01-02'", "a day"),
    Case("b and n > 1.50", "n > 1.5 and b", "in each clause"),
]

DIFFERENT = [
    Case("n > 1.50", "n > 1.51", "another number"),
    Case("n > 100", "n > 10", "zeros before the point count"),
    Case("i = '1 mon'", "i = '30 days'", "equal, and added to a date they are not"),
    Case("i = interval '90' minute", "i = interval '90' second", "fields say what the number is"),
    Case("t = 'abc  '", "t = 'abc'", "blanks count in a text"),
    Case("v = 'abc  '", "v = 'abc'", "and in a varchar"),
    Case("ch::text = 'abc  '", "ch::text = 'abc'", "and where a char(n) has become one"),
    Case("ch like 'abc  '", "ch like 'abc'", "a pattern is a text"),
    Case("n::text = '1.50'", "n::text = '1.5'", "digits of a text"),
    Case("(n + 1.50)::text = '3'", "(n + 1.5)::text = '3'", "the digits of a sum are those of its parts"),
    Case("n + 1.50 > 3", "n + 1.5 > 3", "only the constant that is compared may differ"),
    Case("j = '1.50'", "j = '1.5'", "jsonb keeps the digits"),
    Case("bi = B'00000001'", "vb = B'00000001'", "another column"),
    Case("vb = B'1'", "vb = B'01'", "bits are no number"),
    Case("b and not c", "c and not b", "other columns"),
]

KEYS_DIFFERENT = [
    ("ts + interval '90' minute", "ts + '01:30:00'::interval", "PostgreSQL uses neither for the other (13 to 18)"),
    ("n + 1.50", "n + 1.5", "likewise"),
    ("bi | 1::bit(8)", "bi | B'00000001'", "likewise"),
    ("b or c", "c or b", "in a key, the order counts"),
    ("a in ('x', 'y')", "a in ('y', 'x')", "likewise"),
]


def test_constants_of_one_value_are_in_sync(sql, pg_target):
    sql.execute(TABLE)
    wanted = {}
    for n, (ours, theirs, _) in enumerate(ALIKE):
        sql.execute(f"create index i{n} on tasks (id) where {theirs}")
        sql.execute(f"create index o{n} on tasks (id) where {ours}")
        wanted |= {f"i{n}": {"columns": ["id"], "where": ours}, f"o{n}": {"columns": ["id"], "where": theirs}}
    found = outcomes(KIND, pg_target, declared(pg_target, **wanted))
    assert [(outcome.address.name, outcome.summary) for outcome in found] == []


def test_postgresql_uses_the_one_for_the_other(sql, pg_target):
    """The reason why they are the same: a query in the one spelling uses an index in the other."""
    sql.execute(TABLE)
    sql.execute("set enable_seqscan = off")
    not_used = []
    for ours, theirs, _ in ALIKE:
        for one, other in ((ours, theirs), (theirs, ours)):
            sql.execute(f"create index used on tasks (id) where {one}")
            query = f"explain select id from tasks where id = 1 and {other}"  # noqa: S608 - texts of this file
            plan = sql.execute(query).fetchall()
            sql.execute("drop index used")
            if not any("used" in row[0] for row in plan):
                not_used.append((one, other))
    assert not_used == []


def test_other_constants_are_seen(sql, pg_target):
    """`j = '1.50'` and the like: none may be in sync with the other."""
    sql.execute(TABLE)
    wanted = {}
    for n, (ours, theirs, _) in enumerate(DIFFERENT):
        sql.execute(f"create index i{n} on tasks (id) where {theirs}")
        wanted[f"i{n}"] = {"columns": ["id"], "where": ours}
    found = converge(KIND, pg_target, declared(pg_target, **wanted))
    assert {change.address.name for change in found} == {f"public.i{n}" for n in range(len(DIFFERENT))}
    assert {change.action for change in found} == {Action.REPLACE}


@pytest.mark.parametrize(("one", "other", "reason"), KEYS_DIFFERENT)
def test_in_a_key_they_are_other_indexes(sql, pg_target, one, other, reason):
    sql.execute(TABLE)
    for there, asked in ((one, other), (other, one)):
        sql.execute(f"create index i on tasks (({there}))")
        sql.execute("set enable_seqscan = off")
        query = f"explain select id from tasks order by ({asked})"  # noqa: S608 - texts of this file
        assert not any("using i " in row[0] for row in sql.execute(query).fetchall()), reason
        [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": [f"({asked})"]}))
        assert change.action is Action.REPLACE, reason
        sql.execute("drop index i")


ALWAYS = [
    "true", "(true)", "'yes'", "'on'", "' TRUE '", "true::boolean", "'t'::bool", "boolean 'y'",
    "cast('1' as pg_catalog.bool)",
]  # fmt: skip
SOMETIMES = ["1 = 1", "not false", "true and true", "1::boolean", "'yes'::text::boolean", "false", "'no'", "null"]


def test_a_condition_that_is_always_met_is_none_where_the_server_stores_none(sql, pg_target):
    """`'yes'` was built again for ever."""
    sql.execute(TABLE)
    for n, text in enumerate(ALWAYS + SOMETIMES):
        sql.execute(f"create index i{n} on tasks (id) where {text}")
    kept = sql.execute("select count(*) from pg_index where indpred is not null").fetchone()[0]
    assert kept == len(SOMETIMES)
    wanted = {f"i{n}": {"columns": ["id"], "where": text} for n, text in enumerate(ALWAYS + SOMETIMES)}
    assert outcomes(KIND, pg_target, declared(pg_target, **wanted)) == []
    sql.execute("drop table tasks")
    sql.execute(TABLE)
    wanted |= {
        f"s{n}": {"sql": f"create index s{n} on tasks (id) where {text}"} for n, text in enumerate(ALWAYS + SOMETIMES)
    }
    converge(KIND, pg_target, declared(pg_target, **wanted))


def test_of_those_one_without_a_condition_is_the_same_and_one_with_is_not(sql, pg_target):
    sql.execute(TABLE)
    sql.execute("create index i on tasks (id)")
    assert outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["id"], "where": "'yes'"})) == []
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["id"], "where": "1 = 1"}))
    assert change.action is Action.REPLACE


def test_operators_of_users_are_told_apart(sql, pg_target):
    """One for numbers may look at their digits; those of other types say nothing about numbers."""
    sql.execute(TABLE)
    sql.execute("create type own as (a int)")
    sql.execute("create function later(own, own) returns bool language sql immutable as 'select true'")
    sql.execute("create operator > (function = later, leftarg = own, rightarg = own)")
    sql.execute("create index i on tasks (id) where n > 1.5")
    spec = {"columns": ["id"], "where": "n > 1.50"}
    assert outcomes(KIND, pg_target, declared(pg_target, i=spec)) == []
    sql.execute("create function digits(own, numeric) returns bool language sql immutable as 'select true'")
    sql.execute("create operator > (function = digits, leftarg = own, rightarg = numeric)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=spec))
    assert change.action is Action.REPLACE
