"""What is set on a server, written down as YAML of which a plan is empty; the defaults were measured."""

from __future__ import annotations

import json
import subprocess

import pytest
import redis
from importing import imported, planned, sections, values
from live import run, start_with
from redis_setting.measure_defaults import measured
from redis_setting.releases import is_known, release
from waiting import until, until_it_answers

from reconciler.demo.redis_server import RedisServer
from reconciler.kinds.redis_setting.as_yaml import OF_ITS_PLACE, OF_ONE_NODE
from reconciler.kinds.redis_setting.values.accepted_ranges import TRIED
from reconciler.kinds.redis_setting.values.defaults import TABLE, defaults
from reconciler.kinds.redis_setting.values.parameters import ALIASES, KNOWN, SECRETS, is_immutable
from reconciler.model import NoticeType, RedisTarget, Target
from reconciler.yaml.writing import LeftOut

SECRET = "hunter2-planted"

ODD = {
    "maxmemory": "1536mb",
    "maxmemory-policy": "ALLKEYS-LRU",
    "save": "3600 1 300 100",
    "client-output-buffer-limit": "replica 512mb 128mb 60 pubsub 33mb 8000000 90",
    "notify-keyspace-events": "KEA",
    "repl-backlog-size": "3000000",
    "proc-title-template": "{title} # of 'ours\" : $ \\ x",
    "slowlog-log-slower-than": "-1",
    "timeout": "300",
    "tcp-keepalive": "0",
    "oom-score-adj-values": "0 100 900",
    "auto-aof-rewrite-percentage": "77",
    "appendfsync": "always",
    "appendonly": "yes",
    "lfu-log-factor": "7",
    "hash-max-ziplist-entries": "99",
    "min-slaves-max-lag": "22",
    "lua-time-limit": "1234",
}


def target(server: RedisServer, user: str = "", password: str = "") -> Target:
    return RedisTarget(name="cache", url=server.url(user, password))


def settings(server: RedisServer) -> dict[str, str]:
    return values(sections(target(server))["settings"])


@pytest.mark.usefixtures("known_release")
def test_the_table_of_defaults_is_what_the_servers_have(redis_server):
    product, number = release(redis_server)
    name = f"{product} {number[0]}.{number[1]}"
    assert defaults(product, number)[0] == name
    assert json.loads(TABLE.read_text())[name] == measured(redis_server.binary)
    assert not SECRETS & defaults(product, number)[1].keys()


@pytest.mark.parametrize(
    ("product", "number", "guess"),
    [
        ("Redis", (6, 0, 16), "Redis 6.2"),
        ("Redis", (7, 4, 1), "Redis 7.0"),
        ("Redis", (8, 2), "Redis 7.0"),
        ("Valkey", (7, 2, 5), "Redis 7.0"),
        ("Valkey", (8, 1, 0), "Redis 7.0"),
        ("Valkey", (9, 1, 2), "Valkey 9.1"),
        ("Valkey", (10, 0), "Valkey 9.1"),
    ],
)
def test_a_version_that_was_not_measured_is_compared_with_the_nearest_older_one(product, number, guess):
    found, table = defaults(product, number)
    assert found == guess
    assert table["tls-port"] == "0", "6.2 was measured without TLS"


def test_of_a_version_that_was_not_measured_an_import_says_what_it_did_not_ask_for(redis_server, monkeypatch):
    monkeypatch.setattr("reconciler.targets.redis.session.RedisSession.version", (99, 0))
    text = imported(target(redis_server)).replace("\n# ", " ").replace("\n  # ", " ")
    assert "for want of this version's own" in text
    assert "further parameters of this version: not asked for, since their names are not known here" in text


@pytest.mark.usefixtures("known_release")
def test_a_new_server_has_nothing_but_what_it_was_started_with(redis_server):
    redis_server.stop()
    redis_server.conf.write_text(redis_server.conf.read_text().replace('save ""\n', ""))
    redis_server.start()
    assert settings(redis_server) == {}
    text = imported(target(redis_server))
    assert "default unknown" not in text
    assert text.endswith(f"  # bind, dir, port: {OF_ITS_PLACE}\n  {{}}\n")


def test_odd_values_come_back_as_they_are_and_make_the_same_of_another_server(redis_server, redis_client, tmp_path):
    for name, value in ODD.items():
        redis_client.config_set(name, value)
    redis_client.config_rewrite()
    text = imported(target(redis_server))
    plan = planned(tmp_path / "one", target(redis_server), text)
    assert (plan.changes, plan.notices) == ((), ())
    found = settings(redis_server)
    assert {ALIASES.get(name, name) for name in ODD} <= {ALIASES.get(name, name) for name in found}
    assert found["maxmemory"] == "1536mb"
    assert found["repl-backlog-size"] == "3000000"
    assert found["client-output-buffer-limit"] == "replica 512mb 128mb 60 pubsub 33mb 8000000 90"
    assert "  maxmemory: 1536mb  # default 0\n" in text
    assert f"# from {redis_server.conf}, the command line or CONFIG SET" in text
    assert ("compared with the defaults of" in text) != is_known(redis_server)
    assert ("further parameters of this version: not asked for" in text) != is_known(redis_server)

    other = RedisServer(redis_server.folder.with_name(f"{redis_server.folder.name}-other"), redis_server.binary)
    other.start()
    try:
        plan = planned(tmp_path / "two", target(other), text)
        assert plan.notices == ()
        run(target(other), plan.changes)
        other.restart()
        again = planned(tmp_path / "two", target(other), text)
        assert (again.changes, again.notices) == ((), ())
        assert settings(other) == found
    finally:
        other.stop()


NOT_TRIED = frozenset(
    [
        "bind",
        "dir",
        "import-mode",
        "maxclients",
        "maxmemory-clients",
        "port",
        "replicaof",
        "slaveof",
        "tls-cluster",
        "tls-port",
        "tls-replication",
        "watchdog-period",
    ]
)
"""With another value the tests could not reach the server, it would be another one, or it would crash: Valkey 9.1 does,
at `tls-cluster yes`, where it has no certificates. CONFIG REWRITE of 6.2 leaves out watchdog-period."""


def test_every_parameter_that_differs_is_written_and_a_plan_of_it_is_empty(redis_server, redis_client, tmp_path):
    product, number = release(redis_server)
    changed = set()
    for name, value in redis_client.config_get("*").items():
        if name in NOT_TRIED | SECRETS or name not in KNOWN or is_immutable(name, product, number) or name in ALIASES:
            continue
        flipped = {"yes": "no", "no": "yes"}.get(value, "")
        numbers = [str(int(value) + more) for more in (1, -1, 1024, -1024)] if value.lstrip("-").isdigit() else []
        words = [
            "x",
            "1",
            "debug",
            "sync",
            "notice",
            "on-empty-db",
            "50",
            "1.5",
            "redis",
            "now",
            "optional",
            "Kx",
            "json",
        ]
        for text in filter(None, [flipped, *numbers, *words]):
            try:
                redis_client.config_set(name, text)
            except redis.ResponseError:
                continue
            if redis_client.config_get(name)[name] != value:
                changed.add(name)
                break
    assert len(changed) > 80, len(changed)
    redis_client.config_rewrite()
    pending = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
    until(lambda: not any(map(redis_client.info("persistence").get, pending)), "the append-only file is whole")
    text = imported(target(redis_server))
    written = sections(target(redis_server))["settings"].value
    assert {name for name in changed if name not in written} <= SECRETS | OF_ONE_NODE
    assert [
        name for name, entry in written.items() if isinstance(entry, LeftOut) and name in changed - OF_ONE_NODE
    ] == []
    assert planned(tmp_path / "one", target(redis_server), text).changes == ()


def test_no_secret_is_written_nor_asked_for(redis_server, redis_client, tmp_path):
    for name in ("masterauth", "requirepass", "tls-key-file-pass"):
        try:
            redis_client.config_set(name, SECRET)
        except redis.ResponseError:
            assert name.startswith("tls")
    redis_client.config_set("slowlog-max-len", 10000)
    redis_client.config_set("slowlog-log-slower-than", 0)
    redis_client.config_rewrite()
    seen = target(redis_server, "default", SECRET)
    text = imported(seen)
    with redis.Redis.from_url(seen.url.get_secret_value()) as client:
        sent = [entry["command"].decode().split() for entry in client.slowlog_get(10000)]
    asked = {command[-1] for command in sent if command[:2] == ["CONFIG", "GET"]}
    assert len(asked) > 150
    assert not asked & SECRETS
    assert not any("*" in name for name in asked)
    assert SECRET not in text
    assert "declare it as {env: REDIS_PASSWORD}" in text
    assert "# masterauth, masteruser, tls-client-key-file-pass, tls-key-file-pass: secrets, not asked for" in text
    assert planned(tmp_path / "one", seen, text).changes == ()


def test_what_only_the_file_can_change_is_marked(redis_server, tmp_path):
    start_with(redis_server, "databases 32\ntcp-backlog 128\n")
    text = imported(target(redis_server))
    assert "  databases: 32  # of the file or command line, default 16\n" in text
    assert planned(tmp_path / "one", target(redis_server), text).changes == ()


def test_without_a_config_file_it_says_so(redis_server, redis_client, tmp_path):
    redis_server.stop()
    redis_server.conf.unlink()
    process = subprocess.Popen(
        [redis_server.binary, "--port", str(redis_server.port), "--bind", "127.0.0.1", "--hz", "20"],
        cwd=redis_server.folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until_it_answers(redis_client)
        text = imported(target(redis_server))
        assert "# from the command line or CONFIG SET: the server has no config file" in text
        assert "  hz: 20  # default 10\n" in text
        plan = planned(tmp_path / "one", target(redis_server), text)
        assert plan.changes == ()
        assert {notice.type for notice in plan.notices} <= {NoticeType.NOT_PERSISTED}
    finally:
        process.kill()
        process.wait()


def test_a_replica_does_not_declare_whose_replica_it_is(redis_server, redis_client, tmp_path):
    redis_client.replicaof("127.0.0.1", 1)
    text = imported(target(redis_server))
    assert "decided by REPLICAOF, Sentinel or the cluster" in text
    assert "127.0.0.1 1" not in text
    assert planned(tmp_path / "one", target(redis_server), text).changes == ()


def test_a_user_that_may_not_ask_is_told_what_it_lacks(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "narrow", "on", f">{SECRET}", "-@all", "+info")
    text = imported(target(redis_server, "narrow", SECRET))
    assert "# settings: not visible: the user narrow may not run CONFIG GET: it needs +config|get\n" in text
    assert "# users: not visible: the user narrow may not run ACL USERS: it needs +acl|users\n" in text
    redis_client.execute_command("ACL", "SETUSER", "narrow", "+config|get")
    text = imported(target(redis_server, "narrow", SECRET))
    assert "# requirepass: whether it is set is not visible" in text


def test_a_server_whose_config_is_renamed_has_no_settings_to_write(redis_server):
    start_with(redis_server, 'rename-command CONFIG ""\n')
    assert "# settings: not visible: " in imported(target(redis_server))


def test_every_version_whose_values_were_tried_was_measured():
    tried = {f"{product} {'.'.join(map(str, number))}" for product, number in TRIED}
    assert tried == json.loads(TABLE.read_text()).keys()
