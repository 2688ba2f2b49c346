"""Limits that the owner of a database gives every session in it end none of ours.

Each was seen to end a plan, or an apply, with "the connection was lost" or "cannot connect", and nothing that said by
what: on 13 and later idle_in_transaction_session_timeout and statement_timeout, on 14 idle_session_timeout, on 17
transaction_timeout.
"""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from applying.acting import apply, message, plan_for
from pg_index.declared import tables

from reconciler.errors import ConnectionFailed
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres import role_and_database_timeouts

LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout",
          "transaction_timeout"]  # fmt: skip
SINCE = {"idle_session_timeout": 140000, "transaction_timeout": 170000}


@pytest.mark.matrix
@pytest.mark.parametrize("of", ["database", "role"])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_a_millisecond_ends_no_session_of_ours(limit, of, sql, database, pg_target, postgres):
    if sql.info.server_version < SINCE.get(limit, 0):
        pytest.skip("this version does not have it")
    sql.execute("create table tasks (id int, title text); insert into tasks select n from generate_series(1, 2000) n")
    sql.execute("create role owner_of_it login superuser" if of == "role" else "select")
    name = "owner_of_it" if of == "role" else sql.info.dbname
    sql.execute(f"alter {of} {name} set {limit} = '1ms'")
    url = pg_target.url.get_secret_value().replace("postgres@", "owner_of_it@" if of == "role" else "postgres@")
    target = pg_target.model_copy(update={"url": type(pg_target.url)(url)})
    try:
        wanted = tables(target, {"public.tasks": {"indexes": {"i": {"columns": ["id", "lower(title)"]}}}})
        receipt = apply(plan_for(target, wanted), target)
        assert receipt.succeeded, message(receipt)
        for _ in range(3):
            assert plan_for(target, wanted).is_empty
    finally:
        sql.execute("drop index if exists i")
        sql.execute(f"alter {of} {name} reset {limit}")
        if of == "role":
            sql.execute("drop owned by owner_of_it; drop role owner_of_it")


def test_options_of_the_url_still_count(sql, pg_target):
    sql.execute(f"alter database {sql.info.dbname} set idle_in_transaction_session_timeout = '1ms'")
    url = psycopg.conninfo.make_conninfo(pg_target.url.get_secret_value(), options="-c work_mem=7MB")
    target = pg_target.model_copy(update={"url": type(pg_target.url)(url)})
    with closing(connect(target, Secrets({}))) as session:
        assert session.fetch("select current_setting('work_mem') as it")[0]["it"] == "7MB"


def test_a_session_without_such_limits_asks_for_nothing(sql, pg_target, monkeypatch):
    monkeypatch.setattr(role_and_database_timeouts, "asked_for", lambda *_: pytest.fail("it asked"))
    sql.execute(f"alter database {sql.info.dbname} set statement_timeout = '30s'")
    connect(pg_target, Secrets({})).close()


@pytest.mark.pg(">= 17")
def test_where_nothing_helps_the_way_out_is_said(sql, pg_target, monkeypatch):
    """As behind a pooler that refuses to be asked."""
    sql.execute(f"alter database {sql.info.dbname} set transaction_timeout = '1ms'")
    monkeypatch.setattr(role_and_database_timeouts, "asked_for", lambda *_: {"options": "-c no.such-thing"})
    for _ in range(20):  # on a fast machine one may come through
        try:
            connect(pg_target, Secrets({})).close()
        except ConnectionFailed as error:
            said = error.hint
            break
    else:
        pytest.skip("every session was faster")
    assert "transaction_timeout" in said
    assert "pg_db_role_setting" in said
