"""What is changed in place, what is carried over to a successor, and what others left behind."""

from __future__ import annotations

import os
import threading

import psycopg
import pytest
from live import changes, converge, outcomes, run
from pydantic import TypeAdapter
from waiting import until

from pg_index.declared import declared, tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Change, HazardType, NoticeType
from reconciler.targets.postgres.session_settings import READING_SETTINGS

pytestmark = pytest.mark.matrix

EMAIL = {"columns": ["lower(title)", "priority desc"]}


@pytest.fixture
def tasks(sql):
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 'title ' || n from generate_series(1, 500) n")
    return sql


@pytest.fixture
def fast(postgres, sql) -> str:
    """A tablespace. It belongs to the whole server, so its name is the test's own."""
    path = postgres.data.parent / f"space-{sql.info.dbname}"
    path.mkdir()
    owner = postgres.data.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    name = f"fast_{sql.info.dbname}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"create tablespace {name} location '{path}'")
    yield name
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"drop database {sql.info.dbname} (force)")
        connection.execute(f"drop tablespace {name}")
        connection.execute(f"create database {sql.info.dbname}")


def filenode(sql, name="i"):
    return sql.execute("select pg_relation_filenode(to_regclass(%s))", (name,)).fetchone()


def comment(sql, name="i"):
    return sql.execute("select obj_description(to_regclass(%s), 'pg_class')", (name,)).fetchone()[0]


def statistics(sql, name="i"):
    rows = sql.execute(
        "select attnum::int, attstattarget::int from pg_attribute where attrelid = to_regclass(%s)"
        " and coalesce(attstattarget, -1) <> -1 order by 1",
        (name,),
    )
    return dict(rows.fetchall())


def texts(change) -> list[str]:
    return [text for step in change.steps for text in step.statements]


def names(sql) -> list[str]:
    rows = sql.execute("select indexrelid::regclass::text from pg_index where indrelid = 'tasks'::regclass order by 1")
    return [name for (name,) in rows]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"comment": "one"}, {"comment": "two; it's"}, "comment 'one' → \"two; it's\""),
        ({"comment": "one"}, {"comment": ""}, "comment 'one' → 'none'"),
        ({}, {"comment": "%s {x} \\ ${y}"}, "comment 'none' → "),
        ({}, {"statistics": {"1": "500"}}, "statistics default → 500"),
        ({"statistics": {"1": "500"}}, {"statistics": {"1": "default"}}, "statistics 500 → default"),
        ({"with": {"fillfactor": "70"}}, {"with": {"fillfactor": "80"}}, "fillfactor=70 → fillfactor=80"),
        ({"with": {"fillfactor": "70"}}, {}, "fillfactor=70 → defaults"),
    ],
)
def test_it_is_changed_in_place(tasks, pg_target, before, after, said):
    converge(KIND, pg_target, declared(pg_target, i={**EMAIL, **before}))
    same = filenode(tasks)
    [change] = converge(KIND, pg_target, declared(pg_target, i={**EMAIL, **after}))
    assert change.action is Action.UPDATE
    assert said in change.summary
    assert filenode(tasks) == same
    assert all(step.attempts > 1 for step in change.steps)


def test_a_new_fillfactor_offers_the_reindex_that_would_rewrite_what_is_there(tasks, pg_target):
    converge(KIND, pg_target, declared(pg_target, i=EMAIL))
    [change] = converge(KIND, pg_target, declared(pg_target, i={**EMAIL, "with": {"fillfactor": "70"}}))
    [hazard] = [hazard for step in change.steps for hazard in step.hazards]
    assert hazard.type is HazardType.NEEDS_REINDEX
    assert hazard.message.endswith("until: reindex index concurrently public.i")


def test_what_is_not_declared_is_kept(tasks, pg_target):
    tasks.execute("create index i on tasks (lower(title), priority desc)")
    tasks.execute("comment on index i is 'by hand'")
    tasks.execute("alter index i alter column 1 set statistics 77")
    assert outcomes(KIND, pg_target, declared(pg_target, i=EMAIL)) == []


def test_a_successor_inherits_comment_statistics_cluster_mark_and_extension(tasks, pg_target):
    tasks.execute("create extension if not exists pg_trgm")
    tasks.execute("create index i on tasks (lower(title), priority desc)")
    tasks.execute("comment on index i is 'by hand'")
    tasks.execute("alter index i alter column 1 set statistics 77")
    tasks.execute("alter table tasks cluster on i")
    tasks.execute("alter index i depends on extension pg_trgm")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["lower(title)", "id"]}))
    assert change.action is Action.REPLACE
    assert comment(tasks) == "by hand"
    assert statistics(tasks) == {1: 77}
    assert tasks.execute("select indisclustered from pg_index where indexrelid = 'i'::regclass").fetchone() == (True,)
    tasks.execute("drop extension pg_trgm")
    assert names(tasks) == ["tasks_pkey"]


def test_a_successor_that_cannot_be_clustered_on_is_no_failure(tasks, pg_target):
    tasks.execute("create index i on tasks (priority)")
    tasks.execute("alter table tasks cluster on i")
    converge(KIND, pg_target, declared(pg_target, i={"columns": ["priority"], "where": "priority > 3"}))


def test_a_broken_one_gets_its_comment_back(tasks, pg_target):
    with pytest.raises(psycopg.errors.UniqueViolation):
        tasks.execute("create unique index concurrently i on tasks (status)")
    tasks.execute("comment on index i is 'by hand'")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert change.action is Action.REBUILD
    assert comment(tasks) == "by hand"


@pytest.mark.pg(">= 14")
def test_another_tablespace_is_a_reindex_and_back_again(tasks, pg_target, fast):
    tasks.execute("create index i on tasks (status)")
    for space in (fast, "pg_default"):
        [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"], "tablespace": space}))
        assert change.action is Action.UPDATE
        assert texts(change) == [f"reindex (tablespace {space}) index concurrently public.i"]


@pytest.mark.pg("< 14")
def test_before_14_another_tablespace_is_a_replacement(tasks, pg_target, fast):
    tasks.execute("create index i on tasks (status)")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"], "tablespace": fast}))
    assert change.action is Action.REPLACE
    assert "REINDEX" in change.reason


def test_a_partitioned_index_moves_with_its_parts(sql, pg_target, fast):
    sql.execute("create table parts (n int) partition by range (n)")
    sql.execute("create table part partition of parts default")
    sql.execute("create index i on parts (n)")
    wanted = tables(pg_target, {"public.parts": {"indexes": {"i": {"columns": ["n"], "tablespace": fast}}}})
    converge(KIND, pg_target, wanted)
    sql.execute("create table later partition of parts for values from (0) to (9)")
    assert outcomes(KIND, pg_target, wanted) == []
    back = tables(pg_target, {"public.parts": {"indexes": {"i": {"columns": ["n"], "tablespace": "pg_default"}}}})
    converge(KIND, pg_target, back)


@pytest.mark.parametrize("name", ["i", "é" * 31])
@pytest.mark.parametrize("end", ["_ccnew", "_ccold", "_ccnew1"])
def test_what_an_interrupted_reindex_left_is_dropped_and_nothing_else(tasks, pg_target, name, end):
    tasks.execute(f'create index "{name}" on tasks (status)')
    leftover = name.encode()[: 63 - len(end)].decode(errors="ignore") + end
    with pytest.raises(psycopg.errors.UniqueViolation):
        tasks.execute(f'create unique index concurrently "{leftover}" on tasks (status)')
    tasks.execute('create index "i_ccold2" on tasks (priority)')  # valid: somebody's own
    section = {"public.tasks": {"unlisted_indexes": "report", "indexes": {name: {"columns": ["status"]}}}}
    found = outcomes(KIND, pg_target, tables(pg_target, section))
    assert [type(each).__name__ for each in found] == ["Change", "Notice"]
    assert "interrupted REINDEX CONCURRENTLY" in found[0].reason
    assert not any(step.hazards for step in found[0].steps)
    run(pg_target, found[:1])
    assert leftover not in [each.strip('"') for each in names(tasks)]
    assert "i_ccold2" in names(tasks)


def test_a_real_reindex_that_was_cancelled_is_cleaned_up(tasks, pg_target, database):
    tasks.execute("create index i on tasks (status)")
    with psycopg.connect(database) as holder, psycopg.connect(database, autocommit=True) as worker:
        holder.execute("update tasks set priority = 1 where id = 1")
        failed = []

        def work() -> None:
            try:
                worker.execute("reindex index concurrently i")
            except psycopg.errors.QueryCanceled as error:
                failed.append(error)

        working = threading.Thread(target=work)
        working.start()
        until(lambda: tasks.execute("select to_regclass('i_ccnew')").fetchone() != (None,), "its copy is being built")
        [busy] = outcomes(KIND, pg_target, tables(pg_target, {"public.tasks": {"unlisted_indexes": "drop"}}))[1:]
        assert "built by process" in busy.message
        worker.cancel_safe()
        working.join()
        holder.rollback()
    assert failed
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert texts(change) == ["drop index concurrently public.i_ccnew"]


def test_an_invalid_index_that_nobody_declares_is_said_even_where_all_are_kept(tasks, pg_target):
    with pytest.raises(psycopg.errors.UniqueViolation):
        tasks.execute("create unique index concurrently broken on tasks (status)")
    tasks.execute("create index fine on tasks (priority)")
    [notice] = outcomes(KIND, pg_target, tables(pg_target, {"public.tasks": {"indexes": {}}}))
    assert (notice.type, notice.address.name) == (NoticeType.UNLISTED, "public.broken")
    assert "every write maintains it" in notice.message


def test_one_that_is_declared_absent_under_its_old_name_is_renamed(tasks, pg_target):
    tasks.execute("create index before on tasks (status)")
    wanted = declared(pg_target, after={"columns": ["status"], "comment": "renamed"}, before="absent")
    [change] = converge(KIND, pg_target, wanted)
    assert change.action is Action.RENAME
    assert texts(change)[0] == "alter index public.before rename to after"
    assert comment(tasks, "after") == "renamed"


def test_the_only_index_of_a_foreign_key_is_not_dropped_for_being_unlisted(tasks, pg_target):
    tasks.execute("create table notes (id int primary key, task bigint references tasks, body text)")
    tasks.execute("create index notes_task_body on notes (task, body)")
    tasks.execute("create index notes_body on notes (body)")
    section = {"public.notes": {"unlisted_indexes": "drop"}}
    found = outcomes(KIND, pg_target, tables(pg_target, section))
    assert [(each.address.name, type(each).__name__) for each in found] == [
        ("public.notes_body", "Change"),
        ("public.notes_task_body", "Notice"),
    ]
    assert "the only index for the foreign key notes_task_fkey" in found[1].message
    tasks.execute("create index notes_task on notes (task)")
    found = outcomes(KIND, pg_target, tables(pg_target, section))  # one of two may go, and not both
    assert [each.address.name for each in found if isinstance(each, Change)] == [
        "public.notes_body",
        "public.notes_task_body",
    ]
    converge(KIND, pg_target, tables(pg_target, section))
    assert "notes_task" in [name for (name,) in tasks.execute("select relname from pg_class where relkind = 'i'")]


def test_a_declared_absence_of_it_says_what_it_means(tasks, pg_target):
    tasks.execute("create table notes (id int primary key, task bigint references tasks)")
    tasks.execute("create index notes_task on notes (task)")
    [change] = converge(KIND, pg_target, tables(pg_target, {"public.notes": {"indexes": {"notes_task": "absent"}}}))
    [hazard] = [hazard for step in change.steps for hazard in step.hazards]
    assert "the foreign key notes_task_fkey is left without an index" in hazard.message


def test_a_drop_carries_what_would_bring_it_back(tasks, pg_target):
    tasks.execute("create unique index i on tasks (lower(title), id desc) include (status) where id > 0")
    tasks.execute("comment on index i is 'it''s needed'")
    definition = tasks.execute("select pg_get_indexdef('i'::regclass)").fetchone()
    [change] = converge(KIND, pg_target, declared(pg_target, i="absent"))
    run(pg_target, [change.model_copy(update={"steps": change.inverse})])
    assert tasks.execute("select pg_get_indexdef('i'::regclass)").fetchone() == definition
    assert comment(tasks) == "it's needed"


def test_the_index_of_a_constraint_is_changed_in_place_and_never_replaced(tasks, pg_target):
    spec = {"unique": True, "columns": ["id"], "with": {"fillfactor": "80"}, "comment": "the key"}
    [change] = converge(KIND, pg_target, declared(pg_target, tasks_pkey=spec))
    assert change.action is Action.UPDATE
    [notice] = outcomes(KIND, pg_target, declared(pg_target, tasks_pkey={"unique": True, "columns": ["id desc"]}))
    assert notice.type is NoticeType.BLOCKED


@pytest.mark.parametrize("taken", ["i_rcl_new", "i_rcl_old"])
def test_a_temporary_name_that_something_else_has_is_seen_in_the_plan(tasks, pg_target, taken):
    tasks.execute("create index i on tasks (status)")
    tasks.execute(f"create table {taken} (id int)")
    [notice] = outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["priority"]}))
    assert notice.type is NoticeType.BLOCKED
    assert f"needs the name {taken} for a while, which is taken by another table" in notice.message


def test_collations_and_operator_classes_are_told_apart_by_schema(tasks, pg_target):
    tasks.execute("create schema other")
    tasks.execute('create collation other.mine from "C"')
    tasks.execute('create collation public.mine from "POSIX"')
    tasks.execute("create index i on tasks (title collate other.mine)")
    assert outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["title collate other.mine"]})) == []
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["title collate mine"]}))
    assert change.action is Action.REPLACE
    assert outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["title collate public.mine"]})) == []
    tasks.execute("create operator class other.int4_ops for type int4 using btree as operator 1 <, operator 2 <=,"
                  " operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int4, int4)")  # fmt: skip
    tasks.execute("create index j on tasks (priority other.int4_ops)")
    [change] = converge(KIND, pg_target, declared(pg_target, j={"columns": ["priority int4_ops"]}))
    assert change.action is Action.REPLACE


def test_a_column_may_be_qualified_by_table_and_schema(tasks, pg_target):
    spec = {"columns": ["lower(public.tasks.title)"], "where": "public.tasks.status = 'a' and tasks.id > 3"}
    converge(KIND, pg_target, declared(pg_target, i=spec))
    tasks.execute("drop index i")
    tasks.execute("create index i on tasks (lower(title)) where status = 'a' and id > 3")
    assert outcomes(KIND, pg_target, declared(pg_target, i=spec)) == []


def test_a_function_that_hides_one_of_pg_catalog_is_not_taken_for_it(tasks, pg_target, database):
    tasks.execute("create function public.lower(text) returns text immutable language sql as 'select upper($1)'")
    tasks.execute("create index i on tasks (pg_catalog.lower(title))")
    tasks.execute(f"alter database {tasks.info.dbname} set search_path = public, pg_catalog")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["lower(title)"]}))
    assert change.action is Action.REPLACE
    assert outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["public.lower(title)"]})) == []


def test_what_bears_a_temporary_name_and_may_be_somebody_s_own_takes_permission(tasks, pg_target):
    tasks.execute("create index i on tasks (status)")
    tasks.execute("create unique index i_rcl_new on tasks (id, title)")
    [change] = changes(KIND, pg_target, declared(pg_target, i={"columns": ["status"]}))
    [hazard] = [hazard for step in change.steps for hazard in step.hazards]
    assert hazard.type is HazardType.INDEX_DROP
    assert "may be somebody's own" in hazard.message


def test_an_old_index_says_from_the_swap_on_that_it_is_to_go(tasks, pg_target):
    tasks.execute("create index i on tasks (status)")
    wanted = declared(pg_target, i={"columns": ["priority"]})
    [change] = changes(KIND, pg_target, wanted)
    run(pg_target, [change.model_copy(update={"steps": change.steps[:-1]})])
    [rest] = converge(KIND, pg_target, wanted)
    assert texts(rest) == ["drop index concurrently public.i_rcl_old"]
    assert not any(step.hazards for step in rest.steps)


def test_a_rename_beside_a_leftover_is_whole(tasks, pg_target):
    tasks.execute("create index by_hand on tasks (status)")
    tasks.execute("create index i_rcl_new on tasks (title)")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert change.action is Action.RENAME
    assert names(tasks) == ["i", "tasks_pkey"]


def test_another_search_path_makes_a_plan_stale_where_names_are_looked_for(tasks, pg_target):
    for schema in ("one", "two"):
        tasks.execute(f"create schema {schema}")
        tasks.execute(f"create function {schema}.f(text) returns text immutable language sql as 'select $1'")
    database = tasks.info.dbname
    tasks.execute(f"alter database {database} set search_path = one, public")
    planned = changes(KIND, pg_target, declared(pg_target, i={"columns": ["f(title)"]}, j={"columns": ["title"]}))
    tasks.execute(f"alter database {database} set search_path = two, public")
    by_name = {change.address.name: TypeAdapter(KIND.resource).validate_python(change.desired) for change in planned}
    [notice] = outcomes(KIND, pg_target, [by_name["public.i"]])
    assert notice.type is NoticeType.BLOCKED
    assert "search_path was one, public in the plan and is two, public now" in notice.message
    [change] = changes(KIND, pg_target, [by_name["public.j"]])
    assert change.steps == next(each for each in planned if each.address.name == "public.j").steps


def test_a_table_that_is_locked_as_a_whole_keeps_nobody_from_seeing_the_others(tasks, pg_target, database, monkeypatch):
    monkeypatch.setitem(READING_SETTINGS, "lock_timeout", "100ms")
    tasks.execute("create table other (id int)")
    section = {
        "public.tasks": {"indexes": {"i": {"columns": ["lower(title)"]}}},
        "public.other": {"indexes": {"o": {"columns": ["id"]}}},
    }
    tasks.execute("create index i on tasks (lower(title))")
    with psycopg.connect(database) as holder:
        holder.execute("lock table tasks in access exclusive mode")
        found = outcomes(KIND, pg_target, tables(pg_target, section))
    kinds = {(each.address.name, getattr(each, "type", None)) for each in found}
    assert kinds == {
        ("public.i", NoticeType.NOT_VISIBLE),
        ("public.o", None),
    }


def test_the_drop_of_a_unique_index_says_what_ends(tasks, pg_target):
    tasks.execute("create unique index i on tasks (id, title)")
    [change] = changes(KIND, pg_target, declared(pg_target, i="absent"))
    [hazard] = [hazard for step in change.steps for hazard in step.hazards]
    assert "nothing keeps its keys unique any more" in hazard.message
