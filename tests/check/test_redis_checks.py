from __future__ import annotations

import pytest
import redis
from fix_servers import redis_binaries

from check.declare import TODAY, decided
from reconciler.demo.redis_server import RedisServer
from reconciler.kinds.check.check_type import Circumstances
from reconciler.kinds.check.config_and_info import FoundValues
from reconciler.kinds.check.types import redis_fragmentation, redis_persistence, redis_unauthenticated
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets

KNOWN = Circumstances(TODAY, memory=None)
DANGEROUS = ["flushall", "FLUSHDB", "keys", "config", "debug"]


def as_user(redis_target, redis_server, user, password):
    return redis_target.model_copy(update={"url": type(redis_target.url)(redis_server.url(user, password))})


RULES = [
    ("+@all -@dangerous", [], "the recommended rules"),
    ("-@all +get +set", [], "a short list"),
    ("+@all", ["flushall", "flushdb", "keys", "config", "debug"], "everything"),
    ("+@all -@dangerous +keys", ["keys"], "one taken back"),
    ("+@all -flushall -flushdb -config -debug", ["keys"], "one forgotten"),
    ("-@all +@read", ["keys"], "reading includes KEYS"),
    ("+@all -@dangerous +config|get", ["config"], "a subcommand is enough"),
]


@pytest.mark.parametrize(("rules", "may"), [case[:2] for case in RULES], ids=[case[2] for case in RULES])
def test_what_a_user_may_run_is_what_the_server_lets_it_run(redis_target, redis_server, redis_client, rules, may):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", ">pw-of-app", "~app:*", *rules.split())
    [(status, message)] = decided(redis_target, {"redis_user": "app", "may_not": DANGEROUS})
    assert status == ("fail" if may else "pass"), message
    if may:
        named = {part.split()[0].lower() for part in message.removeprefix("user app may run ").split(", ")}
        assert named == set(may)
    # The server's own word, as that user. DEBUG and CONFIG are tried in a harmless form.
    trials = {"keys": ["KEYS", "app:*"], "config": ["CONFIG", "GET", "maxmemory"], "debug": ["DEBUG", "HELP"]}
    with redis.Redis.from_url(redis_server.url("app", "pw-of-app")) as own:
        for name, trial in {"flushall": ["FLUSHALL"], "flushdb": ["FLUSHDB"], **trials}.items():
            try:
                own.execute_command(*trial)
                allowed = True
            except redis.exceptions.NoPermissionError:
                allowed = False
            except redis.ResponseError as error:
                assert "DEBUG command not allowed" in str(error)  # noqa: PT017 - for anyone by default, since 7.0
                continue
            assert allowed == (name in may), name


def test_a_user_that_is_not_there_cannot_be_harmless(redis_target):
    [(status, message)] = decided(redis_target, {"redis_user": "app", "may_not": ["keys"]})
    assert (status, "there is no user app" in message) == ("fail", True)


def test_a_subcommand_can_be_named_alone(redis_target, redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", "nopass", "-@all", "+config|get")
    found = decided(
        redis_target,
        {"redis_user": "app", "may_not": ["config|set"]},
        {"redis_user": "app", "may_not": ["config|get"]},
    )
    assert [status for status, _ in found] == ["pass", "fail"], found


@pytest.mark.parametrize("binary", redis_binaries().values(), ids=redis_binaries())
def test_a_command_that_was_renamed_away_may_be_run_by_nobody(folder, binary):
    server = RedisServer(folder / f"renamed-{binary.parent.parent.name}", binary, {"rename-command": 'FLUSHALL ""'})
    server.start()
    try:
        with redis.Redis.from_url(server.url()) as client:
            client.execute_command("ACL", "SETUSER", "app", "on", "nopass", "+@all")
        target = RedisTarget(name="cache", url=server.url())
        [gone, there] = decided(
            target,
            {"redis_user": "app", "may_not": ["flushall"]},
            {"redis_user": "app", "may_not": ["flushall", "keys"]},
        )
        assert gone == ("pass", "user app may not run flushall (flushall: not a command of this server)")
        assert there == ("fail", "user app may run KEYS")
    finally:
        server.stop()


def test_what_may_not_be_asked_is_not_visible_and_says_what_to_grant(redis_target, redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "poor", "on", ">x", "+ping", "+info")
    found = decided(
        as_user(redis_target, redis_server, "poor", "x"),
        {"redis_setting": "maxmemory", "greater_than": "0"},
        {"redis_user": "app", "may_not": ["keys"]},
        {"redis_persistence": "healthy"},
        {"redis_info": "aof_enabled", "section": "persistence", "equals": "0"},
    )
    assert [status for status, _ in found] == ["not-visible", "not-visible", "not-visible", "pass"], found
    assert "+config|get" in found[0][1]
    assert "+command|info" in found[1][1]


def test_a_ping_without_credentials(redis_target, redis_server, redis_client, secrets):
    check = {"redis_unauthenticated": "refused"}
    assert decided(redis_target, check)[0][0] == "fail"
    with_password = as_user(redis_target, redis_server, "", "planted-s3cret")
    assert decided(with_password, check)[0][0] == "fail"  # the URL has a password, and the server wants none
    redis_client.config_set("requirepass", "planted-s3cret")
    [(status, message)] = decided(with_password, check)
    assert status == "pass"
    assert "planted" not in message


def test_settings_statistics_and_flags(redis_target, redis_client):
    redis_client.config_set("notify-keyspace-events", "KEA")
    redis_client.config_set("maxmemory", 6 << 30)
    found = decided(
        redis_target,
        {"redis_setting": "notify-keyspace-events", "flags": "Kx"},
        {"redis_setting": "notify-keyspace-events", "flags": "An"},
        {"redis_setting": "notify-keyspace-events", "flags": "m"},
        {"redis_setting": "MaxMemory", "equals": "6gb"},
        {"redis_setting": "maxmemory", "at_most": "50% of memory"},
        {"redis_setting": "no-such-thing", "equals": "1"},
        {"redis_info": "maxmemory", "section": "memory", "at_least": "75% of memory"},
        {"redis_info": "no_such_field", "equals": "1"},
    )
    assert [status for status, _ in found] == [
        "pass", "not-visible", "fail", "pass", "fail", "error", "pass", "error",
    ], found  # fmt: skip
    assert found[4][1] == "maxmemory is 6GB; wanted at most 50% of memory (4GB)"


def test_an_allkeys_policy_warns_of_keys_that_never_expire(redis_target, redis_client):
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    check = {"redis_setting": "maxmemory-policy", "equals": "allkeys-lru"}
    assert decided(redis_target, check) == [("pass", "maxmemory-policy is allkeys-lru")]
    redis_client.mset({f"k{n}": n for n in range(1500)})
    redis_client.execute_command("SETEX", "short", 1000, "x")
    assert decided(redis_target, check) == [
        (
            "pass",
            "maxmemory-policy is allkeys-lru; "
            "note that 1,500 of 1,501 keys never expire, and are evicted like all others",
        )
    ]


PERSISTENCE = [
    ({"save": "", "appendonly": "no"}, {"aof_enabled": "0"}, "", "fail", "nothing is on"),
    ({"save": "60 1", "appendonly": "no"}, {"rdb_last_bgsave_status": "ok"}, "", "pass", "snapshots"),
    ({"save": "60 1", "appendonly": "no"}, {"rdb_last_bgsave_status": "err"}, "", "fail", "snapshots fail"),
    ({"save": "", "appendonly": "yes"}, {"rdb_last_bgsave_status": "err"}, "", "pass", "not by the one that is off"),
    ({"save": "", "appendonly": "yes"}, {"aof_last_write_status": "err"}, "", "fail", "the file cannot be written"),
    ({}, {"aof_enabled": "1"}, "denied", "pass", "INFO alone tells of the append-only file"),
    ({}, {"aof_enabled": "0"}, "denied", "not-visible", "but not of snapshots"),
]


@pytest.mark.parametrize(
    ("config", "info", "hidden", "status"), [case[:4] for case in PERSISTENCE], ids=[case[4] for case in PERSISTENCE]
)
def test_persistence_is_on_and_healthy(config, info, hidden, status):
    check = redis_persistence.RedisPersistenceCheck(redis_persistence="healthy")
    found = FoundValues(config=config, info=info, hidden=hidden)
    assert redis_persistence.TYPE.decide(check, found, KNOWN).status.value == status


MB = 1 << 20
FRAGMENTATION = [
    (1 * MB, "8.00", 7 * MB, "no-data", "a small Redis always looks fragmented"),
    (100 * MB, "1.60", 60 * MB, "fail", "both are over"),
    (6 * MB, "2.00", 6 * MB, "pass", "the ratio is over, the bytes are not"),
    (900 * MB, "1.10", 90 * MB, "pass", "the bytes are over, the ratio is not"),
    (100 * MB, "0.70", -30 * MB, "pass", "swapped out, not fragmented"),
]


@pytest.mark.parametrize(
    ("used", "ratio", "lost", "status"), [case[:4] for case in FRAGMENTATION], ids=[case[4] for case in FRAGMENTATION]
)
def test_fragmentation_needs_ratio_and_bytes(used, ratio, lost, status):
    info = {"used_memory": str(used), "mem_fragmentation_ratio": ratio, "mem_fragmentation_bytes": str(lost)}
    check = redis_fragmentation.RedisFragmentationCheck(redis_fragmentation="1.5")
    verdict = redis_fragmentation.TYPE.decide(check, FoundValues(info=info), KNOWN)
    assert verdict.status.value == status, verdict.message


def test_the_fields_that_health_is_read_from_are_there(redis_target, redis_client):
    info = redis_client.info("memory") | redis_client.info("persistence")
    assert {"used_memory", "mem_fragmentation_ratio", "mem_fragmentation_bytes"} <= set(info)
    assert {"rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status", "aof_enabled"} <= set(info)


def test_a_server_that_stopped_is_a_plain_error_for_the_second_connection(redis_target):
    class Gone:
        target = RedisTarget(name="cache", url="redis://:planted@127.0.0.1:1/0")
        secrets = Secrets({})

    found = redis_unauthenticated.ping(Gone())
    assert found.status.value == "error"
    assert "planted" not in found.message
