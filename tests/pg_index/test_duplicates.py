"""Keys that occur more than once under a unique index: told before the build that would fail over them."""

from __future__ import annotations

from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from live import converge
from psycopg import errors
from pydantic import SecretStr
from waiting import given_time

from pg_index.advice import advised, said
from pg_index.declared import declared
from reconciler.insight import bounded_queries
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.advice import advise, duplicate_keys
from reconciler.model import Action, Change, NoticeType
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


class Case(NamedTuple):
    """`found` is what stands before ": a unique index cannot be built"; empty where nothing occurs twice."""

    reason: str
    table: str
    rows: str
    index: dict[str, Any]
    found: str = ""


CASES = [
    Case("different values", "(email text)", "('a'), ('b')", {"columns": ["email"]}),
    Case(
        "one value twice, another three times",
        "(email text)",
        "('a@b.c'), ('x'), ('a@b.c'), ('x'), ('a@b.c')",
        {"columns": ["email"]},
        "2 keys occur more than once, for example (email) = (a@b.c) 3 times",
    ),
    Case(
        "several columns",
        "(a int, b date)",
        "(1, '2026-01-02'), (1, '2026-01-02'), (1, null), (1, null)",
        {"columns": ["a", "b desc"]},
        "1 key occurs more than once, for example (a, b) = (1, 2026-01-02) 2 times",
    ),
    Case("nulls are distinct", "(a int, b int)", "(1, null), (1, null), (null, null)", {"columns": ["a", "b"]}),
    Case(
        "an expression",
        "(email text)",
        "('A'), ('a'), ('b')",
        {"columns": ["lower(email)"]},
        "1 key occurs more than once, for example (lower(email)) = (a) 2 times",
    ),
    Case("an expression with % and quotes", "(a int, t text)", "(1, 'x'), (2, 'x')",
         {"columns": ["(a % 7)", "(t || '%s')"]}),
    Case("rows that the predicate leaves out", "(a int, old bool)", "(1, true), (1, true), (1, false)",
         {"columns": ["a"], "where": "not old"}),
    Case(
        "rows that the predicate keeps",
        "(a int, old bool)",
        "(1, true), (1, false), (1, false)",
        {"columns": ["a"], "where": "not old -- ours"},
        "1 key occurs more than once, for example (a) = (1) 2 times",
    ),
    Case("included columns are no keys", "(a int, b int)", "(1, 1), (2, 1)", {"columns": ["a"], "include": ["b"]}),
    Case(
        "included columns do not make a key another",
        "(a int, b int)",
        "(1, 1), (1, 2)",
        {"columns": ["a"], "include": ["b"]},
        "1 key occurs more than once, for example (a) = (1) 2 times",
    ),
    Case("a pattern class compares as its type does", "(a text)", "('a'), ('A')", {"columns": ["a text_pattern_ops"]}),
    Case("equal numbers that look different", "(a numeric)", "(1.0), (1.00)", {"columns": ["a"]},
         "1 key occurs more than once, for example (a) = (1.0) 2 times"),
    Case("a composite value with a null inside is a value", "(p pair)", "('(1,)'), ('(1,)')", {"columns": ["p"]},
         "1 key occurs more than once, for example (p) = ((1,)) 2 times"),
    Case("a long value", "(a text)", "(repeat('x', 100)), (repeat('x', 100))", {"columns": ["a"]},
         f"1 key occurs more than once, for example (a) = ({'x' * 59}…) 2 times"),
    Case("quoted names", '("K 1" int)', "(1), (1)", {"columns": ['"K 1"']},
         '1 key occurs more than once, for example ("K 1") = (1) 2 times'),
    Case("an empty table", "(a int)", "", {"columns": ["a"]}),
]  # fmt: skip

SINCE_15 = [
    Case(
        "nulls that are not distinct",
        "(a int, b int)",
        "(1, null), (1, null), (2, null)",
        {"columns": ["a", "b"], "nulls_not_distinct": True},
        "1 key occurs more than once, for example (a, b) = (1, null) 2 times",
    ),
]


def make(sql: psycopg.Connection, case: Case) -> None:
    sql.execute("create type pair as (one int, two int)")
    sql.execute(f"create table tasks {case.table}")
    if case.rows:
        sql.execute(f"insert into tasks values {case.rows}")  # noqa: S608 - ours


def told_and_true(sql, pg_target, case: Case) -> None:
    """What is told is what the case says, and the build itself fails exactly where something is told."""
    resources = declared(pg_target, u_key={"unique": True, **case.index})
    outcomes = advised(pg_target, resources)
    assert said(outcomes) == []
    expected = [f"public.u_key: {case.found}: a unique index cannot be built"] if case.found else []
    assert said(outcomes, NoticeType.BLOCKED) == expected
    assert [each for each in outcomes if isinstance(each, Change)] == outcomes[: not case.found]
    if case.found:
        with pytest.raises(Exception, match="23505"):
            converge(KIND, pg_target, resources)
    else:
        converge(KIND, pg_target, resources)


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
def test_what_is_told_is_what_a_build_would_meet(sql, pg_target, case):
    make(sql, case)
    told_and_true(sql, pg_target, case)


@pytest.mark.pg(">= 15")
@pytest.mark.parametrize("case", SINCE_15, ids=[case.reason for case in SINCE_15])
def test_what_is_told_is_what_a_build_would_meet_since_15(sql, pg_target, case):
    make(sql, case)
    told_and_true(sql, pg_target, case)


def test_a_collation_that_takes_different_texts_for_equal_is_asked_in_its_own_words(sql, pg_target):
    try:
        sql.execute("create collation insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.Error:
        pytest.skip("this server is built without ICU")
    sql.execute("create table tasks (email text)")
    sql.execute("insert into tasks values ('A'), ('a')")
    [line] = said(
        advised(pg_target, declared(pg_target, u_key={"unique": True, "columns": ["email collate insensitive"]})),
        NoticeType.BLOCKED,
    )
    assert line.startswith("public.u_key: 1 key occurs more than once, for example (email) = (")
    assert said(advised(pg_target, declared(pg_target, u={"unique": True, "columns": ["email"]}))) == []


def test_a_partitioned_table_is_read_with_its_partitions_and_a_parent_without_its_children(sql, pg_target):
    sql.execute("create table tasks (a int, b int) partition by range (a)")
    sql.execute("create table tasks_1 partition of tasks for values from (0) to (10)")
    sql.execute("insert into tasks values (1, 1), (1, 1)")
    unique = {"u_key": {"unique": True, "columns": ["a"]}}
    assert said(advised(pg_target, declared(pg_target, **unique)), NoticeType.BLOCKED) == [
        "public.u_key: 1 key occurs more than once, for example (a) = (1) 2 times: a unique index cannot be built"
    ]
    sql.execute("drop table tasks; create table tasks (a int); create table child () inherits (tasks)")
    sql.execute("insert into tasks values (1); insert into child values (1), (1)")
    assert said(advised(pg_target, declared(pg_target, **unique)), NoticeType.BLOCKED) == []
    converge(KIND, pg_target, declared(pg_target, **unique))


def test_values_can_be_hidden(sql, pg_target):
    sql.execute("create table tasks (email text)")
    sql.execute("insert into tasks values ('a@b.c'), ('a@b.c')")
    hidden = pg_target.model_copy(update={"hide_values": True})
    assert said(advised(hidden, declared(hidden, u={"unique": True, "columns": ["email"]})), NoticeType.BLOCKED) == [
        "public.u: 1 key occurs more than once under (email), up to 2 times: a unique index cannot be built"
    ]


def test_what_takes_too_long_is_said_and_planned(sql, pg_target, monkeypatch):
    sql.execute("create table tasks (a int); insert into tasks values (1), (2)")
    sql.execute(
        "create function slow(int) returns int immutable language plpgsql as "
        "'begin perform pg_sleep(3600); return $1; end'"
    )
    resources = declared(
        pg_target, u_key={"unique": True, "columns": ["slow(a)"]}, v_key={"unique": True, "columns": ["a"]}
    )

    def attempt(seconds: float):
        monkeypatch.setattr(duplicate_keys, "DUPLICATE_SECONDS", seconds)
        return seconds, advised(pg_target, resources)

    # The other key is looked for in the same time.
    seconds, outcomes = given_time(attempt, lambda found: len(said(found[1])) == 1)
    assert said(outcomes) == [
        f"public.u_key: not checked for duplicates: reading the table took more than {seconds:.0f} s, "
        "or than was left of the time for advice"
    ]
    assert [each.action for each in outcomes if isinstance(each, Change)] == [Action.CREATE, Action.CREATE]
    monkeypatch.setattr(advise, "READING_SECONDS", 0.0)
    assert said(advised(pg_target, resources)) == [
        f"public.{name}: not checked for duplicates: there was no time left to ask" for name in ("u_key", "v_key")
    ]


@pytest.fixture
def weak(sql, pg_target, database):
    sql.execute("drop role if exists weak; create role weak login")
    sql.execute("create table tasks (a int); insert into tasks values (1), (1)")
    yield pg_target.model_copy(update={"url": SecretStr(database.replace("postgres@", "weak@"))})
    sql.execute("drop owned by weak; drop role weak")


def test_a_role_that_may_not_read_the_table_says_so(sql, weak):
    resources = declared(weak, u={"unique": True, "columns": ["a"]})
    [line] = said(advised(weak, resources))
    assert line.startswith("public.u: not checked for duplicates: this role may not read the whole table (")
    sql.execute("grant select on tasks to weak")
    assert len(said(advised(weak, resources), NoticeType.BLOCKED)) == 1


def test_rows_that_a_policy_hides_are_not_taken_for_absent(sql, weak):
    sql.execute("grant select on tasks to weak; alter table tasks enable row level security")
    sql.execute("create policy none on tasks using (false)")
    [line] = said(advised(weak, declared(weak, u={"unique": True, "columns": ["a"]})))
    assert line.startswith("public.u: not checked for duplicates: this role may not read the whole table (")


def test_a_table_that_is_locked_as_a_whole_is_not_waited_for(sql, pg_target, database, monkeypatch):
    monkeypatch.setattr(bounded_queries, "LOCK_SECONDS", 0.1)
    sql.execute("create table tasks (a int); insert into tasks values (1), (1)")
    resources = declared(pg_target, u={"unique": True, "columns": ["a"]}, v={"columns": ["a"], "where": "a > 0"})
    with psycopg.connect(database) as beside, closing(connect(pg_target, Secrets({}))) as session:
        # Reading declarations needs a lock, too: the lock comes after the plan is made, and before its advice.
        observed = KIND.observe(session, resources)
        planned = [each for one in resources for each in KIND.plan(one, observed[one.address])]
        beside.execute("lock table only tasks in access exclusive mode")
        outcomes = KIND.advise(session, planned)
    assert "public.u: not checked for duplicates: the table is locked by another session" in said(outcomes)
    assert len([each for each in outcomes if isinstance(each, Change)]) == 2


def test_an_index_that_is_unique_already_need_not_be_read_again(sql, pg_target, monkeypatch):
    sql.execute("create table tasks (a int, b int)")
    sql.execute("create unique index u_key on tasks (a)")
    monkeypatch.setattr(advise, "READING_SECONDS", 0.0)
    wider = advised(pg_target, declared(pg_target, u_key={"unique": True, "columns": ["a"], "include": ["b"]}))
    assert [each.action for each in wider if isinstance(each, Change)] == [Action.REPLACE]
    assert said(wider) == []
    other = advised(pg_target, declared(pg_target, u_key={"unique": True, "columns": ["b"]}))
    assert said(other) == ["public.u_key: not checked for duplicates: there was no time left to ask"]


def test_an_operator_class_with_rules_of_its_own_is_not_judged(sql, pg_target):
    sql.execute("create type pair as (one int, two int); create table tasks (p pair)")
    sql.execute("insert into tasks values ('(1,1)'), ('(1,1)')")
    assert said(advised(pg_target, declared(pg_target, u={"unique": True, "columns": ["p record_image_ops"]}))) == [
        "public.u: not checked for duplicates: the operator class record_image_ops compares in its own way"
    ]


def test_an_invalid_unique_index_is_not_built_again_over_duplicates(sql, pg_target):
    sql.execute("create table tasks (a int); insert into tasks values (1), (1)")
    with pytest.raises(errors.UniqueViolation):
        sql.execute("create unique index concurrently u_key on tasks (a)")
    resources = declared(pg_target, u_key={"unique": True, "columns": ["a"]})
    [line] = said(advised(pg_target, resources), NoticeType.BLOCKED)
    assert line.endswith(
        "a unique index cannot be built; the one that is there is INVALID, and every write maintains it: "
        "declare it absent to have it dropped"
    )
    sql.execute("delete from tasks")
    assert said(advised(pg_target, resources), NoticeType.BLOCKED) == []
    converge(KIND, pg_target, resources)
