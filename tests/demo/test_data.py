from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql as compose

from reconciler.demo import data
from reconciler.errors import UsageError

TABLES = ("users", "agents", "sessions", "tasks", "rounds", "votes")
ROWS = 20_000


def one(sql, query: str):
    return sql.execute(query).fetchone()[0]


def rows_of(sql, table: str, what: str):
    query = compose.SQL("select {} from {} t").format(compose.SQL(what), compose.Identifier(table))
    return sql.execute(query).fetchone()[0]


def fingerprint(sql) -> list[str]:
    sql.execute("set timezone to 'UTC'")
    return [rows_of(sql, table, "md5(string_agg(t::text, '' order by t::text))") for table in TABLES]


def empty(sql) -> None:
    sql.execute("drop schema public cascade; create schema public")


def test_rows_are_as_many_as_asked_for_and_the_rest_in_proportion(sql):
    data.load(sql, ROWS)
    counted = {table: rows_of(sql, table, "count(*)") for table in TABLES}
    expected = dict(data.sizes(ROWS))
    assert counted["tasks"] == ROWS
    assert 0.99 * expected.pop("votes") < counted.pop("votes") <= ROWS
    assert counted == expected


SHARES = [
    (
        "select count(*) filter (where status = 'completed')::float8 / count(*) from tasks",
        0.89, 0.92, "nine tasks in ten are completed",
    ),
    (
        "select count(*) filter (where status in ('pending', 'running'))::float8 / count(*) from tasks",
        0.01, 0.025, "few wait or run",
    ),
    (
        "select avg((id > (select max(id) * 0.98 from tasks))::int)::float8 from tasks where status = 'running'",
        1, 1, "what runs is recent",
    ),
    (
        "select avg((user_id <= (select max(id) / 100 from users))::int)::float8 from tasks",
        0.15, 0.35, "a hundredth of the users owns about a fifth of the tasks",
    ),
    (
        "select avg((agent_id <= (select max(id) / 100 from agents))::int)::float8 from tasks",
        0.15, 0.35, "a hundredth of the agents does about a fifth of the work",
    ),
    (
        "select avg((round_id <= 5)::int)::float8 from votes",
        0.65, 0.75, "five rounds have most votes",
    ),
    (
        "select avg((created_at > (select max(created_at) from tasks) - interval '45 days')::int)::float8 from tasks",
        0.37, 0.43, "the last quarter of the time has four tasks in ten",
    ),
    (
        "select avg((ended_at is null)::int)::float8 from sessions",
        0.005, 0.015, "one session in a hundred is live",
    ),
    (
        "select correlation::float8 from pg_stats where tablename = 'votes' and attname = 'created_at'",
        0.99, 1, "votes lie in the order of time, which is what a BRIN index needs",
    ),
]  # fmt: skip


def test_the_data_are_as_skewed_as_claimed(sql):
    data.load(sql, ROWS)
    wrong = [(reason, share) for query, low, high, reason in SHARES if not low <= (share := one(sql, query)) <= high]
    assert wrong == []


CONTRADICTIONS = [
    (
        "select count(*) from votes v join rounds r on r.id = v.round_id"
        " where v.created_at not between r.opens_at and r.closes_at",
        "votes are cast while their round is open",
    ),
    (
        "select count(*) from votes v join tasks t on t.id = v.task_id where v.created_at < t.created_at",
        "nobody votes for a task that is not there yet",
    ),
    (
        "select count(*) from tasks t join sessions s on s.id = t.session_id where t.agent_id <> s.agent_id",
        "a task is worked on by the agent of its session",
    ),
    ("select count(*) from tasks where (status = 'pending') <> (agent_id is null)", "an agent takes what is pending"),
    ("select count(*) from tasks where (status = 'completed') <> (score is not null)", "what is completed is scored"),
    (
        "select count(*) from agents a join users u on u.id = a.owner_id where a.created_at < u.created_at",
        "owners first",
    ),
    (
        "select count(*) from sessions s join agents a on a.id = s.agent_id where s.started_at < a.created_at",
        "agents first",
    ),
    ("select count(*) from sessions where started_at > last_seen_at", "time goes one way"),
    (
        "select count(*) from rounds where (status = 'open') <> (now_ between opens_at and closes_at)",
        "rounds follow the clock",
    ),
]


def test_no_row_contradicts_another(sql):
    data.load(sql, ROWS)
    now = f"timestamptz '{data.NEWEST.isoformat()}'"
    wrong = [(reason, many) for query, reason in CONTRADICTIONS if (many := one(sql, query.replace("now_", now)))]
    assert wrong == []


def test_the_same_seed_gives_the_same_data_in_any_time_zone_and_another_seed_gives_others(sql):
    data.load(sql, 2_000)
    first = fingerprint(sql)
    empty(sql)
    sql.execute("set timezone to 'Pacific/Auckland'")
    data.load(sql, 2_000)
    assert fingerprint(sql) == first
    empty(sql)
    data.load(sql, 2_000, seed=2)
    differing = [table for table, old, new in zip(TABLES, first, fingerprint(sql), strict=True) if old != new]
    assert differing == ["users", "agents", "sessions", "tasks", "votes"]


def test_all_foreign_keys_of_the_schema_are_there_and_checked(sql):
    data.load(sql, 500)
    schema = Path(data.__file__).with_name("schema.sql").read_text()
    keys = sql.execute("select convalidated from pg_constraint where contype = 'f'").fetchall()
    assert keys == [(True,)] * schema.count(" references ")


def test_only_primary_keys_have_an_index(sql):
    data.load(sql, 500)
    assert one(sql, "select count(*) from pg_index where indrelid >= 16384 and not indisprimary") == 0
    assert one(sql, "select count(*) from pg_index where indrelid >= 16384 and indrelid::regclass::text = any"
                    " ('{users,agents,sessions,tasks,rounds,votes}')") == 6  # fmt: skip


def test_the_application_can_go_on_inserting(sql):
    data.load(sql, 500)
    inserted = one(sql, "insert into tasks (user_id, title) values (1, 'Plan the next release') returning id")
    assert inserted == 501


def test_nothing_of_the_loading_is_left_in_the_session(sql):
    data.load(sql, 500)
    assert one(sql, "select count(*) from pg_proc where pronamespace = pg_my_temp_schema()") == 0


@pytest.mark.parametrize("rows", [1, 2, 7, 99])
def test_few_rows_are_possible(sql, rows):
    data.load(sql, rows)
    assert one(sql, "select count(*) from tasks") == rows


@pytest.mark.parametrize("rows", [0, -5, data.MOST_ROWS + 1])
def test_an_impossible_number_of_rows_is_refused(rows):
    with pytest.raises(UsageError, match="choose a number from 1 to"):
        data.load(None, rows)


def test_a_database_that_has_tables_already_is_left_alone(sql):
    sql.execute("create table tasks (id int)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        data.load(sql, 100)
    left = sql.execute("select relname from pg_class where relnamespace = 'public'::regnamespace").fetchall()
    assert left == [("tasks",)]
