"""Settings that the owner of a database gives its sessions change nothing of what we plan, check or apply.

He needs no other right for them. Of those marked `seen`, a plan, a check or an apply was seen to differ.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from applying.acting import apply, message, plan_for
from check.declare import decided
from pg_index.declared import tables
from waiting import PATIENCE

from reconciler.errors import ObservationFailed
from reconciler.model import HazardType, Plan, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres.opening import open_connection


class Row(NamedTuple):
    name: str
    value: str
    reason: str


ROWS = [
    Row("exit_on_error", "on", "seen: a check that fails ended the session, and with it the plan"),
    Row("quote_all_identifiers", "on", "seen: a definition, and with it what a plan keeps as undo, was another text"),
    Row("restrict_nonsystem_relation_kind", "'view, foreign-table'", "seen: no view could be read any more"),
    Row("array_nulls", "off", "seen: NULL in the text of an array was a word"),
    Row("transform_null_equals", "on", "seen: = NULL was IS NULL"),
    Row("row_security", "off", "seen: a table with policies could not be read"),
    Row("backslash_quote", "off", "seen: a constant that is right was refused"),
    Row("client_min_messages", "debug5", "thousands of lines that nobody reads"),
    Row("stats_fetch_consistency", "none", "counters of one row are of several moments"),
    Row("gin_fuzzy_search_limit", "1", "an index leaves rows out at random"),
    Row("xmloption", "document", "what is right as content is refused"),
    Row("xmlbinary", "hex", "bytes in XML are another text"),
    Row("standard_conforming_strings", "off", "a backslash is no backslash"),
    Row("extra_float_digits", "-15", "a number loses its end"),
    Row("datestyle", "SQL", "dates are other texts"),
    Row("intervalstyle", "sql_standard", "intervals are other texts"),
    Row("bytea_output", "escape", "bytes are other texts"),
    Row("synchronous_commit", "off", "what is said to be done could be lost: see below"),
    Row("default_transaction_isolation", "serializable", "what others do may refuse it"),
    Row("default_transaction_deferrable", "on", "we wait for others: see below"),
    Row("default_transaction_read_only", "on", "nothing could be built"),
]

WITHIN = [
    {"sql": "select 1/0", "equals": "1"},
    {"sql": "select count(*) from app.seen", "equals": "300"},
    {"sql": "select ('{NULL}'::text[])[1] is null", "equals": "true"},
    {"sql": "select (1 = null) is null", "equals": "true"},
    {"sql": "select E'it\\'s'", "equals": "it's"},
    {"sql": "select count(*) from app.guarded", "equals": "0"},
    {"sql": "select 'a\\b'", "equals": "a\\b"},
]

WANTED = {
    "app.tasks": {
        "indexes": {
            "i": {"columns": ["lower(a)", "id"], "where": "a <> E'it\\'s\\\\'"},
            "n": {"columns": ["id"], "where": "tags <> '{NULL,x}'::text[] and w > 0.1234567890123457"},
            "d": {"columns": ["a"], "where": "at > '2020-02-03 04:05:06'"},
        }
    }
}

SETUP = r"""
    create schema app;
    create table app.tasks (id int, a text, tags text[], w float8, at timestamp);
    insert into app.tasks select n, 'x' || n % 9, '{x}' from generate_series(1, 300) n;
    create view app.seen as select * from app.tasks;
    create table app.guarded as select 1 as id;
    alter table app.guarded enable row level security;
    create index i on app.tasks (lower(a)) where a <> E'q\\x';
    create index d on app.tasks (a) where at > '2020-02-03 04:05:07' and w > 0.1234567890123457;
    analyze;
"""


def _told(plan: Plan) -> list[dict[str, Any]]:
    """What a plan says, but for what depends on its moment."""
    return [change.model_dump(mode="json", exclude={"evidence"}) for change in plan.changes]


@pytest.mark.rotated
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_an_owner_gives_our_sessions_changes_nothing(row, sql, database, mallory, pg_target):
    if sql.execute("select 1 from pg_settings where lower(name) = %s", (row.name,)).fetchone() is None:
        pytest.skip("this version does not have it")
    sql.execute(SETUP)
    sql.execute(f"alter database {sql.info.dbname} owner to {mallory.info.user}")
    sql.execute(f"grant select on all tables in schema app to {mallory.info.user}")
    sql.execute(f"grant usage on schema app to {mallory.info.user}")
    reader = _as(pg_target, mallory.info.user)
    wanted = tables(pg_target, WANTED)
    planned, checked = _told(plan_for(pg_target, wanted)), decided(reader, *WITHIN)
    assert [status for status, _ in checked] == ["error", *["pass"] * (len(WITHIN) - 1)], checked
    assert len(planned) == 3
    mallory.execute(f"alter database {sql.info.dbname} set {row.name} = {row.value}")
    plan = plan_for(pg_target, wanted)
    assert _told(plan) == planned, row.reason
    assert decided(reader, *WITHIN) == checked, row.reason
    receipt = apply(plan, pg_target, allowed=[HazardType.INDEX_DROP])
    assert receipt.succeeded, (row.reason, message(receipt))
    assert plan_for(pg_target, wanted).is_empty, row.reason


def test_what_cannot_be_told_ends_no_session_either(sql, database, mallory, pg_target):
    """Where a query is refused, what it was to leave behind is taken back, which is refused as well. Both ended it."""
    sql.execute(f"alter database {sql.info.dbname} owner to {mallory.info.user}")
    mallory.execute(f"alter database {sql.info.dbname} set exit_on_error = on")
    with closing(connect(pg_target, Secrets({}))) as session:
        for _ in range(2):
            with pytest.raises(ObservationFailed, match="division by zero"):
                session.fetch_all([("select 1/0", None)], on_failure=[("deallocate nothing", None)])
        assert session.fetch("select 1 as one") == [{"one": 1}]


def test_a_deferrable_transaction_by_default_has_nobody_wait_for_others(sql, database, mallory, pg_target, postgres):
    """A session that writes was seen to wait, before its first answer, for as long as another one took."""
    sql.execute(f"alter database {sql.info.dbname} owner to {mallory.info.user}")
    for name, value in {"isolation": "serializable", "read_only": "on", "deferrable": "on"}.items():
        mallory.execute(f"alter database {sql.info.dbname} set default_transaction_{name} = {value}")
    with psycopg.connect(postgres.url(sql.info.dbname, mallory.info.user), autocommit=True) as other:
        other.execute("begin isolation level serializable read write not deferrable")
        other.execute("create table evil.held (id int)")
        opened = []
        opening = threading.Thread(target=lambda: opened.append(open_connection(pg_target, Secrets({}), {})))
        opening.start()
        opening.join(PATIENCE)
        assert opened, "it waits"
        [row] = opened[0].execute("select count(*) as n from pg_catalog.pg_class where false")
        assert row["n"] == 0
        other.execute("rollback")
    opening.join()
    opened[0].close()


@pytest.mark.parametrize(("given", "kept"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_what_is_said_to_be_done_survives_a_crash(given, kept, sql, database, mallory, pg_target):
    """An apply left its commits to be written later, where a database says so. Standbys are its own business."""
    sql.execute(f"alter database {sql.info.dbname} owner to {mallory.info.user}")
    mallory.execute(f"alter database {sql.info.dbname} set synchronous_commit = {given}")
    with closing(open_connection(pg_target, Secrets({}), {})) as connection:
        [row] = connection.execute("select pg_catalog.current_setting('synchronous_commit') as it")
    assert row["it"] == kept


def _as(target: Target, role: str) -> Target:
    url = target.url.get_secret_value().replace("postgres@", f"{role}@")
    return target.model_copy(update={"url": type(target.url)(url)})
