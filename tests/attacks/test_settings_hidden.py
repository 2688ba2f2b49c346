"""Settings that a role may not see are asked for in a way that runs nobody's code: on 13 and 14, by PL/pgSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting.observing import hidden_from_role
from reconciler.model import PostgresTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

pytestmark = pytest.mark.matrix

ASKED = ["shared_preload_libraries", "work_mem", "nonsense", "nonsense.at_all"]
THERE = {"shared_preload_libraries", "work_mem"}


@pytest.fixture
def victim(database: str, postgres: PostgresServer, sql: psycopg.Connection) -> Iterator[Target]:
    """A superuser, and a schema of somebody else; every session begins with an empty search_path or with this one."""
    sql.execute("create role victim superuser login")
    sql.execute("create schema evil")
    yield PostgresTarget(name="main", url=database.replace("postgres@", "victim@"))
    sql.execute("drop role victim")


def test_operators_of_others_are_not_found(victim, sql, postgres):
    """Seen to leave its mark before, on 13 and 14: `||` was looked for by the search_path."""
    mark = postgres.folder / f"mark-{os.urandom(4).hex()}"
    sql.execute(f"""
        create function evil.appended(text[], text) returns text[] language plpgsql as $$ begin
            copy (select 1) to program 'touch {mark}'; return pg_catalog.array_append($1, $2); end $$
    """)
    sql.execute("create operator evil.|| (leftarg = text[], rightarg = text, function = evil.appended)")
    with closing(connect(victim, Secrets({}))) as session:
        session._connection.execute("set search_path = evil, pg_catalog")
        assert hidden_from_role.existing(session, ASKED) == THERE
    assert not mark.exists()


def test_types_of_others_are_not_found(victim, sql, postgres):
    """Seen before, on all versions: `text` was evil.text, whose check was run."""
    mark = postgres.folder / f"mark-{os.urandom(4).hex()}"
    sql.execute(f"""
        create function evil.checked(pg_catalog.text) returns bool language plpgsql as $$ begin
            copy (select 1) to program 'touch {mark}'; return true; end $$
    """)
    sql.execute("create domain evil.text as pg_catalog.text check (evil.checked(value))")
    with closing(connect(victim, Secrets({}))) as session:
        session._connection.execute("set search_path = evil, pg_catalog")
        assert hidden_from_role.existing(session, ASKED) == THERE
    assert not mark.exists()


@pytest.mark.parametrize("owned", ["language plpgsql", "function plpgsql_inline_handler(internal)"])
def test_a_language_that_is_not_a_superusers_is_not_used(owned, sql, database):
    """Whoever owns it, or what runs it, may have put something else there. Seen to be used before, on 13 and 14."""
    sql.execute("create role owner")
    sql.execute(f"alter {owned} owner to owner")
    statements = []
    with closing(connect(PostgresTarget(name="main", url=database), Secrets({}))) as session:
        fetch = session.fetch_all
        session.fetch_all = lambda queries: statements.extend(queries) or fetch(queries)
        assert hidden_from_role.existing(session, ASKED) == THERE
    assert not [query for query, _ in statements if "do " in str(query)]
    sql.execute(f"alter {owned} owner to postgres")
    sql.execute("drop role owner")
