"""What becomes of an index in each state that it can be found in."""

from __future__ import annotations

import threading

import psycopg
import pytest
from live import changes, converge, outcomes, run
from waiting import until

from pg_index.declared import declared, tables
from reconciler.errors import DesiredError
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.changes.statements import FRESH, OLD, temporary_name
from reconciler.model import Action, HazardType, Notice, NoticeType
from reconciler.targets.postgres.session_settings import READING_SETTINGS

pytestmark = pytest.mark.matrix

COLUMNS = {"columns": ["status", "priority desc"]}
BY_STATUS = "select indexrelid::regclass::text from pg_index where indrelid = 'tasks'::regclass order by 1"


@pytest.fixture
def tasks(sql):
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 'title ' || n from generate_series(1, 2000) n")
    sql.execute("analyze tasks")
    return sql


def names(sql) -> list[str]:
    return [name for (name,) in sql.execute(BY_STATUS)]


def leave_invalid(sql, statement: str) -> None:
    """What a cancelled build leaves: a duplicate makes the unique build fail at its end."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.execute(statement)


def test_a_missing_index_is_built_concurrently(tasks, pg_target):
    [change] = converge(KIND, pg_target, declared(pg_target, tasks_status_idx={**COLUMNS, "why": "the queue"}))
    assert change.action is Action.CREATE
    assert [step.statements for step in change.steps] == [
        ("create index concurrently tasks_status_idx on public.tasks (status, priority desc)",)
    ]
    assert change.why == "the queue"


def test_an_invalid_leftover_is_rebuilt_not_ignored(tasks, pg_target):
    leave_invalid(tasks, "create unique index concurrently i on tasks (status)")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert change.action is Action.REBUILD
    assert change.before["valid"] is False
    assert tasks.execute("select indisvalid from pg_index where indexrelid = 'i'::regclass").fetchone() == (True,)


def test_an_invalid_leftover_of_the_right_definition_is_rebuilt_too(tasks, pg_target):
    leave_invalid(tasks, "create unique index concurrently i on tasks (status)")
    wanted = declared(pg_target, i={"columns": ["status"], "unique": True})
    [change] = changes(KIND, pg_target, wanted)
    assert change.action is Action.REBUILD
    tasks.execute("update tasks set status = id::text")
    run(pg_target, [change])
    assert outcomes(KIND, pg_target, wanted) == []


def test_a_changed_definition_is_replaced_without_a_gap(tasks, pg_target):
    tasks.execute("create index i on tasks (title)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=COLUMNS))
    assert change.action is Action.REPLACE
    assert [step.statements for step in change.steps] == [
        ("create index concurrently i_rcl_new on public.tasks (status, priority desc)",),
        (
            "alter index public.i rename to i_rcl_old",
            "alter index public.i_rcl_new rename to i",
            "comment on index public.i_rcl_old is 'replaced by reconciler, to be dropped'",
        ),
        ("drop index concurrently public.i_rcl_old",),
    ]
    assert [step.transaction for step in change.steps] == [False, True, False]
    assert change.summary == "(title) → (status, priority desc)"
    assert names(tasks) == ["i", "tasks_pkey"]


@pytest.mark.parametrize("steps_done", [0, 1, 2, 3])
def test_a_replacement_killed_after_any_step_is_finished_by_the_next(tasks, pg_target, steps_done):
    tasks.execute("create index i on tasks (title)")
    wanted = declared(pg_target, i=COLUMNS)
    [change] = changes(KIND, pg_target, wanted)
    run(pg_target, [change.model_copy(update={"steps": change.steps[:steps_done]})])
    [*rest] = converge(KIND, pg_target, wanted)
    built_again = any("create index" in statement for c in rest for s in c.steps for statement in s.statements)
    assert built_again == (steps_done == 0)
    assert names(tasks) == ["i", "tasks_pkey"]


def test_a_replacement_whose_build_failed_starts_over(tasks, pg_target):
    tasks.execute("create index i on tasks (title)")
    leave_invalid(tasks, "create unique index concurrently i_rcl_new on tasks (status)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=COLUMNS))
    assert change.steps[0].statements == ("drop index concurrently public.i_rcl_new",)
    assert names(tasks) == ["i", "tasks_pkey"]


def test_a_creation_killed_between_build_and_rename_is_only_renamed(tasks, pg_target):
    tasks.execute("create index i_rcl_new on tasks (status, priority desc)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=COLUMNS))
    assert [step.statements for step in change.steps] == [("alter index public.i_rcl_new rename to i",)]


def test_what_is_only_read_by_a_build_is_built_anew(tasks, pg_target):
    tasks.execute("create index i on tasks using brin (id) with (pages_per_range = 128)")
    wanted = declared(pg_target, i={"columns": ["id"], "using": "brin", "with": {"pages_per_range": "4"}})
    [change] = converge(KIND, pg_target, wanted)
    assert change.action is Action.REPLACE


def test_one_twin_is_one_index_s_and_is_not_dropped_beside(tasks, pg_target):
    tasks.execute("create index made_by_hand on tasks (status, priority desc)")
    section = {"public.tasks": {"unlisted_indexes": "drop", "indexes": {"i": COLUMNS, "j": COLUMNS}}}
    found = changes(KIND, pg_target, tables(pg_target, section))
    assert [(change.address.name, change.action) for change in found] == [
        ("public.i", Action.RENAME),
        ("public.j", Action.CREATE),
    ]
    converge(KIND, pg_target, tables(pg_target, section))
    assert names(tasks) == ["i", "j", "tasks_pkey"]


def test_a_declared_index_is_nobody_s_leftover(tasks, pg_target):
    wanted = declared(pg_target, i=COLUMNS, i_rcl_new={"columns": ["title"]}, i_rcl_old={"columns": ["id"]})
    converge(KIND, pg_target, wanted)
    assert names(tasks) == ["i", "i_rcl_new", "i_rcl_old", "tasks_pkey"]


@pytest.mark.parametrize("spec", ["absent", {"columns": ["n desc"]}])
def test_a_part_of_a_partitioned_index_is_never_touched(sql, pg_target, spec):
    sql.execute("create table parts (n int) partition by range (n)")
    sql.execute("create table part partition of parts default")
    sql.execute("create index parts_idx on parts (n)")
    section = {"public.part": {"unlisted_indexes": "drop", "indexes": {"part_n_idx": spec}}}
    [notice] = outcomes(KIND, pg_target, tables(pg_target, section))
    assert notice.type is NoticeType.BLOCKED
    assert "belongs to the partitioned index public.parts_idx" in notice.message


def test_a_table_of_somebody_else_is_planned_and_who_may_not_is_said(tasks, pg_target, postgres):
    tasks.execute("drop role if exists guest")
    tasks.execute("create role guest login")
    guest = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(tasks.info.dbname, "guest"))})
    [change] = changes(KIND, guest, declared(guest, i=COLUMNS))
    assert change.forbidden == ("role guest may not: public.tasks belongs to postgres; apply as postgres")
    assert changes(KIND, pg_target, declared(pg_target, i=COLUMNS))[0].forbidden == ""
    tasks.execute("drop role guest")


@pytest.mark.parametrize("statement", ["reindex index concurrently i", "drop index concurrently i"])
def test_what_somebody_else_is_doing_to_an_index_is_left_to_them(tasks, pg_target, database, statement):
    tasks.execute("create index i on tasks (status, priority desc)")
    invalid = "select count(*) from pg_index where indrelid = 'tasks'::regclass and not indisvalid"
    section = {"public.tasks": {"unlisted_indexes": "drop", "indexes": {"i": COLUMNS}}}
    with psycopg.connect(database) as holder, psycopg.connect(database, autocommit=True) as worker:
        holder.execute("update tasks set priority = 1 where id = 1")
        working = threading.Thread(target=lambda: worker.execute(statement))
        working.start()
        until(lambda: tasks.execute(invalid).fetchone() != (0,), "somebody is at work on it")
        found = outcomes(KIND, pg_target, tables(pg_target, section))
        holder.rollback()
        working.join()
    assert [outcome.type for outcome in found if isinstance(outcome, Notice)]
    assert [outcome for outcome in found if not isinstance(outcome, Notice)] == []


def test_only_the_name_differs_is_a_rename(tasks, pg_target):
    tasks.execute("create index made_by_hand on tasks (status, priority desc)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=COLUMNS))
    assert change.action is Action.RENAME
    assert names(tasks) == ["i", "tasks_pkey"]


def test_an_index_that_is_declared_too_is_not_renamed_away(tasks, pg_target):
    tasks.execute("create index j on tasks (status, priority desc)")
    [change] = converge(KIND, pg_target, declared(pg_target, i=COLUMNS, j=COLUMNS))
    assert (change.action, change.address.name) == (Action.CREATE, "public.i")
    assert names(tasks) == ["i", "j", "tasks_pkey"]


def test_absent_drops_concurrently_and_says_what_it_costs(tasks, pg_target):
    tasks.execute("create index i on tasks (status)")
    [change] = converge(KIND, pg_target, declared(pg_target, i="absent"))
    assert change.action is Action.DELETE
    assert [hazard.type for step in change.steps for hazard in step.hazards] == [HazardType.INDEX_DROP]
    assert names(tasks) == ["tasks_pkey"]


def test_dropping_an_invalid_index_costs_nothing_and_needs_no_permission(tasks, pg_target):
    leave_invalid(tasks, "create unique index concurrently i on tasks (status)")
    [change] = converge(KIND, pg_target, declared(pg_target, i="absent"))
    assert [step.hazards for step in change.steps] == [()]


@pytest.mark.parametrize("spec", ["absent", {"columns": ["title"]}])
def test_the_index_of_a_constraint_is_never_touched(tasks, pg_target, spec):
    [notice] = outcomes(KIND, pg_target, declared(pg_target, tasks_pkey=spec))
    assert notice.type is NoticeType.BLOCKED
    assert "belongs to constraint tasks_pkey" in notice.message


def test_a_constraint_index_with_the_declared_definition_is_in_sync(tasks, pg_target):
    assert outcomes(KIND, pg_target, declared(pg_target, tasks_pkey={"columns": ["id"], "unique": "yes"})) == []


def test_an_index_on_which_a_foreign_key_leans_is_never_dropped(tasks, pg_target):
    tasks.execute("create unique index i on tasks (title)")
    tasks.execute("create table other (title text references tasks (title))")
    [notice] = outcomes(KIND, pg_target, declared(pg_target, i="absent"))
    assert "belongs to foreign key other_title_fkey" in notice.message


def test_undeclared_indexes_are_kept_by_default(tasks, pg_target):
    tasks.execute("create index hotfix on tasks (title)")
    converge(KIND, pg_target, declared(pg_target, i=COLUMNS))
    assert names(tasks) == ["hotfix", "i", "tasks_pkey"]


def test_undeclared_indexes_can_be_reported(tasks, pg_target):
    tasks.execute("create index hotfix on tasks (title)")
    section = {"public.tasks": {"unlisted_indexes": "report", "indexes": {"i": "absent"}}}
    [notice] = outcomes(KIND, pg_target, tables(pg_target, section))
    assert (notice.type, notice.address.name) == (NoticeType.UNLISTED, "public.hotfix")


def test_undeclared_indexes_can_be_dropped_but_no_constraint(tasks, pg_target):
    tasks.execute("create index hotfix on tasks (title)")
    [change] = converge(KIND, pg_target, tables(pg_target, {"public.tasks": {"unlisted_indexes": "drop"}}))
    assert str(change.address) == "main/pg_index/public.hotfix"
    assert names(tasks) == ["tasks_pkey"]


def test_storage_parameters_change_in_place(tasks, pg_target):
    tasks.execute("create index i on tasks (status, priority desc) with (fillfactor=70, deduplicate_items=off)")
    [before] = tasks.execute("select pg_relation_filenode('i')").fetchall()
    wanted = declared(pg_target, i={**COLUMNS, "with": {"fillfactor": "80"}})
    [change] = converge(KIND, pg_target, wanted)
    assert change.action is Action.UPDATE
    assert tasks.execute("select pg_relation_filenode('i')").fetchall() == [before]


BLOCKED = [
    ("nowhere", {"i": COLUMNS}, "does not exist"),
    ("a_view", {"i": COLUMNS}, "is not a table that can be indexed"),
    ("tasks", {"other": COLUMNS}, "taken by another table"),
    ("tasks", {"other_pkey": COLUMNS}, "taken by another index of public.other"),
]


@pytest.mark.parametrize(("table", "indexes", "said"), BLOCKED)
def test_what_cannot_be_done_is_said_and_not_tried(tasks, pg_target, table, indexes, said):
    tasks.execute("create view a_view as select * from tasks")
    tasks.execute("create table other (id int primary key)")
    [notice] = outcomes(KIND, pg_target, tables(pg_target, {f"public.{table}": {"indexes": indexes}}))
    assert notice.type is NoticeType.BLOCKED
    assert said in notice.message


def test_a_materialized_view_is_indexed_like_a_table(tasks, pg_target):
    tasks.execute("create materialized view counts as select status, count(*) from tasks group by status")
    converge(KIND, pg_target, tables(pg_target, {"public.counts": {"indexes": {"counts_idx": {"columns": ["count"]}}}}))


def test_an_index_that_is_being_built_is_not_a_failed_one(tasks, pg_target, database, postgres):
    with psycopg.connect(database) as holder:
        holder.execute("update tasks set priority = 1 where id = 1")  # a build has to wait for this transaction
        builder = psycopg.connect(database, autocommit=True)
        building = threading.Thread(
            target=lambda: builder.execute("create index concurrently i on tasks (status, priority desc)")
        )
        building.start()
        wanted = declared(pg_target, i=COLUMNS)
        until(lambda: tasks.execute("select to_regclass('i')").fetchone() != (None,), "it is being built")
        [notice] = outcomes(KIND, pg_target, wanted)
        assert isinstance(notice, Notice)
        assert notice.type is NoticeType.BEING_BUILT
        assert str(builder.info.backend_pid) in notice.message
        tasks.execute("drop role if exists onlooker")
        tasks.execute("create role onlooker login")
        seen_from = pg_target.model_copy(
            update={"url": type(pg_target.url)(postgres.url(tasks.info.dbname, "onlooker"))}
        )
        assert outcomes(KIND, seen_from, wanted) == [notice]
        tasks.execute("drop role onlooker")
        holder.rollback()
        building.join()
        builder.close()
    assert outcomes(KIND, pg_target, wanted) == []


NAMES = ["Mixed Case", 'quo"ted', "größe", "select", "a.b", "x" * 63, "trailing ", "1st", "%s {} $1", "semi;colon--"]


def test_any_name_that_postgresql_takes_is_taken(sql, pg_target):
    tables_section = {}
    for name in NAMES:
        quoted = '"' + name.replace('"', '""') + '"'
        sql.execute(f"create table {quoted.replace('%', '%%')} ({quoted.replace('%', '%%')} text)" % ())
        index = ("i" + name)[:63]
        tables_section[f"public.{quoted}"] = {
            "indexes": {index: {"columns": [quoted], "where": f"{quoted} is not null"}}
        }
    created = converge(KIND, pg_target, tables(pg_target, tables_section))
    assert len(created) == len(NAMES)


def test_a_name_that_would_be_cut_is_refused(pg_target):
    with pytest.raises(DesiredError, match="has 64 bytes"):
        declared(pg_target, **{"x" * 64: COLUMNS})


def test_two_long_names_have_different_temporary_names():
    one, other = "x" * 60 + "one", "x" * 60 + "two"
    made = {temporary_name(name, end) for name in (one, other) for end in (FRESH, OLD)}
    assert len(made) == 4
    assert all(len(name.encode()) <= 63 for name in made)


WRONG = [
    ({}, "neither columns nor sql"),
    ({"columns": []}, "columns is empty: name one at least"),
    ({"columns": ["a, b"]}, "not one key"),
    ({"columns": ["a); drop table tasks; --"]}, "not an index key"),
    ({"columns": ["a) include (b"]}, "more than a key"),
    ({"columns": ["a) where (b"]}, "more than a key"),
    ({"columns": ["a"], "where": "a = 1; drop table tasks"}, "not a condition"),
    ({"columns": ["a"], "where": "a) or (b"}, "not a condition"),
    ({"columns": ["a"], "using": "btre"}, "did you mean 'btree'?"),
    ({"columns": ["a"], "sql": "create index i on tasks (a)"}, "columns cannot stand beside it"),
    ({"sql": "create index j on tasks (a)"}, "creates j, not i"),
    ({"sql": "create index i on other (a)"}, "stands under public.tasks"),
    ({"sql": "drop table tasks"}, "exactly one CREATE INDEX"),
    ({"sql": "create index i on tasks (a); drop table tasks"}, "exactly one CREATE INDEX"),
]


@pytest.mark.parametrize(("spec", "said"), WRONG)
def test_a_wrong_declaration_is_an_error_with_its_place(pg_target, spec, said):
    with pytest.raises(DesiredError, match=r"x\.yaml:1:1") as raised:
        declared(pg_target, i=spec)
    assert said in str(raised.value)


def test_a_role_without_any_privilege_on_the_table_compares_just_as_well(tasks, pg_target, postgres):
    tasks.execute("create index i on tasks (lower(title)) where status in ('a', 'b')")
    tasks.execute("drop role if exists stranger")
    tasks.execute("create role stranger login")
    database = tasks.info.dbname
    stranger = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(database, "stranger"))})
    wanted = declared(stranger, i={"columns": ["LOWER(title)"], "where": "status = any (array['a', 'b'])"})
    assert outcomes(KIND, stranger, wanted) == []
    wanted = declared(stranger, i={"columns": ["LOWER(title)"], "where": "status = 'c'"})
    assert [change.action for change in changes(KIND, stranger, wanted)] == [Action.REPLACE]
    tasks.execute("drop role stranger")


def test_a_role_that_may_not_use_the_schema_is_told_so_and_nothing_is_rebuilt(sql, pg_target, postgres):
    """Before, it was blocked, and so drift and a failed plan, although the index is as declared."""
    sql.execute("create schema closed create table tasks (id int, status varchar(9))")
    sql.execute("create index i on closed.tasks (id) where status in ('a', 'b')")
    sql.execute("drop role if exists outsider")
    sql.execute("create role outsider login")
    outsider = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url(sql.info.dbname, "outsider"))})
    index = {"columns": ["id"], "where": "status = any (array['a', 'b'])"}
    [notice] = outcomes(KIND, outsider, tables(outsider, {"closed.tasks": {"indexes": {"i": index}}}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "permission denied for schema closed (42501): grant what is missing to outsider" in notice.message
    [change] = outcomes(KIND, outsider, tables(outsider, {"closed.tasks": {"indexes": {"j": index}}}))
    assert change.forbidden
    sql.execute("drop role outsider")


def test_observing_works_beside_every_lock_that_lets_readers_in(tasks, pg_target, database):
    tasks.execute("create index i on tasks (lower(title)) where status in ('a', 'b')")
    with psycopg.connect(database) as holder:
        holder.execute("lock table tasks in exclusive mode")
        wanted = declared(pg_target, i={"columns": ["lower(title)"], "where": "status = any (array['a', 'b'])"})
        assert outcomes(KIND, pg_target, wanted) == []


def test_observing_gives_up_soon_where_somebody_locks_out_all_readers(tasks, pg_target, database, monkeypatch):
    monkeypatch.setitem(READING_SETTINGS, "lock_timeout", "100ms")
    tasks.execute("create index i on tasks (lower(title))")
    with psycopg.connect(database) as holder:
        holder.execute("lock table tasks in access exclusive mode")
        who = f"public.tasks is locked as a whole by process {holder.info.backend_pid}, user postgres"
        [notice] = outcomes(KIND, pg_target, declared(pg_target, i={"columns": ["lower(title)"]}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert who in notice.message


def test_a_successor_that_is_built_already_takes_the_place(sql, pg_target):
    """Seen to fail before: the index has its definition, so that nobody looked at the one that has its parameters; a
    plan after a crash wanted to drop it, as one that may be somebody's own."""
    sql.execute("create table measured (at int); create index at_idx on measured using brin (at)")
    sql.execute("create index at_idx_rcl_new on measured using brin (at) with (pages_per_range = 64)")
    spec = {"columns": ["at"], "using": "brin", "with": {"pages_per_range": "64"}}
    resources = tables(pg_target, {"public.measured": {"indexes": {"at_idx": spec}}})
    [change] = converge(KIND, pg_target, resources)
    assert change.action is Action.REPLACE
    assert not [text for step in change.steps for text in step.statements if text.startswith("create index")]
