"""Evidence: what is estimated is nearly what is built, and what is said of a drop is what the servers count."""

from __future__ import annotations

from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from live import run
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from waiting import until

from pg_index.advice import advised, facts
from pg_index.declared import declared, tables
from reconciler.insight import bounded_queries
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.definition.create_index import parse_index
from reconciler.kinds.pg_index.definition.redundancy import covers
from reconciler.model import Action, Change
from reconciler.reports.quantities import facts as in_words
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

TASKS = """
    create table tasks as
    select g as id, g * 7::bigint as big, md5(g::text)::uuid as uid, 'user' || g || '@example.com' as email,
           (array['open', 'closed', 'waiting', 'running'])[1 + g % 4] as status, g % 2000 as agent,
           case when g % 10 < 3 then null else g end as seldom, (g % 1000)::numeric / 7 as price,
           now() + g * interval '1 minute' as created, 1 + g % 10 = 1 as flag
    from generate_series(1, 40000) g order by md5(g::text)
"""


class Case(NamedTuple):
    """`within` is the largest error allowed, as a fraction of the real size."""

    reason: str
    index: dict[str, Any]
    within: float


CASES = [
    Case("integers", {"columns": ["id"]}, 0.02),
    Case("unique", {"columns": ["id"], "unique": True}, 0.02),
    Case("uuids", {"columns": ["uid"]}, 0.02),
    Case("texts", {"columns": ["email"]}, 0.06),
    Case("few values", {"columns": ["status"]}, 0.02),
    Case("twenty rows a value", {"columns": ["agent"]}, 0.05),
    Case("values that are not merged", {"columns": ["agent"], "with": {"deduplicate_items": "off"}}, 0.03),
    Case("a type that is never merged", {"columns": ["price"]}, 0.06),
    Case("nulls", {"columns": ["seldom"]}, 0.04),
    Case("several columns", {"columns": ["status", "created desc"]}, 0.04),
    Case("columns that belong together", {"columns": ["agent", "status"]}, 0.70),
    Case("included columns", {"columns": ["id"], "include": ["email", "flag"]}, 0.06),
    Case("a fillfactor", {"columns": ["big"], "with": {"fillfactor": "50"}}, 0.02),
    Case("a predicate", {"columns": ["id"], "where": "status = 'open'"}, 0.06),
    Case("an expression about as wide as its column", {"columns": ["lower(email)"]}, 0.06),
    Case("an expression of fixed width", {"columns": ["(big / 3)"]}, 0.02),
    Case("hash", {"columns": ["id"], "using": "hash"}, 0.06),
    Case("hash of few values", {"columns": ["status"], "using": "hash"}, 0.06),
    Case("brin", {"columns": ["id", "created"], "using": "brin", "with": {"pages_per_range": "2"}}, 0.35),
]


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
def test_the_estimated_size_is_near_the_real_one(sql, pg_target, case):
    sql.execute(TASKS)
    sql.execute("vacuum analyze tasks")
    resources = declared(pg_target, made_idx=case.index)
    outcomes = advised(pg_target, resources)
    found = facts(outcomes, "made_idx")
    run(pg_target, outcomes)
    real, table = sql.execute("select pg_relation_size('made_idx'), pg_relation_size('tasks')").fetchone()
    assert abs(found["index"] - real) <= case.within * real + 8192, (found["index"], real)
    assert found["table"] == table
    assert found["rows"] == 40000
    # Its build takes the square of equal values.
    assert ("build time" in found) == (case.reason != "hash of few values")


def test_what_depends_on_the_inside_of_values_is_not_estimated(sql, pg_target):
    sql.execute(TASKS)
    sql.execute("vacuum analyze tasks")
    index = {"sql": "create index words_idx on tasks using gin (to_tsvector('simple', email))"}
    found = facts(advised(pg_target, declared(pg_target, words_idx=index)), "words_idx")
    assert found["index"] == "not estimated: gin"
    assert "build time" not in found
    assert found["rows"] == 40000


def test_a_table_that_was_never_analysed_says_so_and_an_empty_one_is_small(sql, pg_target):
    sql.execute("create table tasks (id int) with (autovacuum_enabled = off)")
    [change] = advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]}))
    assert in_words(change.evidence).startswith("about 0 rows, table 0 bytes, index about 8 kB, build time about ")
    sql.execute("insert into tasks select generate_series(1, 1000)")
    [change] = advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]}))
    assert in_words(change.evidence) == "rows unknown: never analysed, table 40 kB, index not estimated"


def test_rows_that_came_since_the_last_analyze_count(sql, pg_target):
    sql.execute("create table tasks (id int) with (autovacuum_enabled = off)")
    sql.execute("insert into tasks select generate_series(1, 10000); ")
    sql.execute("vacuum analyze tasks")
    sql.execute("insert into tasks select generate_series(1, 30000)")
    found = facts(advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]})), "a_idx")
    assert found["rows"] == pytest.approx(40000, rel=0.05)


def test_what_is_kept_by_a_predicate_is_the_planners_idea(sql, pg_target):
    sql.execute(TASKS)
    sql.execute("vacuum analyze tasks")
    outcomes = advised(pg_target, declared(pg_target, a_idx={"columns": ["id"], "where": "status = 'open'"}))
    assert facts(outcomes, "a_idx")["indexed rows"] == pytest.approx(10000, rel=0.1)
    [change] = outcomes
    assert " indexed rows, index about " in in_words(change.evidence)


def test_partitions_are_summed_and_those_that_have_it_already_are_left_out(sql, pg_target):
    sql.execute("create table tasks (id int, at date) partition by range (at)")
    for n in range(1, 4):
        sql.execute(f"create table t{n} partition of tasks for values from ('2026-0{n}-01') to ('2026-0{n + 1}-01')")
        sql.execute(f"insert into t{n} select g, '2026-0{n}-02' from generate_series(1, {n * 10000}) g")  # noqa: S608 - ours
    sql.execute("vacuum analyze")
    found = facts(advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]})), "a_idx")
    assert found["rows"] == 60000
    assert found["index"] == pytest.approx(60000 * 22.6, rel=0.05)
    sql.execute("create index t3_there on t3 (id)")
    found = facts(advised(pg_target, declared(pg_target, a_idx={"columns": ["id"]})), "a_idx")
    assert found["rows"] == 30000


def test_a_role_that_may_not_read_the_table_is_told_what_it_may_know(sql, pg_target, database):
    sql.execute(TASKS)
    sql.execute("vacuum analyze tasks")
    sql.execute("drop role if exists weak; create role weak login")
    weak = pg_target.model_copy(update={"url": SecretStr(database.replace("postgres@", "weak@"))})
    try:
        outcomes = advised(
            weak,
            declared(
                weak,
                fixed_idx={"columns": ["id"]},
                text_idx={"columns": ["email"]},
                part_idx={"columns": ["id"], "where": "status = 'open'"},
            ),
        )
    finally:
        sql.execute("drop role weak")
    size = sql.execute("select pg_relation_size('tasks')").fetchone()[0]
    assert facts(outcomes, "fixed_idx")["index"] > 0
    assert facts(outcomes, "fixed_idx")["table"] == size
    assert facts(outcomes, "text_idx")["index"] == "not estimated"
    assert facts(outcomes, "part_idx")["index"] == "not estimated: this role may not read the table"


# --- drops ---


def counted(sql: psycopg.Connection, index: str, scans: int) -> None:
    """Waits until the server has counted: before 15, a process collects what others report."""
    query = "select idx_scan from pg_stat_all_indexes where indexrelname = %s"
    until(lambda: sql.execute(query, [index]).fetchone() == (scans,), f"{scans} scans of {index}")


def use(database: str, times: int) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
        for _ in range(times):
            connection.execute("select count(*) from tasks where id = 1")


def test_a_drop_says_its_size_and_who_used_it_since_when(sql, pg_target, database):
    sql.execute("create table tasks (id int); insert into tasks select generate_series(1, 1000)")
    sql.execute("create index old_idx on tasks (id); analyze tasks")
    use(database, 3)
    counted(sql, "old_idx", 3)
    found = facts(advised(pg_target, declared(pg_target, old_idx="absent")), "old_idx")
    assert found["index"] == sql.execute("select pg_relation_size('old_idx')").fetchone()[0]
    assert found["scans"] == 3
    assert found["statistics since"].endswith(" UTC")
    today = sql.execute("select to_char(now() at time zone 'UTC', 'YYYY-MM-')").fetchone()[0]
    if sql.info.server_version >= 160000:
        assert found["last scan"].startswith(today)
    else:
        assert "last scan" not in found


def test_an_unlisted_index_that_is_dropped_has_its_evidence_too(sql, pg_target, database):
    sql.execute("create table tasks (id int); create index stray_idx on tasks (id); insert into tasks values (1)")
    use(database, 1)
    counted(sql, "stray_idx", 1)
    outcomes = advised(pg_target, tables(pg_target, {"public.tasks": {"unlisted_indexes": "drop"}}))
    assert facts(outcomes, "stray_idx")["scans"] == 1
    [change] = outcomes
    assert ", 1 scan, " in in_words(change.evidence)


def test_a_partitioned_index_counts_what_its_parts_count(sql, pg_target, database):
    sql.execute("create table tasks (id int) partition by range (id)")
    sql.execute("create table t1 partition of tasks for values from (0) to (10)")
    sql.execute("create table t2 partition of tasks for values from (10) to (20)")
    sql.execute("create index old_idx on tasks (id); insert into tasks values (1), (11)")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
        for value in (1, 1, 11):
            connection.execute("select count(*) from tasks where id = %s", [value])
    counted(sql, "t1_id_idx", 2)
    counted(sql, "t2_id_idx", 1)
    found = facts(advised(pg_target, declared(pg_target, old_idx="absent")), "old_idx")
    assert (found["scans"], found["index"]) == (3, 2 * 16384)


def test_counts_that_a_crash_took_away_are_not_taken_for_years_of_silence(pg_target, postgres, database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table tasks (id int); create index old_idx on tasks (id)")
        before = facts(advised(pg_target, declared(pg_target, old_idx="absent")), "old_idx")["statistics since"]
        # Seconds are shown.
        clock = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') > left(%s, 19)"
        until(lambda: connection.execute(clock, [before]).fetchone()[0], "another second")
    postgres.restart("immediate")
    after = facts(advised(pg_target, declared(pg_target, old_idx="absent")), "old_idx")["statistics since"]
    assert after > before


def test_a_server_that_does_not_count_says_so_instead_of_nought(sql, pg_target, database):
    sql.execute("create table tasks (id int); create index old_idx on tasks (id)")
    sql.execute(f"alter database {sql.info.dbname} set track_counts = off")
    found = facts(advised(pg_target, declared(pg_target, old_idx="absent")), "old_idx")
    assert found["scans"] == "not counted: track_counts is off"
    assert "statistics since" not in found


def test_what_is_said_of_replicas_that_cannot_be_asked(sql, pg_target, database):
    sql.execute("create table tasks (id int); create index old_idx on tasks (id)")
    asked = pg_target.model_copy(
        update={
            "replicas": (
                SecretStr("postgresql://app:hunter2@127.0.0.1:1/app"),
                SecretStr(database),
                SecretStr(make_conninfo(database, host="")),
            )
        }
    )
    found = facts(advised(asked, declared(asked, old_idx="absent")), "old_idx")
    assert found["scans on 127.0.0.1:1"] == "not known: it cannot be reached"
    assert found[f"scans on 127.0.0.1:{sql.info.port}"] == "not known: it is not a standby"
    assert found["scans on replica 3"] == "not known: it cannot be reached"
    assert "hunter2" not in str(found)


def test_what_another_index_covers_and_what_alone_serves_a_foreign_key(sql, pg_target):
    sql.execute("create table owners (id int primary key)")
    sql.execute("create table tasks (id int, owner int references owners, status text)")
    sql.execute("create index old_idx on tasks (status); create index wide_idx on tasks (status, id)")
    sql.execute("create index owner_idx on tasks (owner)")
    outcomes = advised(pg_target, declared(pg_target, old_idx="absent", owner_idx="absent"))
    assert facts(outcomes, "old_idx")["covered by"] == "wide_idx"
    assert "only index for foreign key" not in facts(outcomes, "old_idx")
    assert facts(outcomes, "owner_idx")["only index for foreign key"] == "tasks_owner_fkey"
    assert "covered by" not in facts(outcomes, "owner_idx")


def test_a_drop_from_a_table_that_is_locked_as_a_whole_says_what_it_could_not_see(
    sql, pg_target, database, monkeypatch
):
    monkeypatch.setattr(bounded_queries, "LOCK_SECONDS", 0.1)
    sql.execute("create table tasks (id int, status text)")
    sql.execute("create index old_idx on tasks (lower(status)); create index new_idx on tasks (id) where id > 1")
    resources = declared(pg_target, old_idx="absent", other_idx={"columns": ["id"], "where": "status = 'x'"})
    with psycopg.connect(database) as beside, closing(connect(pg_target, Secrets({}))) as session:
        observed = KIND.observe(session, resources)
        planned = [each for one in resources for each in KIND.plan(one, observed[one.address])]
        beside.execute("lock table tasks in access exclusive mode")
        outcomes = KIND.advise(session, planned)
    found = facts(outcomes, "old_idx")
    assert found["scans"] == 0
    assert "index" not in found
    assert found["covered by"] == "not known: the catalogue did not answer in time"
    assert facts(outcomes, "other_idx")["index"] == "not estimated"


def test_an_index_that_goes_in_the_same_plan_covers_nothing(sql, pg_target):
    sql.execute("create table tasks (id int, status text)")
    sql.execute("create index old_idx on tasks (status); create index wide_idx on tasks (status, id)")
    outcomes = advised(pg_target, declared(pg_target, old_idx="absent", wide_idx="absent"))
    assert "covered by" not in facts(outcomes, "old_idx")


def test_what_a_creation_overlaps_with_is_stated(sql, pg_target):
    sql.execute("create table tasks (id int, status text)")
    sql.execute("create index there_idx on tasks (status)")
    sql.execute("create unique index rule_key on tasks (status, id)")
    outcomes = advised(
        pg_target,
        declared(pg_target, wide_idx={"columns": ["status", "id desc"]}, narrow_idx={"columns": ["status desc"]}),
    )
    assert facts(outcomes, "wide_idx")["makes redundant"] == "narrow_idx, there_idx"
    assert facts(outcomes, "narrow_idx")["covered by"] == "rule_key, there_idx, wide_idx"
    assert [each.action for each in outcomes if isinstance(each, Change)] == [Action.CREATE, Action.CREATE]


class Covering(NamedTuple):
    reason: str
    wide: str
    narrow: str
    answer: bool


COVERING = [
    Covering("a prefix", "(a, b)", "(a)", True),
    Covering("not a prefix", "(a, b)", "(b)", False),
    Covering("more keys than the other has", "(a)", "(a, b)", False),
    Covering("all of it turned round", "(a desc, b asc nulls first)", "(a, b desc nulls last)", True),
    Covering("one of two directions turned round", "(a desc, b)", "(a, b)", False),
    Covering("nulls at the other end", "(a nulls first)", "(a)", False),
    Covering("an index of fewer rows", "(a, b) where c", "(a)", False),
    Covering("an index of all rows", "(a, b)", "(a) where c", True),
    Covering("the same predicate, spelled otherwise", "(a, b) where (c > 1)", "(a) where c  >1", True),
    Covering("another predicate", "(a, b) where c > 1", "(a) where c > 2", False),
    Covering("included columns that it carries", "(a, b) include (d)", "(a) include (b, d)", True),
    Covering("included columns that it lacks", "(a, b)", "(a) include (d)", False),
    Covering("another collation", '(a collate "C", b)', "(a)", False),
    Covering("another operator class", "(a text_pattern_ops, b)", "(a)", False),
    Covering("the same expression", "(lower( a ), b)", "(lower(a))", True),
    Covering("another method", "using hash (a)", "(a)", False),
]  # fmt: skip


@pytest.mark.parametrize("case", COVERING, ids=[case.reason for case in COVERING])
def test_an_index_covers_another_by_its_first_keys(case):
    wide, narrow = (parse_index(f"create index on t {text}").definition for text in (case.wide, case.narrow))
    assert covers(wide, narrow) == case.answer


def test_a_unique_index_is_covered_by_none():
    wide, narrow = (parse_index(f"create {u} index on t (a)").definition for u in ("", "unique"))
    assert not covers(wide, narrow)
    assert covers(narrow, wide)
