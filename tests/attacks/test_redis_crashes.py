"""kill -9 of a Redis at every moment of an apply: it starts, has every key, and the next plan and apply converge.

Before `appendonly` waited for its file, all of "the file is there before it is written down" failed: CONFIG REWRITE was
sent some milliseconds after CONFIG SET, the apply had said success, and the start found none of the keys.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis
from applying.acting import Applying, Seen, apply, plan_for, results
from live import start_with, start_with_acl_file
from redis_setting.declared import declared
from redis_user.declared_users import users
from waiting import until

from reconciler.applying.executing import step as execute
from reconciler.applying.interruption import Interruption
from reconciler.model import Applied, HazardType, NoticeType, RedisStep, RedisTarget, Target

KEYS = 3000

ALLOWED = tuple(HazardType)

SLOWLY = "rdb-key-save-delay"
"""Microseconds that a snapshot, and the first append-only file, rests after each key; for tests of the servers' own."""


def at(redis_server) -> Target:
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30)


@pytest.fixture
def filled(redis_server):
    """A server whose keys are all in its dump.rdb, and which goes on with it."""
    with closing(redis.Redis(port=redis_server.port)) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(KEYS):
            pipeline.set(f"key:{number}", number)
        pipeline.execute()
        client.save()
    return redis_server


def slowly(server, microseconds: int) -> None:
    with closing(redis.Redis(port=server.port)) as client:
        client.config_set(SLOWLY, microseconds)


def persistence(server) -> dict:
    with closing(redis.Redis(port=server.port)) as client:
        return client.info("persistence")


def being_written(server) -> bool:
    return bool(persistence(server)["aof_rewrite_in_progress"])


def child_of(server) -> int:
    """The process that writes the append-only file."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return until(lambda: [int(pid) for pid in children.read_text().split()], "a process that writes")[0]


def killed_and_started(server) -> None:
    server.kill()
    server.start()
    with closing(redis.Redis(port=server.port)) as client:
        until(lambda: not client.info("persistence")["loading"], "it has loaded", ignoring=(redis.RedisError,))
        assert client.dbsize() == KEYS


def converges(server, resources) -> None:
    plan = plan_for(at(server), resources)
    assert not [notice for notice in plan.notices if notice.type is NoticeType.BLOCKED], plan.notices
    if plan.changes:
        receipt = apply(plan, at(server), allowed=ALLOWED)
        assert receipt.succeeded, receipt
    again = plan_for(at(server), resources)
    assert (again.changes, again.notices) == ((), ())
    killed_and_started(server)
    again = plan_for(at(server), resources)
    assert (again.changes, again.notices) == ((), ())


class Cut:
    """Kills the server before or after the step of this number, counted over the whole apply."""

    def __init__(self, server, number: int, *, after: bool) -> None:
        self._server, self._number, self._after = server, number, after
        self.seen = 0

    def __call__(self, original):
        def run(executor, step, *more):
            number, self.seen = self.seen, self.seen + 1
            if number == self._number and not self._after:
                self._server.kill()
            original(executor, step, *more)
            if number == self._number and self._after:
                self._server.kill()

        return run


SETTINGS = {
    "appendonly": "yes",
    "hz": "20",
    "maxmemory": "1gb",
    "maxmemory-policy": "allkeys-lru",
    "save": "3600 1",
    "timeout": "77",
}
USERS = {"app": "on ~app:* +get", "other": "on ~* +@read", "gone": "absent"}

MOST_STEPS = 20


def resources_of(kind):
    return declared(SETTINGS) if kind == "settings" else users(USERS)


@pytest.mark.parametrize("kind", ["settings", "users", "users of an ACL file"])
def test_the_server_is_killed_at_every_step(kind, filled, monkeypatch):
    """At each step, before it is sent and right after, until an apply has fewer steps than that."""
    if kind == "users of an ACL file":
        start_with_acl_file(filled)
    files = {path.name: path.read_bytes() for path in filled.folder.iterdir() if path.is_file()}
    resources = resources_of(kind.partition(" ")[0])
    original = execute.RedisExecutor.run
    number, reached = 0, True
    while reached and number < MOST_STEPS:
        for after in (False, True):
            _begin_again(filled, files, kind)
            cut = Cut(filled, number, after=after)
            plan = plan_for(at(filled), resources)
            with monkeypatch.context() as patched:
                patched.setattr(execute.RedisExecutor, "run", cut(original))
                receipt = apply(plan, at(filled), allowed=ALLOWED)
            reached = cut.seen > number
            assert receipt.succeeded is not reached or after, receipt
            killed_and_started(filled)
            converges(filled, resources)
        number += 1
    assert 3 < number < MOST_STEPS, "all steps had their turn"


def _begin_again(server, files, kind) -> None:
    """With the files that it had, and a user who is to go."""
    server.kill()
    for path in sorted(server.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, content in files.items():
        (server.folder / name).write_bytes(content)
    server.start()
    if kind.startswith("users"):
        with closing(redis.Redis(port=server.port)) as client:
            client.execute_command("ACL", "SETUSER", "gone", "on", "~*", "+get")
            client.execute_command(*(("ACL", "SAVE") if "ACL" in kind else ("CONFIG", "REWRITE")))


WAITING = [
    ({"appendonly": "yes"}, "alone"),
    ({"appendonly": "yes", "hz": "20", "timeout": "77"}, "beside settings that are persisted by the same command"),
    ({"hz": "20", "appendonly": "yes", "requirepass": ""}, "beside what is already so"),
]


@pytest.mark.parametrize(("section", "reason"), WAITING, ids=[case[1] for case in WAITING])
def test_the_file_is_there_before_it_is_written_down(section, reason, filled):
    """The server is killed while the file is being written: it starts from its dump.rdb, and has every key."""
    slowly(filled, 500_000)
    listener = Seen()
    applying = Applying(plan_for(at(filled), declared(section)), at(filled), allowed=ALLOWED, listener=listener)
    until(lambda: being_written(filled), "the file is being written")
    until(lambda: listener.progress, "the wait is told")
    assert "appendonly yes" not in filled.conf.read_text()
    assert "the append-only file is written" in listener.progress[0].phase
    killed_and_started(filled)
    assert applying.ended().changes[0].result is Applied.FAILED
    converges(filled, declared(section))


def test_it_waits_for_a_rewrite_that_waits_for_a_snapshot(filled):
    slowly(filled, 500_000)
    with closing(redis.Redis(port=filled.port)) as client:
        client.bgsave()
    applying = Applying(plan_for(at(filled), declared({"appendonly": "yes"})), at(filled))
    until(lambda: persistence(filled)["aof_rewrite_scheduled"], "the rewrite is scheduled")
    assert "appendonly yes" not in filled.conf.read_text()
    slowly(filled, 0)
    os.kill(child_of(filled), signal.SIGKILL)
    assert applying.ended().succeeded
    converges(filled, declared({"appendonly": "yes"}))


OTHERS = [
    ("hz", lambda: declared({"hz": "20"}), "a setting"),
    ("app", lambda: users({"app": "on ~app:* +get"}), "a user"),
    ("requirepass", lambda: declared({"requirepass": "", "timeout": "77"}), "several"),
]


@pytest.mark.parametrize(("name", "make", "reason"), OTHERS, ids=[case[2] for case in OTHERS])
def test_no_other_change_writes_it_down_meanwhile(name, make, reason, filled):
    """Somebody has just set appendonly yes, by hand: our own CONFIG REWRITE would write that down as well."""
    slowly(filled, 500_000)
    with closing(redis.Redis(port=filled.port)) as client:
        client.config_set("appendonly", "yes")
    plan = plan_for(at(filled), make())
    steps = [step for change in plan.changes for step in change.steps if isinstance(step, RedisStep)]
    assert all(bool(step.waits_for) == (step.command == ("CONFIG", "REWRITE")) for step in steps)
    listener = Seen()
    applying = Applying(plan, at(filled), allowed=ALLOWED, listener=listener)
    until(lambda: listener.progress, "the wait is told")
    assert "appendonly yes" not in filled.conf.read_text()
    killed_and_started(filled)
    applying.ended()
    converges(filled, make())


@pytest.mark.parametrize("section", [{"appendonly": "yes"}, {"appendonly": "yes", "hz": "20"}], ids=["alone", "beside"])
def test_a_rewrite_that_fails_is_no_success_and_is_taken_back(section, filled):
    """Its process is killed, as the kernel does where memory is short. What was judged beside it is not made."""
    slowly(filled, 500_000)
    applying = Applying(plan_for(at(filled), declared(section)), at(filled), allowed=ALLOWED)
    os.kill(child_of(filled), signal.SIGKILL)
    receipt = applying.ended()
    assert results(receipt) == {"appendonly": Applied.FAILED, **{n: Applied.STALE for n in section if n == "hz"}}
    assert "aof_last_bgrewrite_status:err" in receipt.changes[0].message
    assert "it was undone" in receipt.changes[0].message
    assert "appendonly yes" not in filled.conf.read_text()
    slowly(filled, 0)
    converges(filled, declared(section))


def test_a_rewrite_that_failed_later_is_not_in_sync(filled):
    """It had said "in sync"."""
    converges(filled, declared({"appendonly": "yes"}))
    slowly(filled, 500_000)
    with closing(redis.Redis(port=filled.port)) as client:
        client.bgrewriteaof()
        os.kill(child_of(filled), signal.SIGKILL)
        until(lambda: client.info("persistence")["aof_last_bgrewrite_status"] == "err", "the failure is seen")
    slowly(filled, 0)
    [notice] = plan_for(at(filled), declared({"appendonly": "yes"})).notices
    assert notice.type is NoticeType.BLOCKED
    assert "aof_last_bgrewrite_status:err" in notice.message
    with closing(redis.Redis(port=filled.port)) as client:
        client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_last_bgrewrite_status"] == "ok", "it is whole again")
    converges(filled, declared({"appendonly": "yes"}))


def test_an_interrupted_wait_is_taken_back(filled):
    slowly(filled, 500_000)
    interruption, listener = Interruption(), Seen()
    plan = plan_for(at(filled), declared({"appendonly": "yes"}))
    applying = Applying(plan, at(filled), interruption=interruption, listener=listener)
    until(lambda: listener.progress, "the wait is told")
    interruption.set()
    receipt = applying.ended()
    assert "interrupted" in receipt.changes[0].message
    assert "it was undone" in receipt.changes[0].message
    slowly(filled, 0)
    converges(filled, declared({"appendonly": "yes"}))


def test_an_apply_that_is_gone_while_it_waited_is_finished_by_the_next(filled):
    """As after kill -9 of the apply: CONFIG SET was sent, CONFIG REWRITE was not, and the file is being written."""
    slowly(filled, 100)
    with closing(redis.Redis(port=filled.port)) as client:
        client.config_set("appendonly", "yes")
    [change] = plan_for(at(filled), declared({"appendonly": "yes"})).changes
    assert [step.waits_for for step in change.steps] == ["append-only-file"]
    converges(filled, declared({"appendonly": "yes"}))
    assert "appendonly yes" in filled.conf.read_text()


def test_a_server_that_is_elsewhere_has_it_written_down_once_it_is_whole(filled, monkeypatch):
    """Its file is not to be seen, so that an apply that was killed while it waited could never be told otherwise."""
    monkeypatch.setattr("reconciler.targets.redis.session.elsewhere", lambda server, connection: "elsewhere")
    slowly(filled, 500)
    with closing(redis.Redis(port=filled.port)) as client:
        client.config_set("appendonly", "yes")
    [change] = plan_for(at(filled), declared({"appendonly": "yes"})).changes
    assert "not to be seen" in change.reason
    assert apply(plan_for(at(filled), declared({"appendonly": "yes"})), at(filled)).succeeded
    assert "appendonly yes" in filled.conf.read_text()
    assert plan_for(at(filled), declared({"appendonly": "yes"})).is_empty


@pytest.mark.thorough
def test_kills_at_any_moment_of_the_first_file(filled):
    """Not at steps, but in between: while the file is written, while it is renamed, while it is written down."""
    resources = declared({"appendonly": "yes", "hz": "20"})
    files = {path.name: path.read_bytes() for path in filled.folder.iterdir() if path.is_file()}
    for milliseconds in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        _begin_again(filled, files, "settings")
        plan = plan_for(at(filled), resources)
        process = filled.process
        timer = threading.Timer(milliseconds / 1000, process.kill)
        timer.start()
        with suppress(Exception):  # it may be gone before the lock is taken
            apply(plan, at(filled), allowed=ALLOWED)
        timer.join()
        killed_and_started(filled)
        converges(filled, resources)


def test_the_wait_is_bounded_where_the_server_is_gone(filled):
    slowly(filled, 500_000)
    listener = Seen()
    applying = Applying(plan_for(at(filled), declared({"appendonly": "yes"})), at(filled), listener=listener)
    until(lambda: listener.progress, "the wait is told")
    filled.kill()
    assert applying.ended().changes[0].result is Applied.FAILED
    filled.start()
    converges(filled, declared({"appendonly": "yes"}))


def test_a_replaced_file_of_old_times_is_not_what_a_start_finds(filled):
    """An append-only file of some other time lies there, as after appendonly no: the start does not load that."""
    converges(filled, declared({"appendonly": "yes"}))
    start_with(filled, "")
    converges(filled, declared({"appendonly": "no", "save": "3600 1"}))
    converges(filled, declared({"appendonly": "yes", "save": "3600 1"}))
