"""Whether the files of a server are compared with what runs; and where they are not, that it is said once, and why.

Before, a server that was started by its bare name, or from its folder, was silently never compared with its file, and
nothing was said of arguments that undo at the next start what was applied.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from datetime import UTC, datetime

import pytest
from live import changes, converge, outcomes
from redis_setting.declared import declared
from redis_setting.starting import started

from reconciler.kinds.redis_setting import KIND
from reconciler.model import NoticeType
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.verdicts import of_plan
from reconciler.views import render_drift

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONF = 'bind 127.0.0.1\nport PORT\nsave ""\nmaxmemory 10mb\n'


def plan_of(target, section):
    return make_plan({"cache": target}, declared(section), Secrets({}), created_at=NOW)


@pytest.fixture
def stopped(redis_server):
    redis_server.stop()
    redis_server.conf.write_text(CONF)
    (redis_server.folder / "bin").mkdir()
    shutil.copy(redis_server.binary, redis_server.folder / "bin" / "redis-server")
    return redis_server


FOUND = [
    ("redis-server", "redis.conf", "by its bare name through PATH, its file from its folder"),
    ("redis-server", "./redis.conf", "the same, spelled with a dot"),
    ("bin/redis-server", "redis.conf", "both from its folder"),
    ("./bin/redis-server", "{folder}/redis.conf", "the program from its folder, its file by its whole path"),
    ("{folder}/bin/redis-server", "redis.conf", "the other way round"),
    ("{folder}/bin/redis-server", "../redis.conf", "by way of the folder above"),
]


@pytest.mark.parametrize(("program", "file", "reason"), FOUND, ids=[case[2] for case in FOUND])
def test_however_a_server_was_started_its_file_is_compared(program, file, reason, stopped):
    """On the code before, nothing was said of any of these."""
    folder = stopped.folder
    words = {"program": program.format(folder=folder), "cwd": folder / "bin" if file.startswith("../") else folder}
    path = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    with started(stopped, file.format(folder=folder), environment=path, **words) as (target, client):
        client.config_set("maxmemory", "20mb")
        [change] = changes(KIND, target, declared({"maxmemory": "20mb"}))
        assert change.reason.startswith("a restart would bring 10MB, from ")
        converge(KIND, target, declared({"maxmemory": "20mb"}))
        plan = plan_of(target, {"maxmemory": "20mb"})
        assert (plan.notices, of_plan(plan)) == ((), "in-sync")


def test_a_program_that_was_replaced_since_is_still_the_same_process(stopped):
    program = stopped.folder / "bin" / "redis-server"
    with started(stopped, "redis.conf", program=str(program)) as (target, _):
        program.unlink()
        shutil.copy(stopped.binary, program)
        with closing(connect(target, Secrets({}))) as session:
            assert session.remark is None


def test_arguments_that_are_hidden_are_said_and_are_a_verdict(stopped):
    with started(stopped, "redis.conf", "--hz", "20") as (target, _):
        converge(KIND, target, declared({"maxmemory": "20mb"}))
        plan = plan_of(target, {"maxmemory": "20mb", "maxclients": "500"})
        [notice] = [each for each in plan.notices if each.type is NoticeType.NOT_VISIBLE]
        assert str(notice.address) == "cache/redis_setting/*"
        assert "what its command line sets beside" in notice.message
        assert "a restart may undo what is applied" in notice.message
        assert "set-proc-title no" in notice.message, "the way out"
        assert of_plan(plan_of(target, {"maxmemory": "20mb"})) == "not-visible"


def test_arguments_that_are_shown_are_told_in_the_plan_and_are_a_verdict_afterwards(stopped):
    with stopped.conf.open("a") as conf:
        conf.write("set-proc-title no\n")
    with started(stopped, "redis.conf", "--maxmemory", "100mb") as (target, _):
        [change] = converge(KIND, target, declared({"maxmemory": "30mb"}))
        assert "a restart brings 100MB again, from its command line" in change.notes
        [notice] = outcomes(KIND, target, declared({"maxmemory": "30mb"}))
        assert notice.type is NoticeType.NOT_PERSISTED
        assert "a restart would bring 100MB, from its command line" in notice.message
        assert "take it out of the command line" in notice.message
        assert of_plan(plan_of(target, {"maxmemory": "30mb"})) == "half-way"


def test_a_file_that_cannot_be_read_is_said_once_and_drift_is_what_it_is(stopped):
    with started(stopped, "redis.conf") as (target, _):
        stopped.conf.rename(stopped.folder / "elsewhere")
        plan = plan_of(target, {"maxmemory": "10mb", "hz": "10"})
        [notice] = plan.notices
        assert notice.type is NoticeType.NOTE
        assert notice.message == (
            "the server's files are not compared with what runs: "
            f"{stopped.folder}/redis.conf cannot be read: No such file or directory"
        )
        assert of_plan(plan) == "in-sync"
        assert render_drift(plan, "text", colour=False, width=100).splitlines()[-1].startswith("In sync.")


WHY = [
    ({"process_id": 999999999}, "there is no process 999999999", "elsewhere"),
    ({"process_id": "own"}, "of this one is another program", "a process of the same number"),
    ({"process_id": "none"}, "+info", "no number"),
]


@pytest.mark.parametrize(("told", "why", "reason"), WHY, ids=[case[2] for case in WHY])
def test_a_server_that_is_elsewhere_is_said_to_be(told, why, reason, redis_target):
    told = {name: os.getpid() if value == "own" else value for name, value in told.items()}
    with closing(connect(redis_target, Secrets({}))) as session:
        session.server = {**session.server, **told}
        assert why in session.remark.message
        assert session.remark.type is NoticeType.NOTE
