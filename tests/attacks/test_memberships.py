"""A membership makes a role trusted only where it lets the session act as that role.

Since 16 whoever creates a role is its administrator, granted by the superuser from the beginning, without SET and
without INHERIT: on 18 the code of the created role was seen to run as its creator before those were looked at.
"""

from __future__ import annotations

import psycopg
import pytest
from pg_index.declared import tables

from attacks.test_foreign_code import ARMED, HARMLESS, TABLE, everything

OPTIONS = [
    ("admin true, inherit false, set false", False),
    ("admin false, inherit false, set false", False),
    ("inherit true, set false", True),
    ("inherit false, set true", True),
]

INDEXES = {"partial": {"columns": ["status"], "where": "evil.f(3) < priority"}}


@pytest.fixture
def runner(sql):
    name = f"runner_{sql.info.dbname}"
    sql.execute(f"create role {name} login createrole in role pg_monitor")
    yield name
    sql.execute(f"drop owned by {name} cascade")
    sql.execute(f"drop role {name}")


def planned(target, postgres, database, role):
    url = type(target.url)(postgres.url(database, role))
    lesser = target.model_copy(update={"url": url})
    everything(lesser, tables(lesser, {"evil.tasks": {"indexes": INDEXES}}))


def armed(connection):
    connection.execute((TABLE + HARMLESS).encode())
    connection.execute("create index partial on evil.tasks (status) where priority > evil.f(3)")
    connection.execute("grant usage on schema evil to public; grant select on evil.tasks to public")
    connection.execute(ARMED.encode())


@pytest.mark.matrix
@pytest.mark.parametrize(("options", "trusted"), OPTIONS, ids=[each[0] for each in OPTIONS])
def test_a_membership_counts_where_it_lets_act(options, trusted, sql, mallory, runner, pg_target, postgres, marks):
    if sql.info.server_version < 160000:
        pytest.skip("PostgreSQL 16 brought the options")
    sql.execute(f"grant {mallory.info.user} to {runner} with {options}")
    armed(mallory)
    planned(pg_target, postgres, sql.info.dbname, runner)
    assert bool(marks(runner)) == trusted


@pytest.mark.matrix
def test_whoever_created_a_role_does_not_run_its_code_for_that(sql, runner, pg_target, postgres, marks):
    name = f"created_{sql.info.dbname}"
    with psycopg.connect(postgres.url(sql.info.dbname, runner), autocommit=True) as creator:
        creator.execute(f"create role {name} login")
    try:
        sql.execute(f"create schema evil authorization {name}")
        with psycopg.connect(postgres.url(sql.info.dbname, name), autocommit=True) as created:
            armed(created)
        planned(pg_target, postgres, sql.info.dbname, runner)
        assert marks(runner) == []
    finally:
        sql.execute(f"drop owned by {name} cascade")
        sql.execute(f"drop role {name}")
