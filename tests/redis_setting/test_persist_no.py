"""`persist: no`, files that cannot be written, and what is done in which order: told before anything is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from applying.acting import apply, plan_for
from live import changes, converge, outcomes, run, start_with_acl_file
from redis_setting.declared import declared, env
from redis_setting.starting import started
from redis_user.declared_users import users
from waiting import until

from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_user import KIND as USERS
from reconciler.model import Applied, HazardType, Note, NoticeType, RedisTarget
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.verdicts import of_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
SECRETS = Secrets({"PASSWORD": PASSWORD})


def plan_of(target, resources, secrets=SECRETS):
    return make_plan({"cache": target}, resources, secrets, created_at=NOW)


def both(settings, section):
    return [*declared(settings), *users(section)]


def commands(plan):
    return [" ".join(map(str, step.command)) for change in plan.changes for step in change.steps]


class TestPersistNo:
    def test_without_a_file_what_runs_as_declared_is_in_sync_and_a_restart_is_said_to_forget_it(self, fileless):
        """On the code before, it was half-way for ever: drift 4."""
        target = RedisTarget(name="cache", url=fileless, memory=8 << 30)
        resources = both({"maxmemory": "20mb"}, {"app": "on nopass +get"})
        converge(KIND, target, resources[:1])
        converge(USERS, target, resources[1:])
        assert of_plan(plan_of(target, resources)) == "half-way"
        plan = plan_of(target.model_copy(update={"persist": False}), resources)
        [notice] = plan.notices
        assert notice.type is NoticeType.NOTE
        assert "a restart forgets it" in notice.message
        assert of_plan(plan) == "in-sync"
        silent = target.model_copy(update={"persist": False, "silence": frozenset({Note.NOT_WRITTEN})})
        assert not plan_of(silent, resources).notices

    def test_with_a_file_nothing_is_written_into_it(self, redis_target, redis_server):
        target = redis_target.model_copy(update={"persist": False})
        resources = both({"maxmemory": "20mb", "requirepass": env("PASSWORD")}, {"app": "on nopass +get"})
        before = redis_server.conf.read_text()
        plan = plan_of(target, resources)
        assert not [each for each in commands(plan) if "REWRITE" in each or "SAVE" in each]
        target = target.model_copy(update={"credentials": {"default": (env("PASSWORD"),)}})
        converge(USERS, target, resources[2:], SECRETS)
        converge(KIND, target, resources[:2], SECRETS)
        assert redis_server.conf.read_text() == before
        assert of_plan(plan_of(target, resources)) == "in-sync"

    def test_with_an_acl_file_neither(self, redis_server):
        start_with_acl_file(redis_server)
        target = RedisTarget(name="cache", url=redis_server.url(), persist=False)
        converge(USERS, target, users({"app": "on nopass +get"}))
        assert (redis_server.folder / "users.acl").read_text() == ""
        assert of_plan(plan_of(target, users({"app": "on nopass +get"}))) == "in-sync"


CONF = 'bind 127.0.0.1\nport PORT\nsave ""\n'
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts, and starts a server by another account")


def blocked(target, server, *parts):
    for kind, resources in ((KIND, declared({"maxmemory": "20mb"})), (USERS, users({"app": "on nopass +get"}))):
        [notice] = outcomes(kind, target, resources)
        assert notice.type is NoticeType.BLOCKED, kind.name
        for part in parts:
            assert part in notice.message


def for_everybody(binary):
    """A copy: nobody cannot execute what is below /root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    return shutil.copy(binary, folder / "redis-server")


@needs_root
class TestAFileThatCannotBeWritten:
    """On the code before, the value was set, CONFIG REWRITE failed, and undoing it failed as well."""

    def test_a_file_that_is_a_mount_of_its_own_is_told_with_the_way_out(self, redis_server):
        redis_server.stop()
        mounted = redis_server.folder / "mounted"
        mounted.write_text(CONF)
        redis_server.conf.write_text("")
        if subprocess.run(["mount", "--bind", mounted, redis_server.conf], check=False).returncode:
            pytest.skip("this account may not mount")
        try:
            with started(redis_server, "redis.conf") as (target, client):
                pass
            mounted.write_text(mounted.read_text().replace("PORT", "0"))
            with started(redis_server, str(redis_server.conf), "--port", "PORT") as (target, client):
                with pytest.raises(redis.ResponseError, match="busy"):
                    client.config_rewrite()
                blocked(target, client, "is a mount of its own", "Mount its folder", "persist: no")
                assert client.config_get("maxmemory")["maxmemory"] == "0"
                converge(KIND, target.model_copy(update={"persist": False}), declared({"maxmemory": "20mb"}))
        finally:
            subprocess.run(["umount", redis_server.conf], check=True)

    def test_a_folder_that_the_server_may_not_write_into_is_told(self, redis_server):
        redis_server.stop()
        redis_server.conf.write_text(CONF)
        redis_server.folder.chmod(0o755)
        as_nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
        program = for_everybody(redis_server.binary)
        try:
            with started(redis_server, "redis.conf", before=as_nobody, program=program) as (target, client):
                with pytest.raises(redis.ResponseError, match="Permission denied"):
                    client.config_rewrite()
                blocked(target, client, "may not write into", str(redis_server.folder))
                redis_server.folder.chmod(0o777)
                converge(KIND, target, declared({"maxmemory": "20mb"}))
                redis_server.folder.chmod(0o1777)
                redis_server.conf.unlink()
                redis_server.conf.write_text(CONF)
                with pytest.raises(redis.ResponseError, match="not permitted"):
                    client.config_rewrite()
                [notice] = outcomes(KIND, target, declared({"maxmemory": "30mb"}))
                assert "is sticky" in notice.message
        finally:
            shutil.rmtree(Path(program).parent)

    def test_the_same_of_an_acl_file(self, redis_server):
        redis_server.stop()
        elsewhere = redis_server.folder / "acl"
        elsewhere.mkdir()
        (elsewhere / "users.acl").write_text("")
        redis_server.conf.write_text(CONF + f"aclfile {elsewhere}/users.acl\n")
        redis_server.folder.chmod(0o777)
        as_nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
        program = for_everybody(redis_server.binary)
        try:
            with started(redis_server, "redis.conf", before=as_nobody, program=program) as (target, client):
                with pytest.raises(redis.ResponseError):
                    client.execute_command("ACL", "SAVE")
                [notice] = outcomes(USERS, target, users({"app": "on nopass +get"}))
                assert "ACL SAVE would fail" in notice.message
                assert len(changes(KIND, target, declared({"maxmemory": "20mb"}))) == 1
        finally:
            shutil.rmtree(Path(program).parent)


class TestWhoCannotSeeAllUsers:
    def test_a_plan_is_made_and_it_cannot_be_applied(self, redis_server, redis_client):
        """On the code before, only a note said so: a stranger's user with a quote kept the server from starting."""
        redis_client.execute_command("ACL", "SETUSER", "it's", "on", "nopass")
        redis_client.execute_command(
            "ACL", "SETUSER", "tool", "on", f">{PASSWORD}", "~*", "&*", "+@all", *(["-acl|list"] if _sub(redis_client)
            else ["-acl", "+acl|getuser", "+acl|cat", "+acl|setuser", "+acl|whoami", "+acl|users"]),
        )  # fmt: skip
        target = RedisTarget(name="cache", url=redis_server.url("tool", PASSWORD))
        resources = both({"maxmemory": "20mb"}, {"app": "on nopass +get"})
        plan = plan_for(target, resources, SECRETS)
        assert len(plan.changes) == 2
        assert all("+acl|list" in change.forbidden for change in plan.changes)
        receipt = apply(plan, target, secrets=SECRETS, allowed=[HazardType.LESS_SAFE])
        assert [change.result for change in receipt.changes] == [Applied.FAILED, Applied.NOT_RUN]
        assert "+acl|list" in receipt.changes[0].message
        assert redis_client.config_get("maxmemory")["maxmemory"] == "0"
        assert "app" not in redis_client.execute_command("ACL", "USERS")


def _sub(client):
    return not client.info("server")["redis_version"].startswith("6")


class TestOrder:
    def test_protection_ends_after_the_password_is_there(self, redis_target, redis_client):
        """On the code before, the server was open in between: protected-mode came first."""
        wanted = declared(
            {"protected-mode": "no", "bind": "127.0.0.1 ::1", "maxmemory": "20mb", "requirepass": env("PASSWORD")}
        )
        plan = plan_for(redis_target, wanted, SECRETS)
        order = [change.address.name for change in plan.changes]
        assert order.index("requirepass") < min(order.index("protected-mode"), order.index("bind"))
        assert plan.changes[order.index("requirepass")].phase < plan.changes[order.index("protected-mode")].phase
        target = redis_target.model_copy(update={"credentials": {"default": (env("PASSWORD"),)}})
        receipt = apply(plan, target, secrets=SECRETS, allowed=[HazardType.LESS_SAFE, HazardType.STOPS_SERVICE])
        assert {change.result for change in receipt.changes} == {Applied.APPLIED}
        assert plan_for(target, wanted, SECRETS).changes == ()

    def test_where_no_password_can_be_set_the_server_stays_closed(self, redis_target, redis_server, redis_client):
        wanted = declared({"protected-mode": "no", "requirepass": env("PASSWORD")})
        plan = plan_for(redis_target, wanted, SECRETS)
        redis_server.conf.unlink()
        redis_server.conf.mkdir()
        receipt = apply(plan, redis_target, secrets=SECRETS, allowed=[HazardType.LESS_SAFE])
        assert [change.result for change in receipt.changes] == [Applied.FAILED, Applied.NOT_RUN]
        assert redis_client.config_get("protected-mode")["protected-mode"] == "yes"


def test_lines_of_an_acl_file_that_wait_to_be_loaded_are_said_to_be_overwritten(redis_server):
    """On the code before, what somebody had edited by hand was gone without a word."""
    start_with_acl_file(redis_server)
    target = RedisTarget(name="cache", url=redis_server.url())
    converge(USERS, target, users({"app": "on nopass +get"}))
    file = redis_server.folder / "users.acl"
    file.write_text(file.read_text() + "user bob off\n")
    [change] = changes(USERS, target, users({"app": "on nopass +get +set"}))
    [note] = [each for each in change.notes if "overwrites" in each]
    assert note.startswith(f"ACL SAVE overwrites {file}:")
    assert "(bob): edited and waiting for ACL LOAD" in note
    run(target, [change])
    assert "bob" not in file.read_text()
    [change] = changes(USERS, target, users({"app": "on nopass +get"}))
    assert not [each for each in change.notes if "overwrites" in each]


@pytest.mark.redis("< 7")
def test_on_6_watchdog_period_is_refused_since_no_file_takes_it(redis_target, redis_client):
    """On the code before, it was to be persisted for ever."""
    [notice] = outcomes(KIND, redis_target, declared({"watchdog-period": "500"}))
    assert notice.type is NoticeType.BLOCKED
    redis_client.config_set("watchdog-period", "500")
    [notice] = outcomes(KIND, redis_target, declared({"watchdog-period": "500"}))
    assert notice.type is NoticeType.BLOCKED
    assert "does not start with a file that has it" in notice.message
    converge(KIND, redis_target, declared({"watchdog-period": "0"}))


@pytest.mark.redis(">= 7")
def test_later_watchdog_period_converges_or_is_refused(redis_target, redis_server):
    converge(KIND, redis_target, declared({"watchdog-period": "500"}))
    redis_server.restart()
    target = RedisTarget(name="cache", url=redis_server.url())
    assert outcomes(KIND, target, declared({"watchdog-period": "500"})) == []
    [notice] = outcomes(KIND, target, declared({"watchdog-period": "10"}))
    assert "would become 200" in notice.message


def fill(client):
    for number in range(1000):
        client.set(f"key:{number}", "x" * 10_000)


@needs_root
def test_an_append_only_file_that_could_not_be_written_is_no_success_and_not_in_sync(redis_server):
    """On the code before, both: only the last rewrite was looked at."""
    redis_server.stop()
    small = redis_server.folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small], check=False).returncode:
        pytest.skip("this account may not mount")
    try:
        redis_server.conf.write_text(f"{CONF}dir {small}\nappendonly yes\nappendfsync no\n")
        with started(redis_server, "redis.conf") as (target, client):
            assert outcomes(KIND, target, declared({"appendonly": "yes"})) == []
            with pytest.raises(redis.ResponseError):
                fill(client)
            until(lambda: client.info("persistence")["aof_last_write_status"] == "err", "the disk is full")
            [notice] = outcomes(KIND, target, declared({"appendonly": "yes"}))
            assert notice.type is NoticeType.BLOCKED
            assert "aof_last_write_status:err" in notice.message
            plan = plan_for(target, declared({"appendonly": "yes", "hz": "20"}))
            receipt = apply(plan, target)
            assert [change.result for change in receipt.changes] == [Applied.FAILED]
    finally:
        subprocess.run(["umount", "-l", small], check=True)
