"""A database in which strangers have nothing is asked for less; the first thing that one makes is noticed all the same.

Whether they have anything is found out as a session begins, and looked at again before each text of users.
"""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from pydantic import SecretStr

from reconciler.errors import ObservationFailed
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.session import connect

pytestmark = pytest.mark.matrix

CAME = "at this very moment somebody made or changed something"

FIRST = {
    "function": "create function public.f(a int) returns int language sql immutable as 'select 1'",
    "operator": "create operator public.=== (function = pg_catalog.int4eq, leftarg = int, rightarg = int)",
    "domain": "create domain public.d as int check (value > 0)",
    "enum": "create type public.e as enum ('a')",
    "composite": "create type public.c as (a int)",
    "range": "create type public.r as range (subtype = int)",
    "aggregate": "create aggregate public.a (int) (sfunc = pg_catalog.int4pl, stype = int)",
    "procedure": "create procedure public.p () language sql as ''",
    "table": "create table public.t (a int)",
    "materialized view": "create materialized view public.m as select 1 as a",
    "view": "create view public.v as select 1 as a",
    "function of a session": "create function pg_temp.f(a int) returns int language sql immutable as 'select 1'",
}


@pytest.fixture
def writer(sql, mallory):
    """Mallory, who may write to a schema that everybody's names are looked for in."""
    sql.execute(f"grant create on schema public to {mallory.info.user}")
    return mallory


@pytest.mark.parametrize("made", FIRST.values(), ids=FIRST)
def test_it_is_noticed_before_a_question(made, writer, pg_target, secrets):
    with closing(connect(pg_target, secrets)) as session:
        assert not session.strangers_have_something
        writer.execute(made)
        question = Question.of(session)
        code = ForeignCode(question, session.fetch_all(question.queries))
        text = reached("1 + 1")
        assert all(
            CAME in why
            for why in (code.in_text(text), code.in_row(("public", "x")), code.in_index(("public", "x")),
                        code.in_table(("public", "x")), code.in_statement(text), code.in_event_triggers())
        )  # fmt: skip


@pytest.mark.parametrize("made", FIRST.values(), ids=FIRST)
def test_it_is_noticed_before_a_text(made, writer, pg_target, secrets):
    with closing(connect(pg_target, secrets)) as session:
        question = Question.of(session)
        code = ForeignCode(question, session.fetch_all(question.queries))
        assert code.in_text(reached("1 + 1")) == ""
        assert session.fetch_all([*code.with_path(session.own_path), ("select 1 as one", None)])[-1] == [{"one": 1}]
        writer.execute(made)
        with pytest.raises(ObservationFailed, match=CAME):
            session.fetch_all([*code.with_path(session.own_path), ("select 1 as one", None)])


@pytest.mark.parametrize("which", ["function", "type", "table"])
def test_what_they_are_given_is_theirs(which, sql, writer, pg_target, secrets):
    made = {"function": (FIRST["function"], "function public.f"), "type": (FIRST["enum"], "type public.e"),
            "table": (FIRST["table"], "table public.t")}[which]  # fmt: skip
    sql.execute(made[0])
    with closing(connect(pg_target, secrets)) as session:
        assert not session.strangers_have_something
    sql.execute(f"alter {made[1]} owner to {writer.info.user}")
    with closing(connect(pg_target, secrets)) as session:
        assert session.strangers_have_something


def test_whoever_made_the_cluster_may_be_a_superuser_no_longer(sql, postgres, pg_target, secrets):
    """The server keeps no owner of what was there from the beginning, which is that role's."""
    if sql.info.server_version >= 160000:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="bootstrap"):
            sql.execute("alter role postgres nosuperuser")
        return
    sql.execute("create role another superuser login")
    url = postgres.url(sql.info.dbname, user="another")
    with psycopg.connect(url, autocommit=True) as another:
        try:
            another.execute("alter role postgres nosuperuser")
            with closing(connect(pg_target.model_copy(update={"url": SecretStr(url)}), secrets)) as session:
                assert session.strangers_have_something
        finally:
            another.execute("alter role postgres superuser")
    sql.execute("drop role another")


def test_a_foreign_table_is_one_whosever_it_is(sql, pg_target, secrets):
    with closing(connect(pg_target, secrets)) as session:
        question = Question.of(session)
        code = ForeignCode(question, session.fetch_all(question.queries))
        sql.execute("create foreign data wrapper w; create server s foreign data wrapper w")
        sql.execute("create foreign table public.elsewhere (a int) server s")
        with pytest.raises(ObservationFailed, match=CAME):
            session.fetch_all(code.with_path(session.own_path))
    with closing(connect(pg_target, secrets)) as session:
        assert session.strangers_have_something


def test_temporary_tables_of_others_come_and_go(writer, pg_target, secrets):
    writer.execute("create temporary table t (a int)")
    with closing(connect(pg_target, secrets)) as session:
        assert not session.strangers_have_something
        assert not Question.of(session).strangers
        assert Question.of(session, [reached("pg_temp_3.f(1)")]).strangers


def test_what_they_have_is_asked_for_from_the_beginning(writer, pg_target, secrets):
    writer.execute(FIRST["function"])
    with closing(connect(pg_target, secrets)) as session:
        question = Question.of(session, [reached("f(1)")])
        code = ForeignCode(question, session.fetch_all(question.queries))
        assert writer.info.user in code.in_text(reached("f(1)"))
