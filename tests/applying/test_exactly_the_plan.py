"""Apply runs what the plan says, once, and nothing else."""

from __future__ import annotations

import re

import pytest
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from waiting import reload

from applying.acting import Seen, apply, message, pg_settings, plan_for, resealed, results
from reconciler.applying.batches import batches, merged
from reconciler.documents import plan as plan_file
from reconciler.model import Applied, SqlStep

COLUMNS = {"columns": ["status", "priority desc"]}


def logged(text: str) -> dict[str, list[str]]:
    """The statements in a server's log, by process, those with parameters as `text [parameters]`."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=\d{4}-\d\d-\d\d )", text):
        said = re.search(r"\[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*)", entry, re.DOTALL)
        if said:
            found.setdefault(said[1], []).append(" ".join(said[2].split()))
            continue
        detail = re.search(r"\[(\d+)\] DETAIL:  [Pp]arameters: (.*)", entry, re.DOTALL)
        if detail:
            found[detail[1]][-1] += f" [{detail[2].strip()}]"
    return found


OF_THE_SESSION = (
    "begin isolation level read committed not deferrable; select pg_catalog.pg_backend_pid() as pid, array[",
    "reset search_path", "select pg_catalog.set_config(name, ",
    "select pg_catalog.set_config('application_name', $1, false) [$1 = 'reconciler step']",
)  # fmt: skip
"""What its own connection is given before the first step."""


TIMEOUTS = (
    "select pg_catalog.set_config('lock_timeout', $1, false), pg_catalog.set_config('statement_timeout', $2, false)"
)


def test_the_server_is_sent_the_statements_of_the_plan_with_their_timeouts_and_nothing_else(
    tasks, pg_target, postgres, database
):
    tasks.execute("create index replaced on tasks (title)")
    tasks.execute("create index dropped on users (title)")
    tasks.execute("create index parameters on tasks (priority)")
    wanted = [
        *declared(pg_target, made=COLUMNS, replaced={"columns": ["id", "status"]}),
        *declared(pg_target, parameters={"columns": ["priority"], "with": {"fillfactor": "71"}}),
        *declared(pg_target, dropped="absent"),
        *pg_settings(pg_target, {"work_mem": "7MB"}),
    ]
    plan = plan_file.load(plan_file.dump(plan_for(pg_target, wanted)), source="plan.json")
    assert len(plan.changes) == 4, "an index of another table is not `dropped` of tasks"
    name = tasks.info.dbname
    tasks.execute(f"alter database {name} set log_statement = 'all'")
    before = len(postgres.log)
    assert apply(plan, pg_target, allowed=["index-drop"]).succeeded
    tasks.execute(f"alter database {name} reset log_statement")

    sessions = logged(postgres.log[before:])
    readers = [said for said in sessions.values() if any("read only not deferrable" in each for each in said)]
    writers = [said for said in sessions.values() if said not in readers and str(tasks.info.backend_pid) not in said]
    for said in readers:
        assert not [each for each in said if re.match(r"(?i)create|alter|drop|insert|update|delete|set ", each)]
    [locking] = [said for said in writers if any("pg_try_advisory_lock" in each for each in said)]
    # On 13 in a transaction that can write nothing, by whose limit the server ends a holder that is gone.
    assert not [
        each
        for each in locking
        if not re.match(r"(?i)select|begin .* read only$", each) and not each.startswith(OF_THE_SESSION)
    ]
    [on_copies] = [said for said in writers if any(each.startswith("create temporary table") for each in said)]
    end = len(on_copies) - on_copies[::-1].index("rollback")
    rehearsing, first_lane = on_copies[:end], on_copies[end:]
    doing = [
        each
        for each in rehearsing
        if not each.startswith(("select ", "with ", "savepoint ", "rollback to savepoint ", "reset ", *OF_THE_SESSION))
    ]
    made = r'create temporary table "\w+" \(like |create index (\S+ )?on pg_temp\.'
    ends = ("begin", "rollback")
    assert [each for each in doing if each not in ends and not re.match(made, each)] == []
    # The first is around the look for code of strangers, which sets what ends with it.
    ended = [each for each in doing if each in ends]
    assert ended == ["begin", "rollback"] * (len(ended) // 2)

    ran: list[tuple[str, str]] = []
    for said in [first_lane, *(each for each in writers if each not in (locking, on_copies))]:
        under = ""
        for each in said:
            if each.startswith(TIMEOUTS):
                under = each
            elif not each.startswith(("alter database", *OF_THE_SESSION)):
                ran.append((under, each))
    expected = []
    for change in plan.changes:
        for step in change.steps:
            assert isinstance(step, SqlStep)
            under = f"{TIMEOUTS} [$1 = '{step.lock_timeout}', $2 = '{step.statement_timeout}']"
            body = [" ".join(statement.split()) for statement in step.statements]
            body = [" ; ".join(["begin", *body, "commit"])] if step.transaction else body
            expected += [(under, each) for each in body]
    assert ran == expected


def test_redis_is_sent_the_commands_of_the_plan_and_nothing_else_that_changes_it(redis_target, redis_client):
    plan = plan_for(redis_target, redis_settings({"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}))
    redis_client.config_set("slowlog-log-slower-than", 0)
    redis_client.config_set("slowlog-max-len", 10000)
    redis_client.slowlog_reset()
    assert apply(plan, redis_target).succeeded
    sent = [entry["command"].decode() for entry in reversed(redis_client.slowlog_get(10000))]
    reading = ("CONFIG GET", "INFO", "PING", "ACL ", "CLIENT ", "SLOWLOG", "HELLO", "COMMAND", "MEMORY", "AUTH")
    expected = [" ".join(step.command) for batch in batches(plan.changes) for step in merged(batch)]
    if expected[0] != "CONFIG SET maxmemory 100mb":  # as before 7.0, one after the other
        assert expected == ["CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru", "CONFIG REWRITE"]
        assert ["in one command with maxmemory" in change.notes for change in plan.changes] == [False, True]
    assert [each for each in sent if not each.upper().startswith(reading)] == expected
    assert redis_client.keys() == []


def fingerprints(tasks, postgres) -> list[tuple]:
    return [
        *tasks.execute("select oid, relname, relfilenode, xmin from pg_class where relnamespace = 2200 order by 1"),
        *tasks.execute("select sourcefile, seqno, name, setting from pg_file_settings order by 1, 2, 3"),
        (postgres.data / "postgresql.auto.conf").stat().st_mtime_ns,
        *tasks.execute("select pg_conf_load_time()"),
    ]


def test_a_plan_applied_twice_has_no_effect_the_second_time(tasks, pg_target, postgres):
    tasks.execute("create index replaced on tasks (title)")
    tasks.execute("create index dropped on tasks (priority)")
    wanted = [
        *declared(pg_target, made=COLUMNS, replaced={"columns": ["id", "status"]}, dropped="absent"),
        *pg_settings(pg_target, {"work_mem": "7MB", "max_connections": "77"}),
    ]
    plan = plan_for(pg_target, wanted)
    first = apply(plan, pg_target, allowed=["index-drop"])
    assert set(results(first).values()) == {Applied.APPLIED}
    before = fingerprints(tasks, postgres)
    listener = Seen()
    second = apply(plan, pg_target, allowed=["index-drop"], listener=listener)
    assert set(results(second).values()) == {Applied.SKIPPED}
    assert all(change.message.startswith("already as declared") and not change.steps for change in second.changes)
    assert second.succeeded
    assert fingerprints(tasks, postgres) == before


def test_a_redis_plan_applied_twice_has_no_effect_the_second_time(redis_target, redis_client):
    plan = plan_for(redis_target, redis_settings({"maxmemory": "100mb", "hz": "20"}))
    assert apply(plan, redis_target).succeeded
    redis_client.config_resetstat()
    again = apply(plan, redis_target)
    assert set(results(again).values()) == {Applied.SKIPPED}
    assert "cmdstat_config|set" not in redis_client.info("commandstats")
    assert redis_client.config_get("maxmemory") == {"maxmemory": "104857600"}


STALE = [
    ("create index i on tasks (title)", "it did not exist when the plan was made", "somebody made another"),
    ("drop table tasks", "the table public.tasks does not exist", "its table went"),
    ("alter table tasks rename to other", "the table public.tasks does not exist", "its table was renamed"),
    ("alter table tasks drop column status", "the server cannot read its definition", "a column went"),
    ("create view i as select 1", "its name is taken by another view", "the name was taken"),
]


@pytest.mark.parametrize(("meanwhile", "said", "reason"), STALE, ids=[case[2] for case in STALE])
def test_a_creation_whose_subject_changed_is_refused_and_the_others_run(tasks, pg_target, meanwhile, said, reason):
    others = [*declared(pg_target, i=COLUMNS), *pg_settings(pg_target, {"work_mem": "7MB"})]
    plan = plan_for(pg_target, others)
    tasks.execute(meanwhile)
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.STALE, "work_mem": Applied.APPLIED}
    [stale] = [change for change in receipt.changes if change.result is Applied.STALE]
    assert said in stale.message
    assert stale.steps == ()
    assert not receipt.succeeded


CHANGED = [
    ("drop index i; create index i on tasks (priority)", "columns.0 was title in the plan and is priority now"),
    ("drop index i", "it is gone since"),
    ("alter index i set (fillfactor = 77)", "options.fillfactor was not there in the plan and is 77 now"),
    ("update pg_index set indisvalid = false where indexrelid = 'i'::regclass", "valid was True"),
]


@pytest.mark.parametrize(("meanwhile", "said"), CHANGED)
def test_a_replacement_of_what_is_no_longer_so_is_refused(tasks, pg_target, meanwhile, said):
    tasks.execute("create index i on tasks (title)")
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS, j={"columns": ["id", "title"]}))
    for statement in meanwhile.split("; "):
        tasks.execute(statement)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.STALE, "public.j": Applied.APPLIED}
    assert said in receipt.changes[0].message


def test_a_setting_that_was_changed_by_hand_is_refused(tasks, pg_target):
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB", "vacuum_cost_limit": "300"}))
    tasks.execute("alter system set work_mem = '5MB'")
    reload(tasks)
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"work_mem": Applied.STALE, "vacuum_cost_limit": Applied.APPLIED}
    [stale] = [change for change in receipt.changes if change.result is Applied.STALE]
    assert "value was 4MB in the plan and is 5MB now" in stale.message


def test_a_redis_setting_that_was_changed_by_hand_is_refused(redis_target, redis_client):
    plan = plan_for(redis_target, redis_settings({"hz": "20", "maxmemory": "100mb"}))
    redis_client.config_set("hz", "15")
    receipt = apply(plan, redis_target)
    assert results(receipt) == {"hz": Applied.STALE, "maxmemory": Applied.APPLIED}
    assert "value was 10 in the plan and is 15 now" in receipt.changes[0].message
    assert redis_client.config_get("hz") == {"hz": "15"}


def test_a_hazard_that_came_up_meanwhile_makes_a_change_stale_and_is_named(redis_target, redis_client):
    redis_client.config_set("maxmemory", "100mb")
    plan = plan_for(redis_target, redis_settings({"maxmemory": "20mb"}))
    redis_client.set("payload", "x" * (30 << 20))
    receipt = apply(plan, redis_target, allowed=["evicts-keys"])
    assert results(receipt)["maxmemory"] is Applied.STALE
    assert "a hazard nobody has reviewed came up, " in receipt.changes[0].message
    assert redis_client.config_get("maxmemory") == {"maxmemory": str(100 << 20)}


def test_an_index_made_by_hand_meanwhile_is_skipped(tasks, pg_target):
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    tasks.execute("create index i on tasks (status, priority desc)")
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.SKIPPED}
    assert receipt.succeeded


def test_two_declared_indexes_of_one_definition_are_both_made(tasks, pg_target):
    tasks.execute("create index j on tasks (status, priority desc)")
    wanted = declared(pg_target, i=COLUMNS, j=COLUMNS)
    plan = plan_for(pg_target, wanted)
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.i": Applied.APPLIED}
    assert plan_for(pg_target, wanted).is_empty


def test_a_drop_does_not_run_where_what_comes_before_it_on_the_table_was_not_made(tasks, pg_target):
    """The new index is there before the old one goes; where it is not, the old one stays."""
    tasks.execute("create index old on tasks (status)")
    plan = plan_for(pg_target, declared(pg_target, old="absent", new={"columns": ["status"], "unique": "yes"}))
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.new": Applied.FAILED, "public.old": Applied.NOT_RUN}
    assert "could not create unique index" in receipt.changes[0].message
    assert receipt.changes[1].message == "main/pg_index/public.new comes before it, and was not made"
    assert tasks.execute("select to_regclass('old') is not null").fetchone() == (True,)


def test_a_failed_change_stops_no_other_of_its_kind(tasks, pg_target):
    wanted = declared(pg_target, a={"columns": ["status"], "unique": "yes"}, b=COLUMNS)
    receipt = apply(plan_for(pg_target, wanted), pg_target)
    assert results(receipt) == {"public.a": Applied.FAILED, "public.b": Applied.APPLIED}


def test_the_steps_are_those_of_the_file_and_not_those_that_would_be_planned_now(tasks, pg_target):
    """A step that nobody would plan does not run, even in a plan that is sealed."""
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))

    def forge(change):
        return change.model_copy(
            update={"steps": (change.steps[0].model_copy(update={"statements": ("drop table tasks",)}),)}
        )

    forged = resealed(plan, forge)
    receipt = apply(forged, pg_target)
    assert results(receipt) == {"public.i": Applied.STALE}
    assert "other steps are needed by now" in message(receipt)
    assert tasks.execute("select to_regclass('tasks') is not null").fetchone() == (True,)
