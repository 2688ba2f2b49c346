"""What only a file, a restart or a provider can change: the exact line, what it costs, the command to paste."""

from __future__ import annotations

import re
import shlex
from contextlib import closing

import pytest
import redis
from live import outcomes, start_with
from redis_setting.declared import declared, env
from redis_user.declared_users import users

from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.file_only import lines
from reconciler.kinds.redis_user import KIND as USERS
from reconciler.model import NoticeType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.redis.managed import owner

VALUES = [
    ("logfile", "a b.log", "a blank"),
    ("syslog-ident", 'say "hello"', "quotes"),
    ("syslog-ident", "it's", "a single quote"),
    ("syslog-ident", "back\\slash", "a backslash"),
    ("syslog-ident", "# no comment", "a hash"),
    ("syslog-ident", "tab\there", "a tab"),
    ("syslog-ident", "ä €", "beyond ASCII"),
    ("unixsocketperm", "0700", "an octal number"),
    ("databases", "32", "a number"),
    ("save", "3600 1 300 100", "several points, one a line"),
    ("save", "", "nothing"),
    ("client-output-buffer-limit", "replica 512mb 128mb 60 pubsub 64mb 16mb 90", "several classes"),
    ("oom-score-adj-values", "0 100 300", "three words"),
    ("proc-title-template", "{title} of 'ours'", "braces"),
    ("maxmemory", "1gb", "a unit"),
    ("replicaof", "no one", "two words"),
    ("notify-keyspace-events", "", "an empty one"),
]


def at(redis_server):
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30)


@pytest.mark.parametrize(("name", "value", "reason"), VALUES, ids=[case[2] for case in VALUES])
def test_the_line_that_a_notice_gives_is_read_by_the_server_as_what_is_declared(name, value, reason, redis_server):
    redis_server.stop()
    with redis_server.conf.open("a", encoding="utf-8") as conf:
        conf.writelines(f"{line}\n" for line in lines(name, value))
    redis_server.start()
    assert outcomes(KIND, at(redis_server), declared({name: value})) == []


def test_a_fixed_setting_that_differs_gives_the_line_where_it_goes_and_when(redis_server):
    [notice] = outcomes(KIND, at(redis_server), declared({"syslog-ident": 'our "cache"'}))
    assert notice.type is NoticeType.BLOCKED
    assert f'Write into {redis_server.conf}: syslog-ident "our \\"cache\\""; then restart' in notice.message
    assert "before the next CONFIG REWRITE writes" in notice.message


def test_fewer_databases_cost_what_is_in_the_others_and_the_server_would_not_start(redis_server):
    [notice] = outcomes(KIND, at(redis_server), declared({"databases": "4"}))
    assert "With keys in databases 4 to 15 it does not start: move or delete them before" in notice.message
    [notice] = outcomes(KIND, at(redis_server), declared({"databases": "32"}))
    assert "does not start" not in notice.message
    with closing(redis.Redis(port=redis_server.port, db=15)) as client:
        client.set("a", "1")
        client.save()
    redis_server.stop()
    with redis_server.conf.open("a") as conf:
        conf.write("databases 4\n")
    with pytest.raises(Exception, match="configured to handle more than 4 databases"):
        redis_server.start()


def test_an_acl_file_beside_users_in_the_file_keeps_the_server_from_starting(redis_server):
    [notice] = outcomes(KIND, at(redis_server), declared({"aclfile": "/etc/redis/users.acl"}))
    assert "does not start while its own file has lines for users" in notice.message
    acl = redis_server.folder / "users.acl"
    acl.write_text("")
    redis_server.stop()
    with redis_server.conf.open("a") as conf:
        conf.write(f"user app on nopass\naclfile {acl}\n")
    with pytest.raises(Exception, match="ACL file path is invalid"):
        redis_server.start()


@pytest.mark.parametrize("renamed", ['""', "OUR-CONFIG"])
def test_a_missing_config_is_explained_with_the_line_and_what_there_is_to_do(renamed, redis_server):
    start_with(redis_server, f"rename-command CONFIG {renamed}\n")
    resources = declared({"maxmemory-policy": "allkeys-lru", "requirepass": env("SECRET")})
    plain, secret = outcomes(KIND, at(redis_server), resources, Secrets({"SECRET": "s3cret-word"}))
    assert plain.type is secret.type is NoticeType.BLOCKED
    assert "has no CONFIG command, and no provider is recognised" in plain.message
    assert (
        "If rename-command renamed it, write into its configuration file: maxmemory-policy allkeys-lru" in plain.message
    )
    assert "gcloud redis instances update INSTANCE --region=REGION" in plain.message
    assert "requirepass (sensitive)" in secret.message
    assert "s3cret-word" not in secret.message


OWNERS = [
    ({"os": "Amazon ElastiCache", "config_file": "-"}, "10.0.0.1", "ElastiCache"),
    ({}, "my.abc123.0001.euc1.cache.amazonaws.com", "ElastiCache"),
    ({"os": "Amazon MemoryDB"}, "10.0.0.1", "MemoryDB"),
    ({}, "clustercfg.my.abc123.memorydb.eu-central-1.amazonaws.com", "MemoryDB"),
    ({}, "cache-project.aivencloud.com", "Aiven"),
    ({}, "redis-12345.c1.eu-central-1-1.ec2.redns.redis-cloud.com", "Redis Cloud"),
    ({"upstash_version": "1.10.5"}, "10.0.0.1", "Upstash"),
    ({}, "eu1-name-12345.upstash.io", "Upstash"),
    ({"os": "Linux 6.1"}, "127.0.0.1", ""),
]


@pytest.mark.parametrize(("server", "host", "name"), OWNERS)
def test_a_managed_service_is_recognised_by_what_it_says_or_where_it_is(server, host, name):
    assert owner(server, host) == name


COMMANDS = [
    (
        "ElastiCache",
        "aws elasticache modify-cache-parameter-group --cache-parameter-group-name GROUP "
        "--parameter-name-values ParameterName=notify-keyspace-events,ParameterValue=KEg$",
    ),
    (
        "MemoryDB",
        "aws memorydb update-parameter-group --parameter-group-name GROUP "
        "--parameter-name-values ParameterName=notify-keyspace-events,ParameterValue=KEg$",
    ),
    ("Aiven", "avn service update SERVICE -c PRODUCT_notify_keyspace_events=KEg$"),
]


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[case[0] for case in COMMANDS])
def test_a_provider_that_keeps_config_gets_its_own_command_ready_to_paste(name, command, redis_server, monkeypatch):
    """A real server without CONFIG, taken for the provider's: none of them can be reached from a test."""
    monkeypatch.setattr("reconciler.targets.redis.session.owner", lambda server, host: name)
    start_with(redis_server, 'rename-command CONFIG ""\n')
    [notice] = outcomes(KIND, at(redis_server), declared({"notify-keyspace-events": "KEg$"}))
    said, _, pasted = notice.message.partition(" keeps CONFIG to itself: ")
    assert said == name
    product = "valkey" if "valkey" in redis_server.folder.name else "redis"
    assert shlex.split(pasted) == command.replace("PRODUCT", product).split(" "), "as a shell reads it"


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("ElastiCache", "aws elasticache modify-user --user-id USER_ID --access-string 'on ~app:* +get'"),
        ("MemoryDB", "aws memorydb update-user --user-name app --access-string 'on ~app:* +get'"),
        ("", ""),
    ],
)
def test_a_provider_that_keeps_its_users_gets_its_own_command_too(name, way, redis_server, monkeypatch):
    monkeypatch.setattr("reconciler.targets.redis.session.owner", lambda server, host: name)
    start_with(redis_server, 'rename-command ACL ""\n')
    [notice] = outcomes(USERS, at(redis_server), users({"app": "on ~app:* +get"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "unknown command" in notice.message.lower()
    assert notice.message.endswith(way)


def test_a_denied_config_names_the_permission_and_stays_not_visible(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", ">a-passw0rd", "-@all", "+info")
    target = RedisTarget(name="cache", url=redis_server.url("drift", "a-passw0rd"))
    [notice] = outcomes(KIND, target, declared({"maxmemory": "1gb"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert re.search(r"may not run CONFIG GET: it needs \+config\|get", notice.message)


@pytest.mark.usefixtures("known_release")
@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("maxmemory-policy", "allkeys-lruu", "volatile-lru, volatile-lfu, .* or noeviction"),
        ("appendfsync", "everysecond", "everysec, always or no"),
        ("loglevel", "info", "debug, verbose, notice"),
    ],
)
def test_a_word_that_the_server_does_not_know_is_refused_with_those_that_it_does(name, value, valid, redis_server):
    [notice] = outcomes(KIND, at(redis_server), declared({name: value}))
    assert notice.type is NoticeType.BLOCKED
    assert re.search(f"would not run with it: {value} is no word for {name}: it is {valid}", notice.message)
