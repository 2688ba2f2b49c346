"""A table that takes too long to read is told and left out, and all others are looked at.

The owner of one table was seen to end every drift and import of its database: with 1,500 columns and 5,000 indexes on
expressions, made in seconds, PostgreSQL 14 takes over a minute to print what they are.
"""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from applying.acting import plan_for
from pg_index.declared import tables
from pg_index.test_unlisted import desired
from pg_index.test_unlisted import planned as listed

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.observing import catalogue, locked_or_slow_tables
from reconciler.model import NoticeType
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres import session_settings
from reconciler.targets.postgres.session import PostgresSession
from reconciler.yaml.writing import LeftOut

pytestmark = pytest.mark.rotated

TIMEOUT = "4s"
"""Of a question, and of the short ones a half: more than any other table here needs, on a machine that is busy, too."""

NAME = "i.relname as name,"
SLEEPING = "case when t.relname like 'slow%%' then pg_catalog.pg_sleep(3600)::text::name else i.relname end as name,"


@pytest.fixture
def slow(monkeypatch, sql):
    """Tables whose names begin with "slow" take an hour to read, whatever the machine and the version; `fine` ones do
    not. The first question is not waited for as long as it is in earnest."""
    settings = {**session_settings.READING_SETTINGS, "statement_timeout": TIMEOUT}
    monkeypatch.setattr(session_settings, "_READING", session_settings.setting(settings, local=True, where_there={}))
    monkeypatch.setattr(locked_or_slow_tables, "_SHORT", locked_or_slow_tables._SHORT.replace("/ 40", "/ 2"))
    monkeypatch.setattr(catalogue, "INDEXES", catalogue.INDEXES.replace(NAME, SLEEPING))
    assert SLEEPING in catalogue.INDEXES
    sql.execute("create table fine (a int, b int); create index fine_a on fine (a); create index fine_b on fine (b)")
    sql.execute("create table slow (a int, b int); create index slow_a on slow (a)")


FINE = {"public.fine": {"indexes": {"fine_a": {"columns": ["a"]}, "new": {"columns": ["a", "b"]}}}}


def hidden(plan) -> dict[str, str]:
    return {n.address.name: n.message for n in plan.notices if n.type is NoticeType.NOT_VISIBLE}


def test_declared_ones_are_not_visible_and_the_others_are_planned(slow, pg_target):
    """Seen to fail before, as do those below: "canceling statement due to statement timeout"."""
    section = {"slow_a": {"columns": ["a"]}, "slow_b": {"columns": ["b"]}, "slow_c": "absent"}
    plan = plan_for(pg_target, tables(pg_target, FINE | {"public.slow": {"indexes": section}}))
    assert [change.address.name for change in plan.changes] == ["public.new"]
    found = hidden(plan)
    assert sorted(found) == ["public.slow_a", "public.slow_b", "public.slow_c"]
    assert all(message.startswith("public.slow takes too long to read") for message in found.values())
    assert len(plan.notices) == 3


def test_what_nobody_lists_is_told_of_all_others(slow, database, tmp_path):
    plan = listed(desired(tmp_path, "unlisted_indexes: drift", url=database))
    assert hidden(plan).keys() == {"public.slow.*"}
    told = {notice.address.name for notice in plan.notices if notice.type is NoticeType.UNWANTED}
    assert told == {"public.fine_a", "public.fine_b"}


def test_an_import_leaves_it_out_and_says_so(slow, pg_target):
    with closing(connect(pg_target, Secrets({}))) as session:
        section = KIND.written(session)["tables"]
    assert section.keys() == {"public.fine", "public.slow"}
    assert isinstance(section["public.slow"], LeftOut)
    assert "takes too long" in section["public.slow"].reason
    assert section["public.fine"]["indexes"].keys() == {"fine_a", "fine_b"}


def test_one_that_is_held_as_a_whole_is_told_apart_from_a_slow_one(slow, sql, database, pg_target, monkeypatch):
    """Whichever of them the server comes to first."""
    sql.execute("create table held (a int); create index held_a on held (a)")
    section = {f"public.{name}": {"indexes": {f"{name}_a": {"columns": ["a"]}}} for name in ("held", "slow", "fine")}
    with psycopg.connect(database) as holder:
        holder.execute("lock table held in access exclusive mode")
        found = hidden(plan_for(pg_target, tables(pg_target, section)))
        holder.rollback()
    assert found.keys() == {"public.held_a", "public.slow_a"}
    assert "public.held is locked as a whole by" in found["public.held_a"]
    assert "public.slow takes too long" in found["public.slow_a"]


def test_many_slow_ones_hide_no_lighter_one_and_take_a_bounded_number_of_questions(slow, sql, pg_target, monkeypatch):
    """The lightest are asked for first. What was not asked about in the end is told with that reason."""
    monkeypatch.setattr(locked_or_slow_tables, "MOST_PIECES", 4)
    sql.execute("alter table slow add c int")
    for name in ("slow2", "slow3", "slow4"):
        sql.execute(f"create table {name} (a int, b int, c int); create index {name}_a on {name} (a)")
    asked = []
    fetch_all = PostgresSession.fetch_all
    monkeypatch.setattr(PostgresSession, "fetch_all", lambda *a, **k: (asked.append(a[1]), fetch_all(*a, **k))[1])
    names = ["slow4", "slow", "fine", "slow3", "slow2"]
    section = {f"public.{name}": {"indexes": {f"{name}_a": {"columns": ["a"]}}} for name in names}
    found = hidden(plan_for(pg_target, tables(pg_target, section)))
    assert found.keys() == {f"public.{name}_a" for name in names if name != "fine"}
    assert any("others took too long" in message for message in found.values())
    assert sum(queries[:1] == [(locked_or_slow_tables._SHORT, None)] for queries in asked) == 4


def test_a_question_that_somebody_ends_is_no_fault_of_a_table(sql, pg_target, monkeypatch):
    """Nothing is left out then: the error is told as it is."""
    with closing(connect(pg_target, Secrets({}))) as session:
        sql.execute("create table fine (a int); create index fine_a on fine (a)")

        def ended(_) -> None:
            session.fetch("select pg_catalog.pg_cancel_backend(pg_catalog.pg_backend_pid()), pg_catalog.pg_sleep(60)")

        with pytest.raises(ObservationFailed) as error:
            locked_or_slow_tables.read_without(session, [("public", "fine")], ended)
    assert error.value.sqlstate == locked_or_slow_tables.QUERY_CANCELED
