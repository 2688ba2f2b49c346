"""Settings on live servers: declared, running, persisted."""

import re
from contextlib import closing

import pytest
from live import changes, converge, outcomes, run, start_with
from pydantic import SecretStr
from redis_setting.declared import declared, env

from reconciler.errors import StepFailed
from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.model import ObservedSetting
from reconciler.model import HazardType, NoticeType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

PASSWORD = "correct-horse-battery"


def commands(change):
    return [" ".join(str(part) for part in step.command) for step in change.steps]


def hazards(change):
    return [hazard.type for step in change.steps for hazard in step.hazards]


def test_a_part_of_memory_is_frozen_in_the_plan_and_survives_a_restart(redis_target, redis_server, redis_client):
    resources = declared({"maxmemory": "75% of memory", "maxmemory-policy": "allkeys-lru"}, redis_target)
    maxmemory, policy = converge(KIND, redis_target, resources)
    assert maxmemory.summary == "0 → 6GB"
    assert maxmemory.notes == ("75% of memory (8GB)",)
    assert maxmemory.evidence == ()
    assert commands(maxmemory) == [f"CONFIG SET maxmemory {6 << 30}", "CONFIG REWRITE"]
    assert [" ".join(step.command) for step in maxmemory.undo] == ["CONFIG SET maxmemory 0", "CONFIG REWRITE"]
    assert policy.summary == "noeviction → allkeys-lru"
    assert policy.before == {"value": "noeviction"}
    redis_server.restart()
    target = redis_target.model_copy(update={"url": SecretStr(redis_server.url())})
    assert outcomes(KIND, target, resources) == []


def test_all_kinds_of_values_converge_and_survive_a_restart(redis_target, redis_server):
    resources = declared(
        {
            "save": "3600 1 300 100",
            "client-output-buffer-limit": "replica 512mb 128mb 60 pubsub 64mb 16mb 90",
            "notify-keyspace-events": "KEA",
            "slowlog-log-slower-than": "-1",
            "appendonly": "yes",
            "appendfsync": "ALWAYS",
            "repl-backlog-size": "2mb",
            "proc-title-template": "{title} of ours",
        }
    )
    assert len(converge(KIND, redis_target, resources)) == 8
    redis_server.restart()
    target = RedisTarget(name="cache", url=redis_server.url())
    assert outcomes(KIND, target, resources) == []


def test_undo_puts_the_old_value_back(redis_target, redis_client):
    redis_client.config_set("client-output-buffer-limit", "pubsub 10mb 5mb 60")
    resources = declared({"client-output-buffer-limit": "pubsub 64mb 16mb 90"})
    before = redis_client.config_get("client-output-buffer-limit")
    [change] = changes(KIND, redis_target, resources)
    run(redis_target, [change])
    run(redis_target, [change.model_copy(update={"steps": change.undo})])
    assert redis_client.config_get("client-output-buffer-limit") == before
    assert changes(KIND, redis_target, resources) == [change]


@pytest.mark.usefixtures("known_release")
def test_a_value_that_the_server_clamps_is_refused_where_its_range_is_known(redis_target):
    [notice] = outcomes(KIND, redis_target, declared({"hz": "1000"}))
    assert notice.type is NoticeType.BLOCKED
    assert "would not run with it: 1000 is out of range: hz is from 1 to 500" in notice.message


def test_a_value_that_an_unknown_version_clamps_stays_a_difference(redis_target, monkeypatch):
    monkeypatch.setattr("reconciler.kinds.redis_setting.values.accepted_ranges.TRIED", frozenset())
    resources = declared({"hz": "1000"})
    run(redis_target, changes(KIND, redis_target, resources))
    [change] = changes(KIND, redis_target, resources)
    assert change.summary == "500 → 1000"


def test_only_declared_names_are_read_and_in_one_pipeline(redis_target, redis_client):
    resources = declared({"maxmemory": "1gb", "hz": "10", "loglevel": "notice"})
    with closing(connect(redis_target, Secrets({}))) as session:
        _ = session.info
        redis_client.execute_command("CONFIG", "RESETSTAT")
        KIND.observe(session, resources)
        calls = {name: told["calls"] for name, told in redis_client.info("commandstats").items()}
    reading = {name for name in calls if "config" in name or "info" in name}
    asked = sum(calls[name] for name in reading if "config" in name) - ("cmdstat_config|resetstat" in calls)
    more = "maxmemory-clients, which may be a part of maxmemory, aclfile, and on 6.2 RESETSTAT itself"
    assert asked in (5, 6), f"three, {more}"
    assert reading <= {"cmdstat_config", "cmdstat_config|get", "cmdstat_config|resetstat", "cmdstat_info"}


BLOCKED = [
    ("databases", "32", "Write into .*redis.conf: databases 32; then restart", "immutable"),
    ("tcp-backlog", "1024", "tcp-backlog 1024", "another one"),
    ("logfile", "/var/log/a b", 'logfile "/var/log/a b"', "a value with a blank is quoted"),
    ("port", "6380", "port 6380; then restart", "every client, and this tool, would lose the server"),
    ("rename-command", "CONFIG x", "by hand", "no command reads it"),
    ("maxmemmory", "1gb", "unknown to (Redis|Valkey) .*; did you mean maxmemory", "a slip of the pen"),
    ("quite-something-else", "1", "unknown to", "nothing near"),
]


@pytest.mark.parametrize(("name", "value", "message", "reason"), BLOCKED, ids=[case[3] for case in BLOCKED])
def test_what_no_command_can_change_is_a_notice_with_the_way_out(name, value, message, reason, redis_target):
    [notice] = outcomes(KIND, redis_target, declared({name: value}))
    assert notice.type is NoticeType.BLOCKED
    assert re.search(message, notice.message), notice.message


def test_what_no_command_can_change_and_is_as_declared_is_in_sync(redis_target):
    assert outcomes(KIND, redis_target, declared({"databases": "16", "tcp-backlog": "511"})) == []


def test_where_the_data_is_is_never_changed_under_a_running_server(redis_target):
    """6.2 would take it, and so would any other with enable-protected-configs; the next start may then fail."""
    for name, value in [("dbfilename", "redis.conf"), ("dir", "/")]:
        [notice] = outcomes(KIND, redis_target, declared({name: value}))
        assert notice.type is NoticeType.BLOCKED
        assert "without the keys that it has" in notice.message


def test_without_a_file_a_value_is_running_and_not_persisted_and_no_change_for_ever(fileless):
    target = RedisTarget(name="cache", url=fileless)
    resources = declared({"hz": "20"})
    [change] = converge(KIND, target, resources)
    assert commands(change) == ["CONFIG SET hz 20"]
    assert "running, not persisted: the server has no config file" in change.notes
    [notice] = outcomes(KIND, target, resources)
    assert notice.type is NoticeType.NOT_PERSISTED


def test_a_file_that_cannot_be_written_fails_the_change(redis_target, redis_server):
    redis_server.conf.unlink()
    redis_server.conf.mkdir()
    [change] = changes(KIND, redis_target, declared({"hz": "20"}))
    with pytest.raises(StepFailed, match="in: CONFIG REWRITE"):
        run(redis_target, [change])


LESS_SAFE = [
    ("appendonly", "yes", "no"),
    ("appendfsync", "always", "everysec"),
    ("appendfsync", "everysec", "no"),
    ("save", "3600 1", ""),
    ("protected-mode", "yes", "no"),
    ("stop-writes-on-bgsave-error", "yes", "no"),
    ("no-appendfsync-on-rewrite", "no", "yes"),
    ("min-replicas-to-write", "1", "0"),
]


@pytest.mark.parametrize(("name", "now", "then"), LESS_SAFE)
def test_what_makes_less_safe_has_to_be_allowed_and_its_opposite_not(name, now, then, redis_client, redis_target):
    redis_client.config_set(name, now)
    [change] = changes(KIND, redis_target, declared({name: then}))
    assert hazards(change) == [HazardType.LESS_SAFE]
    redis_client.config_set(name, then)
    [change] = changes(KIND, redis_target, declared({name: now}))
    # Without a replica, every write is refused.
    assert hazards(change) == ([HazardType.STOPS_SERVICE] if name == "min-replicas-to-write" else [])


def test_listening_everywhere_has_to_be_allowed():
    """Planned only: the tests listen on loopback alone."""
    for wanted in ("*", "0.0.0.0", "* -::*"):  # noqa: S104
        [resource] = declared({"bind": wanted})
        observed = ObservedSetting(
            product="Redis", version=(7, 0, 15), running="127.0.0.1", wanted=wanted, config_file="/etc/redis.conf"
        )
        [change] = KIND.plan(resource, observed)
        assert hazards(change) == [HazardType.LESS_SAFE], wanted


def test_a_limit_below_what_is_held_evicts_and_says_both_numbers(redis_client, redis_target):
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    redis_client.set("big", b"x" * (4 << 20))
    [change] = changes(KIND, redis_target, declared({"maxmemory": "2mb"}))
    assert hazards(change) == [HazardType.EVICTS_KEYS]
    assert "allkeys-lru evicts keys at once" in change.steps[0].hazards[0].message
    [note] = change.notes
    assert note.startswith("holds ")
    assert note.endswith("the limit is 2MB")
    assert change.evidence[0].value > 4 << 20
    [change] = changes(KIND, redis_target, declared({"maxmemory": "2gb"}))
    assert hazards(change) == []


def test_an_evicting_policy_over_a_full_server_evicts(redis_client, redis_target):
    redis_client.set("big", b"x" * (4 << 20))
    redis_client.config_set("maxmemory", "2mb")
    [change] = changes(KIND, redis_target, declared({"maxmemory-policy": "allkeys-lfu"}))
    assert hazards(change) == [HazardType.EVICTS_KEYS]


def test_a_change_is_the_same_change_although_the_server_holds_more_by_now(redis_client, redis_target):
    redis_client.set("big", b"x" * (4 << 20))
    [before] = changes(KIND, redis_target, declared({"maxmemory": "2mb"}))
    redis_client.set("more", b"x" * (8 << 20))
    [after] = changes(KIND, redis_target, declared({"maxmemory": "2mb"}))
    assert (before.before, before.steps) == (after.before, after.steps)


def test_thousands_are_pointed_out(redis_target):
    [change] = changes(KIND, redis_target, declared({"maxmemory": "3g"}))
    assert change.notes == ("3g counts in thousands; 3gb would count in 1024s",)


def test_memory_that_is_not_known_blocks_a_part_of_it(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", f">{PASSWORD}", "-@all", "+config|get")
    target = RedisTarget(name="cache", url=redis_server.url("drift", PASSWORD))
    [notice] = outcomes(KIND, target, declared({"maxmemory": "75% of memory"}))
    assert notice.type is NoticeType.BLOCKED
    assert "declare it as memory:" in notice.message
    [change] = changes(KIND, target, declared({"maxmemory": "1gb"}))
    assert hazards(change) == [HazardType.EVICTS_KEYS], "without INFO nobody knows what it holds"


def test_a_denied_config_get_is_not_visible_and_names_the_permission(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", f">{PASSWORD}", "-@all", "+info")
    target = RedisTarget(name="cache", url=redis_server.url("drift", PASSWORD))
    [notice] = outcomes(KIND, target, declared({"hz": "20"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "needs +config|get" in notice.message


def test_a_server_whose_config_is_renamed_is_left_to_its_owner(redis_server):
    start_with(redis_server, 'rename-command CONFIG ""\n')
    target = RedisTarget(name="cache", url=redis_server.url())
    [notice] = outcomes(KIND, target, declared({"hz": "20"}))
    assert notice.type is NoticeType.BLOCKED
    assert "has no CONFIG command" in notice.message
    assert "hz 20" in notice.message


def test_a_plan_file_gives_the_resource_back():
    for resource in declared({"requirepass": env("REDIS_PASSWORD"), "save": ""}):
        assert KIND.resource.model_validate(resource.model_dump(mode="json")) == resource
