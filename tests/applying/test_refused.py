"""What is refused before anything runs: hazards, other systems, altered files, a lock that somebody holds."""

from __future__ import annotations

import json
import os
import signal

import pytest
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from waiting import reload, until

from applying.acting import Applying, apply, now, pg_settings, plan_for, results
from applying.conftest import locks, waiting
from reconciler.applying.lock import locked
from reconciler.documents import plan as plan_file
from reconciler.errors import ApplyError, HazardNotAllowed, LockHeld, PlanFileError
from reconciler.model import Applied, HazardType
from reconciler.secrets import Secrets

COLUMNS = {"columns": ["status", "priority desc"]}


def names(tasks) -> set[str]:
    return {name for (name,) in tasks.execute("select indexrelid::regclass::text from pg_index where indrelid > 16384")}


def test_nothing_at_all_runs_until_every_hazard_is_allowed_by_name(tasks, pg_target):
    tasks.execute("create index i on tasks (title)")
    wanted = [*declared(pg_target, i="absent", j=COLUMNS), *pg_settings(pg_target, {"fsync": "off"})]
    tasks.execute("alter system set fsync = on")
    reload(tasks)
    assert tasks.execute("show fsync").fetchone() == ("on",)
    plan = plan_for(pg_target, wanted)
    before = names(tasks)

    with pytest.raises(HazardNotAllowed, match=r"--allow index-drop --allow less-safe") as raised:
        apply(plan, pg_target)
    assert "main/pg_index/public.i: index-drop: " in str(raised.value)
    assert "main/pg_setting/fsync: less-safe: " in str(raised.value)
    with pytest.raises(HazardNotAllowed, match=r"apply … --allow less-safe$"):
        apply(plan, pg_target, allowed=[HazardType.INDEX_DROP])
    assert names(tasks) == before
    assert tasks.execute("show fsync").fetchone() == ("on",)

    assert apply(plan, pg_target, allowed=[HazardType.INDEX_DROP, HazardType.LESS_SAFE]).succeeded
    assert names(tasks) == before - {"i"} | {"j"}


def test_the_command_says_which_flag_allows_it(tasks, pg_target, command, tmp_path):
    tasks.execute("create index i on tasks (title)")
    plan_file.write(plan_for(pg_target, declared(pg_target, i="absent")), tmp_path / "plan.json")
    code, out, err = command.run("apply", tmp_path / "plan.json")
    assert (code, out) == (1, "")
    assert "--allow index-drop" in err
    assert "i" in names(tasks)
    assert command.run("apply", tmp_path / "plan.json", "--allow", "index-drop")[0] == 0
    assert "i" not in names(tasks)


def test_a_plan_for_another_database_is_refused(tasks, pg_target, postgres):
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    other = pg_target.model_copy(update={"url": type(pg_target.url)(postgres.url("postgres"))})
    with pytest.raises(PlanFileError, match=r"made for another main: PostgreSQL .* database test_.* now leads to"):
        apply(plan, other)


def test_a_plan_for_a_target_that_nobody_declares_is_refused(tasks, pg_target):
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    with pytest.raises(
        PlanFileError, match=r"for the target main, which is not declared here\n.*declared are: replica"
    ):
        apply(plan, pg_target.model_copy(update={"name": "replica"}))


def test_an_altered_plan_file_is_refused_and_nothing_runs(tasks, pg_target, command, tmp_path):
    text = plan_file.dump(plan_for(pg_target, declared(pg_target, i=COLUMNS)))
    raw = json.loads(text)
    raw["resource_changes"][0]["steps"][0]["statements"] = ["drop table tasks"]
    (tmp_path / "plan.json").write_text(json.dumps(raw))
    code, out, err = command.run("apply", tmp_path / "plan.json", "--allow", "index-drop")
    assert (code, out) == (1, "")
    assert "was altered: the change of 'main/pg_index/public.i' does not match its fingerprint" in err
    assert names(tasks) >= {"tasks_pkey"}


def test_the_second_of_two_applies_is_told_who_is_at_work_and_since_when(tasks, pg_target, holder, command, tmp_path):
    holder.execute("update tasks set priority = 0 where id = 1")
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    plan_file.write(plan, tmp_path / "plan.json")
    first = Applying(plan, pg_target)
    until(lambda: waiting(tasks, "create index%"), "the first one builds")
    code, out, err = command.run("apply", tmp_path / "plan.json")
    assert (code, out) == (1, "")
    pid = locks(tasks)[0][0]
    assert "error: main: another apply is at work: reconciler apply by " in err
    assert f"process {os.getpid()} (process {pid}, user postgres, host 127.0.0.1), since 20" in err
    holder.rollback()
    assert first.ended().succeeded
    assert results(apply(plan, pg_target)) == {"public.i": Applied.SKIPPED}


def test_a_lock_that_is_lost_stops_what_has_not_begun(tasks, pg_target, holder):
    holder.execute("update tasks set priority = 0 where id = 1")
    applying = Applying(plan_for(pg_target, declared(pg_target, i=COLUMNS, j={"columns": ["title"]})), pg_target)
    until(lambda: waiting(tasks, "create index%"), "the first index is being built")
    tasks.execute("select pg_terminate_backend(%s)", locks(tasks)[0])
    until(lambda: not locks(tasks), "the lock is lost")
    holder.rollback()
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.APPLIED, "public.j": Applied.FAILED}
    assert "the lock was lost, and another apply may be at work" in receipt.changes[1].message
    assert names(tasks) >= {"i"}
    assert "j" not in names(tasks)


def test_the_lock_of_redis_says_who_holds_it_and_ends_with_its_owner(redis_target, redis_client):
    plan = plan_for(redis_target, redis_settings({"hz": "20"}))
    with locked(redis_target, Secrets({}), now) as held:
        held()
        with pytest.raises(
            LockHeld, match=r"cache: another apply is at work: reconciler apply by .*2026-01-02 03:04:05"
        ):
            apply(plan, redis_target)
        assert redis_client.config_get("hz") == {"hz": "10"}
    assert apply(plan, redis_target).succeeded
    assert redis_client.keys() == []


def test_a_lock_of_redis_that_was_lost_is_noticed_though_the_driver_connects_again(redis_target, redis_client):
    with locked(redis_target, Secrets({}), now) as held:
        [ours] = [client["id"] for client in redis_client.client_list() if client["name"].startswith("reconciler")]
        redis_client.client_kill_filter(_id=ours)
        with pytest.raises(ApplyError, match="the lock was lost"):
            held()
        with pytest.raises(ApplyError, match="its connection was closed"):
            held()


FULL = [
    ({"maxmemory": "1mb"}, {"maxmemory": "100mb"}, "a server that is full"),
    ({"replicaof": "127.0.0.1 1"}, {"maxmemory": "100mb"}, "a replica"),
]


@pytest.mark.parametrize(("state", "section", "reason"), FULL, ids=[case[2] for case in FULL])
def test_a_server_that_refuses_all_writes_can_still_be_mended(redis_target, redis_client, state, section, reason):
    """A lock that had to be written there could not be taken where it matters most."""
    if "replicaof" in state:
        redis_client.replicaof("127.0.0.1", 1)
    else:
        redis_client.config_set("maxmemory", "1mb")
    plan = plan_for(redis_target, redis_settings(section))
    receipt = apply(plan, redis_target)
    assert receipt.succeeded, receipt.changes
    assert redis_client.config_get("maxmemory") == {"maxmemory": "104857600"}


def test_a_killed_owner_holds_no_lock(
    tasks, pg_target, holder, redis_server, redis_client, redis_target, command, tmp_path
):
    (command.folder / "cache.yaml").write_text(f"targets: {{cache: {{redis: '{redis_server.url()}'}}}}\n")
    wanted = [*declared(pg_target, i=COLUMNS), *redis_settings({"hz": "20"})]
    plan_file.write(plan_for([pg_target, redis_target], wanted), tmp_path / "plan.json")
    holder.execute("update tasks set priority = 0 where id = 1")
    process = command.start("apply", tmp_path / "plan.json")

    def named() -> list[str]:
        return [client["name"] for client in redis_client.client_list() if client["name"]]

    until(lambda: waiting(tasks, "create index%") and named(), "both locks are held, and the build waits")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until(lambda: not locks(tasks) and not named(), "both are free")
