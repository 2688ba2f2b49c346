"""What a what-if must not do, what it cannot know, and what it says of an index that is to go."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from live import outcomes

from pg_index.advice import advised
from pg_index.declared import declared
from pg_index.supposing import by_agent, costs, judged, said
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.advice.whatif_facts import whatif
from reconciler.model import Change
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

pytestmark = pytest.mark.matrix

ABSENT = "absent"


@pytest.mark.parametrize("others", [True, False], ids=["a role's", "a superuser's"])
def test_functions_of_other_roles_are_not_run_by_the_planner_of_a_mightier_one(others, hypopg, pg_target):
    hypopg.execute("create role mallory; grant create on schema public to mallory; grant all on tasks to mallory")
    try:
        hypopg.execute("set role mallory" if others else "reset role")
        hypopg.execute(
            "create function mine(int) returns int immutable language plpgsql as"
            " $$ begin perform set_config('app.ran', 'yes', false); return $1; end $$"
        )
        hypopg.execute("create operator === (leftarg = int, rightarg = int, function = int4eq)")
        hypopg.execute("reset role")
        hypopg.execute("select * from tasks where agent = mine(length('x' || current_user))")
        hypopg.execute("create view seen as select * from tasks where agent = mine(5)")
        hypopg.execute("select * from seen, tasks where tasks.agent = 5 and seen.id = tasks.id")
        planned = outcomes(KIND, pg_target, declared(pg_target, new_idx={"columns": ["agent"]}))
        with closing(connect(pg_target, Secrets({}))) as session:
            [change] = whatif(session, planned)
            ran = session.fetch("select current_setting('app.ran', true) as ran")[0]["ran"]
        lines = [str(fact.value) for fact in change.evidence]
        if others:
            assert not ran
            [why] = [line for line in lines if line.startswith("2 could not be judged (it may run ")]
            assert "public.mine(), which mallory could have written: connect as mallory" in why
        else:
            assert ran == "yes"
            assert not [line for line in lines if "could not be judged" in line]
    finally:
        hypopg.execute("reset role; drop owned by mallory cascade; drop role mallory")


def test_what_a_role_may_not_see_or_read_is_said(hypopg, pg_target, postgres):
    hypopg.execute("select * from tasks where agent = 5")
    hypopg.execute("create role seer login; grant pg_read_all_stats to seer")
    hypopg.execute("create role outsider login")
    database = hypopg.info.dbname
    try:
        for role, expected in {
            "seer": ["what-if: 1 could not be judged (permission denied for table tasks (42501))"],
            "outsider": [
                "what-if: pg_stat_statements has no query on public.tasks",
                "what-if does not see what other roles run: grant pg_read_all_stats to outsider",
            ],
        }.items():
            target = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(database, role))})
            assert said(target, declared(target, new_idx={"columns": ["agent"]})) == expected
    finally:
        hypopg.execute("drop role seer, outsider")


def test_time_is_bounded_and_what_was_not_looked_at_is_said(hypopg, pg_target):
    for columns in ("id", "agent", "status", "done"):
        hypopg.execute(by_agent(columns))
    moments = iter([0.0, 1.0, 2.0, 16.0])
    *lines, rest = said(pg_target, declared(pg_target, i={"columns": ["agent"]}), clock=lambda: next(moments))
    assert len(lines) == 2
    assert rest == "what-if: 2 not looked at within 15 s"


def test_what_we_ask_of_a_table_ourselves_is_nobodys_query(hypopg, pg_target):
    wanted = declared(pg_target, u_idx={"columns": ["created"], "unique": True, "where": "not done"})
    advised(pg_target, wanted)
    assert hypopg.execute(
        "select sum(calls) from pg_stat_statements where query like 'with indexed as%'"
    ).fetchone() == (1,)
    assert said(pg_target, wanted) == ["what-if: pg_stat_statements has no query on public.tasks"]


def test_a_drop_shows_who_uses_the_index_also_without_hypopg(workload, pg_target):
    workload.execute("create index old_idx on tasks (agent)")
    workload.execute("select * from tasks where agent = 5")
    workload.execute("select count(*) from tasks where agent < 0")
    workload.execute("select count(*) from tasks where id = 5")
    *used, notice = said(pg_target, declared(pg_target, old_idx=ABSENT))
    assert sorted(line.partition(", ")[0].rpartition(": ")[2] for line in used) == [
        "SELECT * FROM tasks WHERE agent = $1",
        "SELECT count(*) FROM tasks WHERE agent < $1",
    ]
    assert [line.partition(" cost")[0] for line in used] == ["used by: 1 call at"] * 2
    assert notice == (
        "what-if says which queries use an index that is to go, not what they would cost without it: "
        "that needs hypopg 1.4"
    )


def test_a_drop_that_no_query_uses_says_so(workload, pg_target):
    workload.execute("create index old_idx on tasks (agent)")
    workload.execute("select * from tasks where created is null")
    first, _ = said(pg_target, declared(pg_target, old_idx=ABSENT))
    assert first == "what-if: no query of pg_stat_statements uses it today, of 1 on public.tasks"


def test_a_hypopg_that_cannot_hide_is_named_with_the_version_that_can(hypopg, pg_target):
    [(version,)] = hypopg.execute("select extversion from pg_extension where extname = 'hypopg'")
    if hypopg.execute("select 1 from pg_proc where proname = 'hypopg_hide_index'").fetchone():
        pytest.skip("this HypoPG can hide indexes")
    hypopg.execute("create index old_idx on tasks (agent)")
    *_, notice = said(pg_target, declared(pg_target, old_idx=ABSENT))
    assert notice.endswith(f"without it: hypopg {version} cannot hide an index, 1.4 can")


def test_a_hidden_index_shows_what_its_queries_would_lose_and_is_seen_again(hypopg, pg_target):
    if not hypopg.execute("select 1 from pg_proc where proname = 'hypopg_hide_index'").fetchone():
        # Stand-ins with the signatures of 1.4: no index at all is used while one is hidden.
        hypopg.execute(
            "create function hypopg_hide_index(oid) returns bool language sql as"
            " $$ select set_config('enable_indexscan', 'off', false) = 'off'"
            " and set_config('enable_bitmapscan', 'off', false) = 'off' $$;"
            "create function hypopg_unhide_all_indexes() returns void language sql as"
            " $$ select set_config('enable_indexscan', 'on', false), set_config('enable_bitmapscan', 'on', false) $$"
        )
    hypopg.execute("create index old_idx on tasks (agent)")
    hypopg.execute("select * from tasks where agent = 5")
    hypopg.execute("select count(*) from tasks where created is null")
    planned = outcomes(KIND, pg_target, declared(pg_target, old_idx=ABSENT))
    with closing(connect(pg_target, Secrets({}))) as session:
        [change] = whatif(session, planned)
        assert session.fetch("show enable_indexscan") == [{"enable_indexscan": "on"}]
    line = f"{change.evidence[-1].name}: {change.evidence[-1].value}"
    before, after = costs(line)
    assert line.startswith("would lose: ")
    assert before < after / 2
    assert line.endswith(" cost, 1 call: SELECT * FROM tasks WHERE agent = $1")


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((), "the extensions hypopg and pg_stat_statements are"),
        (("pg_stat_statements",), "the extension hypopg is"),
    ],
)
def test_what_is_not_installed_is_said_once_whatever_is_planned(sql, pg_target, there, missing):
    without(sql, pg_target, there, missing)


@pytest.mark.extension("hypopg")
def test_hypopg_alone_is_not_enough(sql, pg_target):
    without(sql, pg_target, ("hypopg",), "the extension pg_stat_statements is")


def without(sql, pg_target, there, missing) -> None:
    sql.execute("create table tasks (id int, agent int); create index old_idx on tasks (id)")
    for extension in there:
        sql.execute(psycopg.sql.SQL("create extension {}").format(psycopg.sql.Identifier(extension)))
    new = {"columns": ["agent"]}
    lines = said(pg_target, declared(pg_target, a_idx=new, b_idx={"columns": ["id", "agent"]}, old_idx=ABSENT))
    notices = [line for line in lines if not line.startswith("what-if: ")]
    assert notices == [f"what-if is not available: {missing} not installed in this database"]


def test_where_nothing_comes_or_goes_nothing_is_said_or_asked(sql, pg_target):
    sql.execute("create table tasks (id int, agent int); create index there_idx on tasks (id)")
    [rename] = judged(pg_target, declared(pg_target, named_idx={"columns": ["id"]}))
    assert isinstance(rename, Change)
    assert rename.evidence == ()
    assert judged(pg_target, declared(pg_target, there_idx={"columns": ["id"]})) == []


def test_partitioned_tables_are_not_judged(sql, pg_target):
    sql.execute("create table tasks (id int, agent int) partition by range (id)")
    sql.execute("create table tasks_1 partition of tasks for values from (0) to (10)")
    wanted = declared(pg_target, i={"columns": ["agent"]})
    assert judged(pg_target, wanted) == outcomes(KIND, pg_target, wanted)


def test_an_invalid_index_that_goes_is_not_judged(sql, pg_target):
    sql.execute("create table tasks (id int, agent int); insert into tasks values (1, 1), (1, 1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.execute("create unique index concurrently old_idx on tasks (id)")
    wanted = declared(pg_target, old_idx=ABSENT)
    assert judged(pg_target, wanted) == outcomes(KIND, pg_target, wanted)
