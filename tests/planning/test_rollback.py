"""What an apply has done is undone kind by kind, on real servers: by what was there before, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from applying.acting import apply, pg_settings, plan_for
from pg_index.declared import declared, tables
from redis_setting.declared import declared as redis_settings
from redis_setting.declared import env
from redis_user.declared_users import users
from waiting import reload

from reconciler.documents import receipt as receipt_file
from reconciler.kinds.pg_index import KIND as PG_INDEX
from reconciler.model import (
    SENSITIVE,
    Action,
    Applied,
    ChangeReceipt,
    HazardType,
    NoticeType,
    Plan,
    Receipt,
    Resource,
    Target,
)
from reconciler.planning.rollback import plan_rollback
from reconciler.secrets import Secrets

pytestmark = pytest.mark.rotated

ALL = tuple(HazardType)
SECRETS = {"PASSWORD": "correct horse", "OTHER": "battery staple"}


def done(target: Target, resources: Sequence[Resource], secrets: Secrets | None = None) -> Receipt:
    """The receipt of an apply, as it is read from its file."""
    receipt = apply(plan_for(target, resources, secrets), target, secrets, allowed=ALL)
    assert receipt.succeeded, receipt
    return receipt_file.load(receipt_file.dump(receipt), source="receipt")


def undoing(receipt: Receipt, target: Target, secrets: Secrets | None = None) -> Plan:
    made = datetime.now(UTC).replace(microsecond=0)
    return plan_rollback(receipt, {target.name: target}, secrets or Secrets({}), created_at=made)


def undone(receipt: Receipt, target: Target, secrets: Secrets | None = None) -> Receipt:
    """The receipt of the apply that undoes `receipt`, after which nothing is left to undo."""
    plan = undoing(receipt, target, secrets)
    assert blocked(plan) == []
    found = apply(plan, target, secrets, allowed=ALL, digest=plan.digest)
    assert found.succeeded, found
    after = undoing(receipt, target, secrets)
    assert (after.changes, blocked(after)) == ((), [])
    return found


def blocked(plan: Plan) -> list[str]:
    return [each.message for each in plan.notices if each.type is NoticeType.BLOCKED]


def altered(receipt: Receipt, **values: Any) -> Receipt:
    """The same, where somebody has written other `values` into its first change."""
    first, *others = receipt.changes
    return receipt.model_copy(update={"changes": (first.model_copy(update=values), *others)})


@pytest.fixture
def tasks(sql):
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 'title ' || n from generate_series(1, 200) n")
    sql.execute("analyze tasks")
    return sql


def definitions(sql) -> list[str]:
    return [text for (text,) in sql.execute("select indexdef from pg_indexes where tablename = 'tasks' order by 1")]


COMMENT = "select obj_description('i'::regclass, 'pg_class')"
I = "create index i on tasks "  # noqa: E741 - the index of that name
UNDONE_INDEXES = {
    "one that was built": ([], {"columns": ["status", "priority desc"]}),
    "one that was dropped": (
        [I + "using btree (lower(title) desc nulls last, status) include (id) with (fillfactor=70) where priority > 3"],
        "absent",
    ),
    "one with quotes": (['alter table tasks rename status to "Sta""tus"', I + '("Sta""tus", title)'], "absent"),
    "a unique one": ([I.replace("index", "unique index") + "(id, status)"], "absent"),
    "one that was dropped, with a twin": ([I + "(status)", "create index j on tasks (status)"], "absent"),
    "one that was replaced": ([I + "(title)"], {"columns": ["status"], "where": "status in ('s1', 's2')"}),
    "one that got a parameter": ([I + "(title)"], {"columns": ["title"], "with": {"fillfactor": "50"}}),
    "one that lost a parameter": ([I + "(title) with (fillfactor=60)"], {"columns": ["title"]}),
    "one that got a comment": ([I + "(title)"], {"columns": ["title"], "comment": "new"}),
    "one that got another comment": (
        [I + "(title)", "comment on index i is 'old'"], {"columns": ["title"], "comment": "new"}
    ),
    "one that was renamed": (["create index by_hand on tasks (status)"], {"columns": ["status"]}),
    "one that was replaced, with all it had": (
        [I + "(lower(title))", "alter index i alter column 1 set statistics 500", "comment on index i is 'old'"],
        {"columns": ["lower(title)", "id"], "comment": "new", "statistics": {1: 100}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDONE_INDEXES)
def test_an_index_is_as_it_was(tasks, pg_target, name):
    statements, wanted = UNDONE_INDEXES[name]
    for statement in statements:
        tasks.execute(statement)
    before = definitions(tasks)
    comment = tasks.execute(COMMENT).fetchone() if any(" i " in text for text in before) else None
    receipt = done(pg_target, declared(pg_target, i=wanted))
    assert definitions(tasks) != before or comment != tasks.execute(COMMENT).fetchone()
    undone(receipt, pg_target)
    assert definitions(tasks) == before
    if comment is not None:
        assert tasks.execute(COMMENT).fetchone() == comment


def test_an_index_that_was_invalid_is_left_as_it_is(tasks, pg_target):
    with pytest.raises(Exception, match="could not create unique index"):
        tasks.execute("create unique index concurrently i on tasks (status)")
    receipt = done(pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert receipt.changes[0].action is Action.REBUILD
    plan = undoing(receipt, pg_target)
    assert (plan.changes, blocked(plan)) == ((), [])
    assert [each.message for each in plan.notices if each.type is NoticeType.NOTE and each.address.name == "public.i"]


def test_an_index_of_partitions_is_dropped_with_all_of_its_parts(sql, pg_target):
    sql.execute("create table tasks (id bigint, status text) partition by range (id)")
    sql.execute("create table tasks_1 partition of tasks for values from (0) to (10)")
    sql.execute("create table tasks_2 partition of tasks for values from (10) to (20)")
    receipt = done(pg_target, declared(pg_target, i={"columns": ["status"]}))
    assert len(sql.execute("select from pg_indexes where tablename like 'tasks%'").fetchall()) == 3
    undone(receipt, pg_target)
    assert sql.execute("select from pg_indexes where tablename like 'tasks%'").fetchall() == []
    back = undoing(receipt, pg_target)
    assert back.changes == ()


def test_names_that_were_exchanged_are_not_undone_and_the_way_is_said(tasks, pg_target):
    tasks.execute("create index a on tasks (title)")
    tasks.execute("create index b on tasks (status)")
    receipt = done(pg_target, declared(pg_target, a={"columns": ["status"]}, b={"columns": ["title"]}))
    plan = undoing(receipt, pg_target)
    assert plan.changes == ()
    [said] = blocked(plan)
    assert "names were exchanged among several" in said
    assert "revert what was declared" in said


def test_another_database_is_not_the_one_that_it_was_made_on(tasks, pg_target):
    receipt = done(pg_target, declared(pg_target, i={"columns": ["status"]}))
    info = receipt.targets["main"].model_copy(update={"identity": "1/elsewhere"})
    plan = undoing(receipt.model_copy(update={"targets": {"main": info}}), pg_target)
    assert plan.changes == ()
    assert "it was made on another system, 1/elsewhere" in blocked(plan)[0]


@pytest.fixture
def settings(postgres, sql):
    yield partial(sql.execute, "select setting, source, sourcefile from pg_settings where name = %s")
    sql.execute("alter system reset all")
    reload(sql)


UNDONE_SETTINGS: dict[str, tuple[Sequence[str], Any]] = {
    "work_mem": ([], "7MB"),
    "maintenance_work_mem": (["alter system set maintenance_work_mem = '70MB'"], "80MB"),
    "search_path": ([], ["app", "public"]),
    "log_min_duration_statement": (["alter system set log_min_duration_statement = '1500ms'"], "2s"),
    "autovacuum_naptime": ([], "3min"),  # which the file of the tests' server sets
    "shared_buffers": ([], "64MB"),
    "session_preload_libraries": (["alter system set session_preload_libraries = 'auto_explain'"], "default"),
    "max_parallel_workers": (["alter system set max_parallel_workers = 3"], "default"),
}


@pytest.mark.parametrize("name", UNDONE_SETTINGS)
def test_a_setting_is_as_it_was(sql, settings, pg_target, name):
    statements, wanted = UNDONE_SETTINGS[name]
    for statement in statements:
        sql.execute(statement)
    reload(sql)
    before = settings([name]).fetchone()
    receipt = done(pg_target, pg_settings(pg_target, {name: wanted}))
    undone(receipt, pg_target)
    reload(sql)
    assert settings([name]).fetchone() == before
    lines = "select from pg_file_settings where name = %s and sourcefile like '%%postgresql.auto.conf'"
    assert len(sql.execute(lines, [name]).fetchall()) == len(statements)


SCOPED = "select setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where rolname = 'reporting x'"


@pytest.mark.parametrize("former", [[], ["set work_mem = '5MB'"]])
def test_a_setting_of_a_role_is_as_it_was(sql, pg_target, former):
    from pydantic import TypeAdapter

    from reconciler.kind import Declaration
    from reconciler.kinds.pg_setting import KIND

    sql.execute('create role "reporting x"')
    try:
        for setting in former:
            sql.execute(f'alter role "reporting x" {setting}')
        before = sql.execute(SCOPED).fetchall()
        value = TypeAdapter(KIND.sections["roles"]).validate_python({"reporting x": {"settings": {"work_mem": "9MB"}}})
        wanted = list(KIND.declare(Declaration(pg_target, "roles", value, "x.yaml", lambda path: "x.yaml:1:1")))
        receipt = done(pg_target, wanted)
        undone(receipt, pg_target)
        assert sql.execute(SCOPED).fetchall() == before
    finally:
        sql.execute('drop role "reporting x"')


def test_what_the_files_have_below_by_now_is_not_taken_for_what_was_there(sql, settings, postgres, pg_target):
    receipt = done(pg_target, pg_settings(pg_target, {"autovacuum_naptime": "3min"}))
    first = receipt.changes[0]
    was = {**first.before, "value": "2min"}
    plan = undoing(altered(receipt, before=was), pg_target)
    assert plan.changes == ()
    assert "it was 2min before, and what would come back is 1min" in blocked(plan)[0]


def test_settings_of_redis_are_as_they_were_also_in_the_file(redis_client, redis_target, redis_server):
    redis_client.config_set("slowlog-max-len", "200")
    redis_client.config_rewrite()
    names = ("maxmemory", "maxmemory-policy", "slowlog-max-len", "notify-keyspace-events", "save")
    before = {name: redis_client.config_get(name)[name] for name in names}
    receipt = done(
        redis_target,
        redis_settings(
            {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru", "slowlog-max-len": "512",
             "notify-keyspace-events": "Ex", "save": "60 1000"}
        ),
    )  # fmt: skip
    plan = undoing(receipt, redis_target)
    notes = {change.address.name: change.notes for change in plan.changes}
    assert "does not come back: keys that were evicted meanwhile" in notes["maxmemory"]
    undone(receipt, redis_target)
    assert {name: redis_client.config_get(name)[name] for name in names} == before
    redis_server.stop()
    redis_server.start()
    redis_client.connection_pool.disconnect()
    assert {name: redis_client.config_get(name)[name] for name in names} == before


def test_a_password_that_there_was_not_before_goes_and_one_that_there_was_stays(redis_client, redis_target):
    secrets = Secrets(SECRETS)
    receipt = done(redis_target, redis_settings({"masterauth": env("PASSWORD")}), secrets)
    assert redis_client.config_get("masterauth") == {"masterauth": SECRETS["PASSWORD"]}
    undone(receipt, redis_target, secrets)
    assert redis_client.config_get("masterauth") == {"masterauth": ""}
    done(redis_target, redis_settings({"masterauth": env("PASSWORD")}), secrets)
    receipt = done(redis_target, redis_settings({"masterauth": env("OTHER")}), secrets)
    plan = undoing(receipt, redis_target, secrets)
    assert plan.changes == ()
    assert "its former value is a secret, and in no receipt" in blocked(plan)[0]
    assert redis_client.config_get("masterauth") == {"masterauth": SECRETS["OTHER"]}


def test_the_password_that_everybody_needs_goes_where_there_was_none(redis_client, redis_target, redis_server):
    secrets = Secrets(SECRETS)
    target = redis_target.model_copy(update={"credentials": {"default": (env("PASSWORD"),)}})
    receipt = done(target, redis_settings({"requirepass": env("PASSWORD")}), secrets)
    plan = undoing(receipt, target, secrets)
    assert {hazard.type for change in plan.changes for step in change.steps for hazard in step.hazards} == {
        HazardType.LESS_SAFE
    }
    assert any("whether it has changed since is not to be seen" in each.message for each in plan.notices)
    undone(receipt, target, secrets)
    redis_client.connection_pool.disconnect()
    assert redis_client.config_get("requirepass") == {"requirepass": ""}


def test_the_name_of_another_tables_index_is_said_to_be_lost(tasks, pg_target):
    tasks.execute("create table others (id bigint, status text)")
    tasks.execute("create index i on others (status)")
    wanted = tables(
        pg_target,
        {
            "public.tasks": {"indexes": {"i": {"columns": ["status"]}}},
            "public.others": {"indexes": {"i": "absent"}},
        },
    )
    receipt = done(pg_target, [*PG_INDEX.gathered(wanted)])
    [change] = undoing(receipt, pg_target).changes
    assert "does not come back: the index of another table that was dropped for its name" in change.notes
    undone(receipt, pg_target)


def rules(client, name: str) -> dict[str, Any] | None:
    return client.acl_getuser(name)


UNDONE_USERS: dict[str, tuple[Sequence[str], Any]] = {
    "one that was made": ([], ("on ~app:* +@read", "PASSWORD")),
    "one that got other rules": (["on", ">secret", "~app:*", "+get"], "on ~app:* ~other:* +@read +@write"),
    "one that needs no password": (["on", "nopass", "~app:*", "+get"], ("on ~app:* +get", "PASSWORD")),
    "one that was dropped, and needs none": (["on", "nopass", "~app:*", "+@read"], "absent"),
    "one that was dropped, and has none": (["off", "~app:*", "+@read"], "absent"),
}


@pytest.mark.parametrize("name", UNDONE_USERS)
def test_a_user_is_as_it_was(redis_client, redis_target, name):
    former, wanted = UNDONE_USERS[name]
    if former:
        redis_client.execute_command("ACL", "SETUSER", "app", "reset", *former)
    secrets = Secrets(SECRETS)
    before = rules(redis_client, "app")
    receipt = done(redis_target, users({"app": wanted}), secrets)
    assert rules(redis_client, "app") != before
    undone(receipt, redis_target, secrets)
    assert rules(redis_client, "app") == before


@pytest.mark.parametrize("wanted", ["absent", "on nopass ~app:* +get"])
def test_a_user_whose_password_nobody_knows_is_not_undone_by_halves(redis_client, redis_target, wanted):
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">secret", "~app:*", "+@read")
    receipt = done(redis_target, users({"app": wanted}))
    plan = undoing(receipt, redis_target)
    assert plan.changes == ()
    assert "its former password is in no receipt, and nobody knows it" in blocked(plan)[0]


def test_what_was_only_persisted_is_said_not_to_come_back(redis_client, redis_target):
    redis_client.config_set("hz", "20")
    receipt = done(redis_target, redis_settings({"hz": "20"}))
    plan = undoing(receipt, redis_target)
    assert plan.changes == ()
    assert "was only persisted" in blocked(plan)[0]


def test_what_failed_and_what_was_skipped_is_not_undone(tasks, pg_target):
    tasks.execute("create index i on tasks (status)")
    receipt = done(pg_target, declared(pg_target, j={"columns": ["title"]}))
    for result in set(Applied) - {Applied.APPLIED, Applied.INCOMPLETE}:
        assert undoing(altered(receipt, result=result), pg_target).changes == ()


INJECTED: dict[str, Callable[[ChangeReceipt], dict[str, Any]]] = {
    "columns": lambda change: {"before": {**change.before, "columns": ["id); drop table tasks; --"]}},
    "an expression": lambda change: {"before": {**change.before, "columns": ["(pg_sleep(1)::text)"]}},
    "a predicate": lambda change: {"before": {**change.before, "predicate": "true; drop table tasks"}},
    "a method": lambda change: {"before": {**change.before, "method": "btree (id); drop table tasks; --"}},
    "a table": lambda change: {"before": {**change.before, "table": "public.tasks; drop table tasks"}},
    "another schema": lambda change: {"before": {**change.before, "table": "pg_catalog.pg_class"}},
    "an option": lambda change: {"before": {**change.before, "options": {"fillfactor) ; drop table tasks": "70"}}},
    "a tablespace": lambda change: {"before": {**change.before, "tablespace": "x; drop table tasks"}},
    "another kind of state": lambda change: {"before": {"value": "1", "source": "default"}},
    "more than there is": lambda change: {"before": {**change.before, "sql": "drop table tasks"}},
    "words for numbers": lambda change: {"before": {**change.before, "statistics": {"1; drop": 5}}},
    "nothing at all": lambda change: {"before": {}},
    "an address": lambda change: {"address": change.address._replace(name="public.tasks_pkey")},
    "another target": lambda change: {"address": change.address._replace(target="other")},
    "another kind": lambda change: {"address": change.address._replace(kind="redis_user")},
    "no kind": lambda change: {"address": change.address._replace(kind="sudo")},
    "another action": lambda change: {"action": Action.CREATE},
}  # fmt: skip


@pytest.fixture
def dropped(tasks, pg_target) -> Receipt:
    """The receipt of an index that was dropped."""
    tasks.execute("create index i on tasks (status)")
    return done(pg_target, declared(pg_target, i="absent"))


@pytest.mark.thorough
@pytest.mark.parametrize("what", INJECTED)
def test_a_receipt_that_was_altered_is_refused_where_no_kind_has_written_it(tasks, pg_target, dropped, what):
    plan = undoing(altered(dropped, **INJECTED[what](dropped.changes[0])), pg_target)
    assert plan.changes == ()
    assert len(blocked(plan)) == 1
    assert tasks.execute("select count(*) from tasks").fetchone() == (200,)


def test_no_statement_of_a_receipt_runs(tasks, pg_target, dropped):
    """Neither what it says to have run nor what it says to bring it back, which is for people."""
    [change] = dropped.changes
    evil = change.steps[0].step.model_copy(update={"statements": ("drop table tasks",)})
    steps = tuple(each.model_copy(update={"step": evil}) for each in change.steps)
    plan = undoing(altered(dropped, steps=steps, inverse=(evil,)), pg_target)
    [planned] = plan.changes
    assert [step.statements for step in planned.steps] == [
        ("create index concurrently i on public.tasks (status) tablespace pg_default",)
    ]


def test_a_plan_of_an_altered_receipt_is_another(tasks, pg_target, dropped):
    one = undoing(dropped, pg_target)
    other = undoing(altered(dropped, message="nothing to be seen here"), pg_target)
    assert one.changes == other.changes
    assert one.rolls_back.receipt != other.rolls_back.receipt


def test_a_value_that_was_altered_is_one_literal(sql, settings, pg_target):
    sql.execute("alter system set application_name = 'a'")
    reload(sql)
    receipt = done(pg_target, pg_settings(pg_target, {"application_name": "b"}))
    first = receipt.changes[0]
    evil = {**first.before, "value": "x'; drop table tasks; --"}
    plan = undoing(altered(receipt, before=evil), pg_target)
    statements = [text for change in plan.changes for step in change.steps for text in step.statements]
    assert [text for text in statements if "drop table" in text] in (
        [], ["alter system set application_name = 'x''; drop table tasks; --'"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "hazard"),
    [("archive_command", "rm -rf /", HazardType.RUNS_PROGRAMS), ("full_page_writes", "off", HazardType.LESS_SAFE)],
)
def test_a_value_that_was_altered_has_its_hazard(sql, settings, pg_target, name, value, hazard):
    receipt = done(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))
    first = receipt.changes[0]
    running = sql.execute("select setting from pg_settings where name = %s", [name]).fetchone()[0]
    address = first.address._replace(name=name)
    states = {
        "before": {"value": value, "source": "postgresql.auto.conf"},
        "after": {"value": "" if running == "(disabled)" else running, "source": "default"},
    }
    plan = undoing(altered(receipt, address=address, **states), pg_target)
    hazards = {each.type for change in plan.changes for step in change.steps for each in step.hazards}
    assert hazard in hazards


def test_a_secret_of_a_state_is_never_a_value(redis_client, redis_target):
    receipt = done(redis_target, redis_settings({"slowlog-max-len": "512"}))
    plan = undoing(altered(receipt, before={"value": SENSITIVE}), redis_target)
    assert plan.changes == ()
    assert blocked(plan)
