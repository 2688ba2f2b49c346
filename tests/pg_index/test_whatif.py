"""Who gains from an index that is to come: on real servers, where their packages bring HypoPG."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pg_index.declared import declared, tables
from pg_index.supposing import by_agent, costs, said

pytestmark = pytest.mark.matrix


class Gains(NamedTuple):
    """A query, with arguments if it is run with parameters, and the index that it gains from."""

    reason: str
    query: str
    index: dict[str, Any]
    shown: str
    arguments: tuple[Any, ...] | None = None
    where: str = ""


ITS_CONSTANTS = ", with the constants of the index"

GAINS = [
    Gains("a constant", "select * from tasks where agent = 5", {"columns": ["agent"]},
          "SELECT * FROM tasks WHERE agent = $1"),
    Gains("a parameter", "select * from tasks where agent = %s", {"columns": ["agent"]},
          "SELECT * FROM tasks WHERE agent = $1", (5,)),
    Gains("an expression", "select id from tasks where lower(status) = 'x'", {"columns": ["lower(status)"]},
          "SELECT id FROM tasks WHERE lower(status) = $1"),
    Gains("a type before its literal", "select id from tasks where created = now() - interval '1 day'",
          {"columns": ["created"]}, "SELECT id FROM tasks WHERE created = (now() - $1::interval)"),
    Gains("a comment that the client adds", "/* trace 1234 */ select id from tasks where agent = 5 -- later",
          {"columns": ["agent"]}, "SELECT id FROM tasks WHERE agent = $1"),
    Gains("an update", "update tasks set done = true where agent = -5", {"columns": ["agent"]},
          "UPDATE tasks SET done = $1 WHERE agent = $2"),
    Gains("a delete", "delete from tasks where agent = -5", {"columns": ["agent"]},
          "DELETE FROM tasks WHERE agent = $1"),
    Gains("a query that fills another table", "insert into others (id) select id from tasks where agent = -5",
          {"columns": ["agent"]}, "INSERT INTO others (id) SELECT id FROM tasks WHERE agent = $1"),
    Gains("a query inside another", "with t as (select * from public.tasks where agent = 5) select count(*) from t",
          {"columns": ["agent"]}, "WITH t AS (SELECT * FROM public.tasks WHERE agent = $1) SELECT count(*) FROM t"),
    Gains("a predicate with its own value", "select * from tasks where status = 'pending' and agent = 100",
          {"columns": ["agent"], "where": "status = 'pending'"},
          "SELECT * FROM tasks WHERE status = $1 AND agent = $2", where=ITS_CONSTANTS),
    Gains("a predicate with another value, which says what it holds for",
          "select * from tasks where status = 'nothing' and agent = 100",
          {"columns": ["agent"], "where": "status = 'pending'"},
          "SELECT * FROM tasks WHERE status = $1 AND agent = $2", where=ITS_CONSTANTS),
    Gains("a list", "select * from tasks where status in ('pending', 'running') and agent = 100",
          {"columns": ["agent"], "where": "status in ('running', 'pending')"},
          "SELECT * FROM tasks WHERE status IN (", where=ITS_CONSTANTS),
    Gains("an array", "select * from tasks where status = any (%s) and agent = 100",
          {"columns": ["agent"], "where": "status in ('running', 'pending')"},
          "SELECT * FROM tasks WHERE status = ANY($1) AND agent = $2", (["pending"],), where=ITS_CONSTANTS),
    Gains("one of a list", "select * from tasks t where t.status = 'pending' and t.agent = 100",
          {"columns": ["agent"], "where": "status = any (array['running', 'pending'])"},
          "SELECT * FROM tasks t WHERE t.status = $1 AND t.agent = $2", where=ITS_CONSTANTS),
    Gains("a flag", "select * from tasks where done = false and agent = 100",
          {"columns": ["agent"], "where": "not done"},
          "SELECT * FROM tasks WHERE done = $1 AND agent = $2", where=ITS_CONSTANTS),
    Gains("a flag that is no constant", "select * from tasks where not done and agent = 100",
          {"columns": ["agent"], "where": "not done"}, "SELECT * FROM tasks WHERE NOT done AND agent = $1"),
    Gains("a bound", "select count(*) from tasks where id > 49000 and agent = 7",
          {"columns": ["agent"], "where": "id > 40000"},
          "SELECT count(*) FROM tasks WHERE id > $1 AND agent = $2", where=ITS_CONSTANTS),
    Gains("a long list of columns", "select id, agent, status, done, created, id + 1 from tasks where agent = 5",
          {"columns": ["agent"]}, "SELECT … FROM tasks WHERE agent = $2"),
    Gains("a unique index with storage parameters", "select * from tasks where id + 1 = 5",
          {"columns": ["(id + 1)"], "unique": True, "with": {"fillfactor": "70"}},
          "SELECT * FROM tasks WHERE (id + $1) = $2", where=ITS_CONSTANTS),
    Gains("a constant inside a key",
          "select id from tasks t where date_trunc('day', t.created at time zone 'UTC') = now()",
          {"columns": ["date_trunc('day', created at time zone 'UTC')"]},
          "SELECT id FROM tasks t WHERE date_trunc($1, t.created AT TIME ZONE $2) = now()", where=ITS_CONSTANTS),
    Gains("constants inside a key and a predicate",
          "select id from tasks where coalesce(status, 'none') = 'x' and agent % 7 = 3",
          {"columns": ["coalesce(status, 'none')"], "where": "agent % 7 = 3"},
          "SELECT id FROM tasks WHERE COALESCE(status, $1) = $2 AND (agent % $3) = $4", where=ITS_CONSTANTS),
]  # fmt: skip


@pytest.mark.parametrize("case", GAINS, ids=lambda case: case.reason)
def test_a_query_that_gains_is_shown_with_its_cost_before_and_after(case, hypopg, pg_target):
    for _ in range(3):
        hypopg.execute(case.query, case.arguments)
    [line] = said(pg_target, declared(pg_target, new_idx=case.index))
    name, before, after = line.partition(":")[0], *costs(line)
    assert name == "would gain"
    assert after < before / 2
    assert f" cost, 3 calls{case.where}: {case.shown}" in line


def test_of_many_queries_those_that_gain_most_in_all_their_calls_come_first(hypopg, pg_target):
    found = ("id", "agent", "status", "done", "created", "id, agent", "id, done")
    for n, columns in enumerate(found, 1):
        for _ in range(n * 10):
            hypopg.execute(by_agent(columns))
    hypopg.execute("select count(*) from tasks where created is null")
    *lines, rest = said(pg_target, declared(pg_target, new_idx={"columns": ["agent"]}))
    assert [line.partition("calls: SELECT ")[2].partition(" FROM")[0] for line in lines] == [*reversed(found[2:])]
    assert rest == "what-if: 2 more of 8 queries are not shown"


def test_an_index_that_no_query_gains_from_says_so(hypopg, pg_target):
    hypopg.execute("select * from tasks where agent = 5")
    hypopg.execute("select * from tasks where done")
    assert said(pg_target, declared(pg_target, new_idx={"columns": ["created"]})) == [
        "what-if: no query of pg_stat_statements would gain from it, of 2 on public.tasks"
    ]


def test_a_predicate_that_no_value_of_a_query_can_imply_gains_nothing(hypopg, pg_target):
    hypopg.execute("select * from tasks where agent = 5")
    [line] = said(pg_target, declared(pg_target, new_idx={"columns": ["agent"], "where": "status = 'pending'"}))
    assert line.startswith("what-if: no query")


def test_a_table_without_queries_says_so(hypopg, pg_target):
    hypopg.execute("select 'tasks' from others")
    assert said(pg_target, declared(pg_target, new_idx={"columns": ["agent"]})) == [
        "what-if: pg_stat_statements has no query on public.tasks"
    ]


def test_what_hypopg_cannot_imagine_is_said_with_its_reason(hypopg, pg_target):
    hypopg.execute("select * from others where tags @> '{x}'")
    wanted = {"public.others": {"indexes": {"i": {"columns": ["tags"], "using": "gin"}}}}
    [line] = said(pg_target, tables(pg_target, wanted))
    assert line.startswith("what-if: not available for this index: hypopg: access method")


def test_names_that_need_quotes_and_another_schema(hypopg, pg_target):
    hypopg.execute('create schema "Odd.One"; create table "Odd.One"."My Tasks" as select * from tasks')
    hypopg.execute('analyze "Odd.One"."My Tasks"; set search_path to "Odd.One"')
    hypopg.execute('select * from "My Tasks" where agent = 5')
    wanted = {'"Odd.One"."My Tasks"': {"indexes": {"I": {"columns": ["agent"]}}}}
    [line] = said(pg_target, tables(pg_target, wanted))
    assert line.startswith("would gain")


def test_a_query_on_a_table_of_the_same_name_elsewhere_does_not_count(hypopg, pg_target):
    hypopg.execute(
        "create schema elsewhere; create table elsewhere.tasks as select * from tasks; analyze elsewhere.tasks"
    )
    hypopg.execute("select * from tasks where agent = 5")
    wanted = tables(pg_target, {"elsewhere.tasks": {"indexes": {"i": {"columns": ["agent"]}}}})
    [line] = said(pg_target, wanted)
    assert line.startswith("what-if: no query of pg_stat_statements would gain from it")


def test_nothing_is_executed_and_no_value_is_shown(hypopg, pg_target):
    hypopg.execute("create sequence taken")
    hypopg.execute("delete from tasks where agent = -5 and nextval('taken') > 0")
    hypopg.execute("update tasks set status = 'secret value' where agent = -5")
    hypopg.execute("insert into others select id, agent from tasks where agent = -5")
    hypopg.execute("delete from others where tags = '{\"secret value\"}'")
    hypopg.execute("select count(*) from tasks where agent between 1 and 5 and status = 'secret value'")
    before = hypopg.execute("select count(*), sum(hashtext(tasks::text)) from tasks").fetchone()
    taken = hypopg.execute("select last_value, is_called from taken").fetchone()
    lines = said(pg_target, declared(pg_target, new_idx={"columns": ["agent"]}))
    assert len(lines) == 4
    assert not [line for line in lines if "secret" in line]
    assert hypopg.execute("select count(*), sum(hashtext(tasks::text)) from tasks").fetchone() == before
    assert hypopg.execute("select last_value, is_called from taken").fetchone() == taken
    assert hypopg.execute("select count(*) from others").fetchone() == (0,)
