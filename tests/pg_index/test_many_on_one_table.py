"""A table with many indexes: what a plan costs grows as they do, and not as their pairs.

Counted are turns between client and server, the statements sent, their letters, and how often our parser reads: no test
looks at a clock. Before, each declared index was compared with each one that was there.
"""

from __future__ import annotations

import random
from collections import Counter

import postgast
import pytest
from applying.acting import plan_for
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.definition.redundancy import Covering, covers
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.postgres.session import PostgresSession

FEW, MANY = 25, 100

FORMS = {
    "predicates": (lambda n: f"(id) where a = 'is {n}'", lambda n: {"columns": ["id"], "where": f"a in ('be {n}')"}),
    "expressions": (lambda n: f"((a || 'is {n}'))", lambda n: {"columns": [f"(a || 'be {n}')"]}),
    "both": (
        lambda n: f"((a || 'is {n}')) where id > {n}",
        lambda n: {"columns": [f"(a || 'be {n}')"], "where": f"id > 1000 + {n}"},
    ),
    "functions of users": (
        lambda n: f"(norm(a || '{n}'))",
        lambda n: {"columns": [f"lower(a || '{n}')"]},
    ),
    "columns": (lambda n: f"(c{n})", lambda n: {"columns": [f"c{n} desc"]}),
}
"""Of each what is there, and what is declared instead."""


@pytest.fixture
def counted(monkeypatch):
    counts: Counter[str] = Counter()
    fetch_all, parse = PostgresSession.fetch_all, postgast.parse

    def fetching(session, queries, **options):
        texts = [query if isinstance(query, str) else query.as_string(None) for query, _ in queries]
        counts.update(turns=1, statements=len(texts), letters=sum(map(len, texts)))
        return fetch_all(session, queries, **options)

    def parsing(text):
        counts.update(parsed=1)
        return parse(text)

    monkeypatch.setattr(PostgresSession, "fetch_all", fetching)
    monkeypatch.setattr(postgast, "parse", parsing)
    return counts


@pytest.mark.matrix
@pytest.mark.parametrize("form", FORMS)
def test_a_plan_grows_as_its_indexes_do(sql, pg_target, counted, form):
    there, wanted = FORMS[form]
    columns = ", ".join(f"c{n} int" for n in range(MANY))
    sql.execute(f"create table tasks (id int, a text, {columns})")
    sql.execute("create function norm(text) returns text language sql immutable as 'select lower($1)'")
    seen = []
    for many in (FEW, MANY):
        for n in range(many):
            sql.execute(f"create index if not exists i{n} on tasks {there(n)}")
        counted.clear()
        plan = plan_for(pg_target, declared(pg_target, **{f"i{n}": wanted(n) for n in range(many)}))
        assert len(plan.changes) == many
        seen.append(Counter(counted))
    few, all_of_them = seen
    times = MANY / FEW
    assert all_of_them["turns"] <= few["turns"] + times, "one more for each batch of what is sent at once, at most"
    for what in ("statements", "letters"):
        assert all_of_them[what] <= times * few[what] * 1.1, what
    # What was parsed before is remembered, by tests that ran before, too.
    assert all_of_them["parsed"] <= 40 * MANY


def test_many_twins_are_looked_up(sql, pg_target, counted):
    """All are there under other names: each finds its own, and a plan is renames alone."""
    sql.execute("create table tasks (id int, a text)")
    there, _ = FORMS["both"]
    for n in range(MANY):
        sql.execute(f"create index t{n} on tasks {there(n)}")
    wanted = {f"i{n}": {"columns": [f"(A ||'is {n}')"], "where": f"ID > {n}"} for n in range(MANY)}
    found = converge(KIND, pg_target, declared(pg_target, **wanted))
    renamed = {change.summary for change in found}
    assert renamed == {f"t{n} → i{n}" for n in range(MANY)}


def test_more_than_fit_into_one_select_are_read_in_several(sql, pg_target, counted, monkeypatch):
    """PostgreSQL selects 1,664 columns at most; then each expression was asked for alone."""
    sql.execute("create table tasks (id int, a text)")
    there, _ = FORMS["both"]
    for n in range(MANY):
        sql.execute(f"create index i{n} on tasks {there(n)}")
    wanted = {f"i{n}": {"columns": [f"(A ||'is {n}')"], "where": f"ID > {n} and 1 = 1"} for n in range(MANY)}
    monkeypatch.setattr("reconciler.kinds.pg_index.comparison.server_readings.AT_ONCE", 40)
    assert outcomes(KIND, pg_target, declared(pg_target, **wanted)) == []
    assert counted["statements"] < MANY / 2


OPERATORS = """
    create type pair as (a text, b int);
    create function alike(pair, pair) returns bool language sql immutable as 'select ($1).b = ($2).b';
    create function at_least(pair, pair) returns bool language sql immutable as 'select ($1).b >= ($2).b';
    create operator = (function = alike, leftarg = pair, rightarg = pair);
    create operator >= (function = at_least, leftarg = pair, rightarg = pair);
    create table tasks (id int, a text, v varchar(20), d date, m numeric, p pair, q pair)
"""


@pytest.mark.matrix
def test_operators_of_users_named_as_those_of_postgresql_cost_no_more(sql, pg_target, counted):
    """Each of some ninety `=` was asked for, and nearly all failed, one by one: hundreds of turns for two indexes."""
    sql.execute(OPERATORS)
    there = [
        "v in ('a', 'b') and id = 5 and a = 'x' and d >= '2020-01-01' and m >= 5 and p = q",
        "v in ('a', 'b') and id >= 99999 and p >= '(a,1)' and v = 'x' and d = '2020-01-01'",
    ]
    for n, text in enumerate(there):
        sql.execute(f"create index i{n} on tasks (id) where {text}")
    turned_round = {
        f"i{n}": {"columns": ["id"], "where": " and ".join(text.split(" and ")[::-1])} for n, text in enumerate(there)
    }
    counted.clear()
    assert outcomes(KIND, pg_target, declared(pg_target, **turned_round)) == []
    assert counted["turns"] <= 12
    assert counted["statements"] <= 60


def test_what_is_looked_up_is_what_covers():
    """By all pairs, and by what both are looked up by: the same."""
    chance = random.Random(7)  # noqa: S311 - the same in each run

    def key() -> Element:
        descending, last = chance.random() < 0.4, chance.random() < 0.3
        return Element(
            column=chance.choice("abc"), collation=("C",) if chance.random() < 0.2 else (),
            descending=descending, nulls_first=descending != last,
        )  # fmt: skip

    definitions = {
        f"i{n}": Definition(
            method="btree" if chance.random() < 0.9 else "hash",
            unique=chance.random() < 0.2,
            keys=tuple(key() for _ in range(chance.randint(1, 3))),
            include=tuple(sorted(chance.sample("abcd", chance.randint(0, 1)))),
            predicate=chance.choice(["", "", "a > 1", "a  > 1", "b is null"]),
        )
        for n in range(300)
    }
    looked_up = Covering(definitions)
    pairs = 0
    for each in definitions.values():
        by_pairs = sorted(name for name, other in definitions.items() if covers(other, each))
        assert looked_up.of(each) == by_pairs
        assert looked_up.by(each) == sorted(name for name, other in definitions.items() if covers(each, other))
        pairs += len(by_pairs)
    assert pairs > 500
