from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import yaml

from check.declare import KIND, decided, declare, results
from reconciler.allow_lists import Reach
from reconciler.kinds.check.types import sql as sql_checks
from reconciler.kinds.check.types.pg_setting import SENTINELS
from reconciler.kinds.check.types.sql import MOST_ROWS, ROWS_SHOWN
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

DESIRED = Path(__file__).parents[2] / "desired"


def test_one_broken_statement_hides_no_other(pg_target, sql):
    sql.execute("create table tasks as select generate_series(1, 5) as id")
    found = decided(
        pg_target,
        {"sql": "select count(*) as tasks from tasks", "at_least": "5"},
        {"sql": "select * from nowhere", "is_empty": "yes"},
        {"sql": "select id, null from tasks order by id", "is_empty": "yes"},
        {"sql": "select 1 where false", "is_empty": "yes"},
        {"sql": "select 1 where false", "is_empty": "no"},
        {"sql": "select 1 as a, 2 as b", "equals": "1"},
        {"sql": "select id from tasks", "equals": "1"},
        {"sql": "select null as nothing", "equals": "1"},
        {"sql": "select 'abc' as word", "at_most": "1"},
        {"sql": "select 1 / 0", "equals": "1"},
    )
    assert found == [
        ("pass", "tasks is 5"),
        ("error", 'the statement failed: relation "nowhere" does not exist (42P01)'),
        ("fail", "5 rows: 1, null; 2, null; 3, null; and 2 more; wanted none"),
        ("pass", "no rows"),
        ("fail", "no rows; wanted at least one"),
        ("error", "the statement answered 2 columns: expected one value"),
        ("error", "the statement answered 5 rows: expected one value"),
        ("no-data", "nothing is null: there is nothing to compare"),
        ("error", "word cannot be compared: 'abc' is not a number or an amount of memory: expected a number, with one "
                  "of B, kB, MB, GB, TB or without"),
        ("error", "the statement failed: division by zero (22012)"),
    ]  # fmt: skip


def test_values_of_all_types_and_a_percent_sign_are_taken_as_they_are(pg_target):
    found = decided(
        pg_target,
        {"sql": "select 'a%b' like 'a%' as likes", "equals": "yes"},
        {"sql": "select '%s' || 7 % 4", "equals": "%s3"},
        {"sql": "select 1.50::numeric", "equals": "1.5"},
        {"sql": "select 64 * 1024 * 1024::bigint as most_bytes", "at_most": "64MB"},
        {"sql": "select date '2026-01-01' as day -- a comment", "equals": "2026-01-01"},
        {"sql": "show server_encoding", "equals": "utf8"},
        {"sql": "select 4294967296 as some_bytes", "at_most": "25% of memory"},
    )
    assert [status for status, _ in found] == ["pass"] * 7, found
    assert found[3][1] == "most_bytes is 64MB"


@pytest.mark.matrix
def test_of_rows_that_no_message_quotes_the_server_sends_no_value(pg_target):
    """Before, all of the first thousand came: 2 GB of 1,600 wide columns. What is counted is what PostgreSQL sent."""
    wide = ", ".join(f"repeat('x', 9000) as c{n}" for n in range(20))
    statement = f"select {wide} from generate_series(1, 5000)"  # noqa: S608 - of our own words
    checks = declare(pg_target, {"sql": statement, "is_empty": "yes"})
    with closing(connect(pg_target, Secrets({}))) as session:
        rows = []
        fetch_all = session.fetch_all
        session.fetch_all = lambda *asked: rows.append(fetch_all(*asked)) or rows[-1]
        observed = KIND.observe(session, checks)
    [answer] = [found[-1] for found in rows if found[-1] and "texts" in found[-1][0]]
    assert [len(row["texts"]) for row in answer] == [20] * ROWS_SHOWN + [0] * (MOST_ROWS + 1 - ROWS_SHOWN)
    [result] = [one for check in checks for one in KIND.plan(check, observed[check.address])]
    assert (result.status, result.message) == ("fail", "more than 1,000 rows, too long to be told; wanted none")


def test_statements_that_take_too_long_are_bounded_together(pg_target, monkeypatch):
    """Each may take a minute, and before they all did: a checklist of a hundred took hours."""
    monkeypatch.setattr(sql_checks, "SECONDS", 0.0)
    broken, fine = {"sql": "select 1 / 0", "equals": "1"}, {"sql": "select 1", "equals": "1"}
    assert decided(pg_target, fine) == [("pass", "?column? is 1")]
    assert (
        decided(pg_target, broken, fine)
        == [("error", "the statement was not run: those before it have taken the 0 s that all of a target may take")]
        * 2
    )


def test_a_statement_cannot_write_even_through_a_function(pg_target, sql):
    sql.execute("create table kept (id int)")
    sql.execute("create function sly() returns int language sql as 'insert into kept values (1) returning id'")
    [(status, message)] = decided(pg_target, {"sql": "select sly()", "equals": "1"})
    assert (status, "public.sly() is a function of users" in message) == ("error", True)
    assert sql.execute("select count(*) from kept").fetchone() == (0,)


def test_a_setting_that_is_hidden_is_not_unset(pg_target, sql):
    sql.execute("create role plain login")
    try:
        url = pg_target.url.get_secret_value().replace("postgres@", "plain@")
        target = pg_target.model_copy(update={"url": type(pg_target.url)(url)})
        check = {"pg_setting": "shared_preload_libraries", "equals": "pg_stat_statements"}
        [(status, message), (other, _), (denied, why)] = decided(
            target, check, {"pg_setting": "JIT", "equals": "on"}, {"sql": "select * from pg_authid", "is_empty": "no"}
        )
        assert (status, other, denied) == ("not-visible", "pass", "not-visible")
        assert "hidden from role plain" in message
        assert "permission denied" in why
        sql.execute("alter role plain set jit = off")
        [(masked, message)] = decided(target, {"pg_setting": "jit", "equals": "off"})
        assert masked == "not-visible", message
        sql.execute("alter role plain set statement_timeout = '7s'")
        [(masked, message)] = decided(target, {"pg_setting": "statement_timeout", "equals": "7s"})
        assert masked == "not-visible", message
    finally:
        sql.execute("drop role plain")


def test_our_own_sessions_settings_are_not_taken_for_the_servers(pg_target, sql):
    assert decided(pg_target, {"pg_setting": "statement_timeout", "equals": "0"}) == [
        ("pass", "statement_timeout is off")
    ]
    database = sql.execute("select current_database()").fetchone()[0]
    sql.execute(f"alter database {database} set statement_timeout = '90s'")
    [(status, message)] = decided(pg_target, {"pg_setting": "statement_timeout", "at_most": "2min"})
    assert (status, message) == ("pass", "statement_timeout is 90s")


def test_a_setting_that_nobody_knows_is_an_error(pg_target, postgres):
    [(status, message)] = decided(pg_target, {"pg_setting": "work_memory", "equals": "1"})
    assert status == "error"
    assert "knows no setting work_memory" in message


def test_every_sentinel_is_a_value_that_its_setting_can_have(sql):
    rows = sql.execute(
        "select name, min_val::numeric from pg_settings where name = any(%s)", [[n for n, _ in SENTINELS]]
    )
    known = dict(rows.fetchall())
    assert all(known[name] <= int(value) for name, value in SENTINELS if name in known)
    assert len(known) >= len(SENTINELS) - 1  # some came with a later version


def test_a_table_without_autovacuum_is_named(pg_target, sql):
    sql.execute("create table public.staging () with (autovacuum_enabled = off)")
    sql.execute("create table public.fine () with (autovacuum_enabled = on)")
    items = yaml.safe_load((DESIRED / "checklists" / "postgres.yaml").read_text())["checklist"]
    statement = next(item["check"]["sql"] for item in items if item["id"] == "pg-autovacuum")
    assert decided(pg_target, {"sql": statement, "is_empty": "yes"}) == [
        ("fail", "1 row: staging, has autovacuum_enabled = off; wanted none")
    ]


@pytest.mark.parametrize("repeat", [1, 2])
def test_the_same_evidence_always_gives_the_same_result(pg_target, repeat):
    items = declare(pg_target, {"pg_setting": "jit", "equals": "on"})
    assert results(pg_target, items) == results(pg_target, items)


@pytest.mark.parametrize(
    "relation",
    [
        "pg_authid",
        "pg_catalog.pg_shadow",
        '"pg_user_mapping"',
        "pg_hba_file_rules",
        "pg_file_settings",
        "PG_SUBSCRIPTION",
    ],
)
def test_a_limited_author_asks_for_no_passwords(pg_target, relation):
    """Before, the check of a pull request told the hash of every password, where a superuser made the plan."""
    check = {"sql": f"select pg_catalog.count(*) as n from {relation}", "at_least": "0"}  # noqa: S608 - ours
    [(status, _)] = decided(pg_target, check)
    assert status == "pass"
    limited = Secrets({}, Reach(variables={}))
    [(status, message)] = decided(pg_target, check, secrets=limited)
    assert status == "error"
    assert "may hold passwords" in message
