"""Every parameter of every server is decided: which new values have to be allowed by name, and why, or why none."""

from __future__ import annotations

import pytest
from live import changes, outcomes
from redis_setting.declared import declared

from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.model import ObservedSetting
from reconciler.kinds.redis_setting.risk import table
from reconciler.kinds.redis_setting.risk.hazards import hazards
from reconciler.kinds.redis_setting.values.parameters import ALIASES, FILE_ONLY, KNOWN
from reconciler.model import NEEDS_PERMISSION, HazardType

LESS_SAFE, STOPS = HazardType.LESS_SAFE, HazardType.STOPS_SERVICE
RUNS, EVICTS = HazardType.RUNS_PROGRAMS, HazardType.EVICTS_KEYS


def test_every_parameter_of_this_server_is_decided(redis_client):
    assert [name for name in redis_client.config_get("*") if not table.is_decided(name)] == []


def test_no_parameter_is_both_free_and_not_and_none_is_made_up():
    risky = table.BY_NAME.keys() | table.JUDGED_ALONE
    assert not table.FREE.keys() & risky
    assert table.FREE.keys() | risky <= KNOWN | FILE_ONLY
    assert {name for name in KNOWN if not table.is_decided(name)} == set()
    assert not (table.FREE.keys() | risky) & ALIASES.keys(), "under its newest name"
    assert all(hazard in NEEDS_PERMISSION and reason for _, _, hazard, reason in table.ROWS)


def risks(name, running, wanted, **more):
    observed = ObservedSetting(product="Redis", version=(7, 0, 15), running=running, wanted=wanted, **more)
    return {hazard.type for hazard in hazards(name, observed, wanted)}


CASES = [
    # On the code before, these were free.
    ("repl-ping-replica-period", "10", "3600", {STOPS}),
    ("repl-ping-slave-period", "10", "11", {STOPS}),
    ("repl-ping-replica-period", "10", "1", set()),
    ("acllog-max-len", "128", "0", {LESS_SAFE}),
    ("acllog-max-len", "128", "1000", set()),
    ("auto-aof-rewrite-percentage", "100", "0", {LESS_SAFE}),
    ("auto-aof-rewrite-percentage", "100", "2000000000", {LESS_SAFE}),
    ("auto-aof-rewrite-percentage", "100", "50", set()),
    ("auto-aof-rewrite-min-size", "67108864", "1000gb", {LESS_SAFE}),
    ("auto-aof-rewrite-min-size", "67108864", "1gb", set()),
    ("loglevel", "notice", "nothing", {LESS_SAFE}),
    ("loglevel", "notice", "warning", set()),
    ("appendfsync", "everysec", "no", {LESS_SAFE}),
    ("appendfsync", "always", "everysec", {LESS_SAFE}),
    ("appendfsync", "no", "everysec", set()),
    ("aof-load-truncated", "no", "yes", {LESS_SAFE}),
    ("shutdown-on-sigterm", "default", "nosave force", {LESS_SAFE}),
    ("shutdown-on-sigterm", "nosave", "save", set()),
    ("shutdown-timeout", "10", "0", {LESS_SAFE}),
    ("replica-ignore-maxmemory", "yes", "no", {EVICTS}),
    ("slave-read-only", "yes", "no", {LESS_SAFE}),
    ("replica-priority", "100", "0", {LESS_SAFE}),
    ("replica-priority", "100", "50", set()),
    ("min-replicas-max-lag", "10", "0", {LESS_SAFE, STOPS}),
    ("min-replicas-max-lag", "10", "5", {STOPS}),
    ("min-replicas-max-lag", "10", "20", set()),
    ("repl-timeout", "60", "5", {STOPS}),
    ("protected-mode", "yes", "no", {LESS_SAFE}),
    ("enable-debug-command", "no", "local", {LESS_SAFE}),
    ("enable-module-command", "no", "yes", {RUNS}),
    ("enable-protected-configs", "no", "yes", {LESS_SAFE}),
    ("dir", "/a", "/b", {LESS_SAFE}),
    ("tls-port", "6380", "0", {LESS_SAFE}),
    ("tls-auth-clients", "no", "yes", {STOPS}),
    ("tls-auth-clients", "yes", "optional", {LESS_SAFE}),
    ("tls-ciphers", "", "aNULL", {LESS_SAFE}),
    ("tls-protocols", "TLSv1.3", "TLSv1.1", {LESS_SAFE}),
    ("tls-replication", "yes", "no", {LESS_SAFE}),
    ("port", "6379", "0", {STOPS}),
    ("maxclients", "10000", "20", {STOPS}),
    ("maxclients", "10000", "1000", set()),
    ("maxclients", "10000", "20000", set()),
    ("maxmemory-clients", "0", "1gb", {STOPS}),
    ("maxmemory-clients", "1gb", "2gb", set()),
    ("maxmemory-clients", "1gb", "0", set()),
    ("maxmemory-clients", "1gb", "5%", {STOPS}),
    ("timeout", "0", "1", {STOPS}),
    ("timeout", "0", "300", set()),
    ("timeout", "1", "0", set()),
    ("busy-reply-threshold", "5000", "0", {STOPS}),
    ("lua-time-limit", "5000", "10", {STOPS}),
    ("lua-time-limit", "5000", "4000", set()),
    ("proto-max-bulk-len", "512mb", "1mb", {STOPS}),
    ("cluster-require-full-coverage", "no", "yes", {STOPS}),
    ("cluster-announce-ip", "", "10.0.0.1", {STOPS}),
    ("supervised", "no", "systemd", {STOPS}),
    ("ignore-warnings", "", "ARM64-COW-BUG", {LESS_SAFE}),
    ("client-output-buffer-limit", "normal 0 0 0", "normal 100kb 0 0", {STOPS}),
    ("client-output-buffer-limit", "pubsub 32mb 8mb 60", "pubsub 64mb 16mb 60", set()),
    ("bind", "127.0.0.1", "*", {LESS_SAFE}),
    ("bind", "127.0.0.1 10.0.0.1", "127.0.0.1", {STOPS}),
    ("bind", "* -::*", "127.0.0.1", {STOPS}),
    ("bind", "127.0.0.1", "127.0.0.1 -::1", {LESS_SAFE}),
    ("bind", "-::1 127.0.0.1", "::1 127.0.0.1", set()),
    ("save", "60 1", "3600 1", {LESS_SAFE}),
    ("save", "3600 1", "3600 1 60 100", set()),
    ("save", "3600 1", "", {LESS_SAFE}),
    ("hz", "10", "20", set()),
    ("search-timeout", "1", "2", {LESS_SAFE}),
    ("of-a-newer-version", "no", "yes", {LESS_SAFE}),
]


@pytest.mark.parametrize(("name", "running", "wanted", "expected"), CASES)
def test_a_new_value_has_the_hazards_that_the_table_says(name, running, wanted, expected):
    assert risks(name, running, wanted) == expected


OF_MORE = [
    ("min-replicas-to-write", "0", "1", {"replicas": 0}, {STOPS}, "nobody is connected"),
    ("min-replicas-to-write", "0", "1", {"replicas": 1}, set(), "one is"),
    ("min-replicas-to-write", "0", "1", {"replicas": None}, set(), "a replica takes no writes anyway"),
    ("min-replicas-to-write", "1", "0", {"replicas": 0}, {LESS_SAFE}, "turned off"),
    ("maxmemory", "0", "1mb", {"holds": 2 << 20, "policy": "noeviction"}, {STOPS}, "writes are refused"),
    ("maxmemory", "0", "1mb", {"holds": 2 << 20, "policy": "allkeys-lru"}, {EVICTS}, "keys go"),
    ("maxmemory", "0", "4mb", {"holds": 2 << 20, "policy": "allkeys-lru"}, set(), "there is room"),
    ("maxmemory-policy", "allkeys-lru", "noeviction", {"holds": 2, "limit": 1}, {STOPS}, "writes are refused"),
    ("maxmemory-policy", "noeviction", "allkeys-lru", {"holds": 2, "limit": 1}, {EVICTS}, "keys go"),
    ("maxmemory-policy", "noeviction", "allkeys-lru", {"holds": 2, "limit": 0}, set(), "no limit"),
    ("maxclients", "10000", "1000", {"clients": 600}, {STOPS}, "more than half of them are there"),
    ("protected-mode", "no", "yes", {"open_to_others": True}, {STOPS}, "others are cut off"),
    ("protected-mode", "no", "yes", {}, set(), "there are no others"),
    ("stop-writes-on-bgsave-error", "no", "yes", {"snapshots_fail": True}, {STOPS}, "the last one failed"),
    ("stop-writes-on-bgsave-error", "no", "yes", {}, set(), "it did not"),
    ("save", "60 1", "3600 1", {"appendonly": "yes"}, set(), "the append-only file has it all"),
]


@pytest.mark.parametrize(
    ("name", "running", "wanted", "more", "expected", "reason"),
    OF_MORE,
    ids=[f"{case[0]}: {case[5]}" for case in OF_MORE],
)
def test_some_depend_on_what_the_server_shows(name, running, wanted, more, expected, reason):
    assert risks(name, running, wanted, **more) == expected


def test_a_parameter_of_a_later_version_is_less_safe_on_a_live_server(redis_target, monkeypatch):
    monkeypatch.setattr(table, "FREE", {name: why for name, why in table.FREE.items() if name != "hz"})
    [change] = changes(KIND, redis_target, declared({"hz": "20"}))
    [hazard] = change.steps[0].hazards
    assert hazard.type is LESS_SAFE
    assert "not known" in hazard.message


def test_what_only_the_file_changes_says_what_it_costs(redis_target, redis_client):
    if redis_client.config_get("enable-module-command"):
        [notice] = outcomes(KIND, redis_target, declared({"enable-module-command": "yes"}))
        assert "runs-programs: " in notice.message.lower()
    [notice] = outcomes(KIND, redis_target, declared({"supervised": "systemd"}))
    assert "stops-service: " in notice.message.lower()
