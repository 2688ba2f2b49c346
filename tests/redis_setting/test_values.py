"""Spellings, each tried on a live server: what we take for the same, the server must read the same."""

import pytest
import redis
from live import changes, converge, outcomes
from redis_setting.declared import declared

from reconciler.errors import DesiredError
from reconciler.kinds.redis_setting import KIND

SPELLINGS = [
    ("maxmemory", "1gb", "1073741824", "base 1024 with b"),
    ("maxmemory", "1g", "1000000000", "base 1000 without"),
    ("maxmemory", "1GB", "1gb", "units in any case"),
    ("maxmemory", "1024mb", "1gb", "another unit"),
    ("maxmemory", "100b", "100", "bytes named"),
    ("maxmemory", "0100", "100", "a leading zero, which memory may have"),
    ("maxmemory", " 1gb ", "1gb", "blanks around"),
    ("proto-max-bulk-len", "512mb", "536870912", "another amount of memory"),
    ("stream-node-max-bytes", "4kb", "4096", "a small one"),
    ("appendonly", "YES", "yes", "yes in any case"),
    ("activerehashing", "No", "no", "no in any case"),
    ("maxmemory-policy", "AllKeys-LRU", "allkeys-lru", "an enum in any case"),
    ("loglevel", "NOTICE", "notice", "another enum"),
    ("oom-score-adj", "relative", "yes", "two names of one word"),
    ("notify-keyspace-events", "EKA", "AKE", "the order of flags"),
    ("notify-keyspace-events", "KEg$lshzxetd", "AKE", "A taken apart"),
    ("notify-keyspace-events", "KEg$lshzxet", "E$glshzxetK", "all but d is not A"),
    ("notify-keyspace-events", "KEE$", "$KE", "a flag twice"),
    ("save", "3600 1 300 100", "300 100 3600 1", "the order of points"),
    ("save", "3600  1", "3600 1", "two blanks, which the server would refuse"),
    ("save", "0900 1", "900 1", "a leading zero"),
    ("save", '""', "", "quotes as in redis.conf"),
    ("client-output-buffer-limit", "pubsub 32mb 8mb 60", "pubsub 33554432 8388608 60", "amounts with units"),
    ("client-output-buffer-limit", "replica 256mb 64mb 60", "slave 256mb 64mb 60", "the old name of the class"),
    ("client-output-buffer-limit", "PubSub 32MB 8MB 060", "pubsub 32mb 8mb 60", "case and zeros"),
    ("bind", "127.0.0.1  -::1", "127.0.0.1 -::1", "two blanks between addresses"),
    ("oom-score-adj-values", "0  100 200", "0 100 200", "two blanks between numbers"),
    ("slowlog-log-slower-than", "-1", "-1", "a number below zero"),
    ("MaxMemory", "1gb", "1gb", "a name in any case"),
    ("slave-priority", "50", "50", "an old name"),
    ("repl-backlog-size", "2mb", "2097152", "an amount with a least value"),
]


@pytest.mark.parametrize(("name", "written", "set_by_hand", "reason"), SPELLINGS, ids=[case[3] for case in SPELLINGS])
def test_another_spelling_of_what_is_running_gives_no_diff(
    name, written, set_by_hand, reason, redis_client, redis_target
):
    redis_client.config_set(name, set_by_hand)
    redis_client.config_rewrite()
    assert changes(KIND, redis_target, declared({name: written})) == []


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize(
    ("name", "written", "set_by_hand"),
    [
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-clients", "0%", "0"),
        ("maxmemory-clients", "1gb", "1073741824"),
        ("latency-tracking-info-percentiles", "99.90 50", "50 99.9"),
        ("latency-tracking-info-percentiles", "99.123456789", "99.123456789"),
        ("shutdown-on-sigterm", "FORCE save", "save force"),
        ("tls-protocols", "TLSv1.3 TLSv1.2", "TLSv1.2 TLSv1.3"),
        ("notify-keyspace-events", "KEn", "nKE"),
        ("list-max-ziplist-size", "-3", "-3"),
    ],
)
def test_another_spelling_of_a_newer_parameter_gives_no_diff(name, written, set_by_hand, redis_client, redis_target):
    redis_client.config_set(name, set_by_hand)
    redis_client.config_rewrite()
    assert changes(KIND, redis_target, declared({name: written})) == []


@pytest.mark.redis("< 7")
def test_new_keys_were_no_event_before_7(redis_target):
    [notice] = outcomes(KIND, redis_target, declared({"notify-keyspace-events": "KEn"}))
    assert "n is no letter of notify-keyspace-events" in notice.message


DIFFERENT = [
    ("maxmemory", "1g", "1gb", "thousands are not 1024s"),
    ("notify-keyspace-events", "KE$", "KE$g", "a flag more is running"),
    ("notify-keyspace-events", "AKE", "KEg$lshzxet", "d is missing"),
    ("save", "3600 1", "3600 1 300 100", "a point more is running"),
    ("client-output-buffer-limit", "pubsub 32mb 8mb 60", "pubsub 32mb 8mb 61", "other seconds"),
    ("oom-score-adj", "absolute", "yes", "another word"),
    ("bind", "127.0.0.1 -::1", "-::1 127.0.0.1", "the first address is special: outgoing connections use it"),
]


@pytest.mark.parametrize(("name", "written", "set_by_hand", "reason"), DIFFERENT, ids=[case[3] for case in DIFFERENT])
def test_what_means_something_else_is_a_change_and_converges(
    name, written, set_by_hand, reason, redis_client, redis_target
):
    redis_client.config_set(name, set_by_hand)
    assert len(converge(KIND, redis_target, declared({name: written}))) == 1


def test_the_classes_of_buffer_limits_that_are_not_declared_stay_as_they_are(redis_client, redis_target):
    redis_client.config_set("client-output-buffer-limit", "normal 10mb 5mb 60 replica 1gb 64mb 30")
    [change] = converge(KIND, redis_target, declared({"client-output-buffer-limit": "pubsub 64mb 16mb 90"}))
    assert change.summary == "pubsub 32MB 8MB 60 → pubsub 64MB 16MB 90"
    assert redis_client.config_get("client-output-buffer-limit")["client-output-buffer-limit"] == (
        f"normal {10 << 20} {5 << 20} 60 slave {1 << 30} {64 << 20} 30 pubsub {64 << 20} {16 << 20} 90"
    )


REFUSED = [
    ("maxmemory", "1.5gb", "a whole number", "decimals"),
    ("maxmemory", "1 gb", "a whole number", "a blank before the unit"),
    ("maxmemory", "1tb", "a whole number", "a unit Redis lacks"),
    ("maxmemory", "-1", "a whole number", "below zero"),
    ("maxmemory", "", "a whole number", "nothing"),
    ("maxmemory", "75%", "75% of memory|like 25% of memory", "a percentage of nothing"),
    ("maxmemory", "120% of memory", "at most 100", "more than there is"),
    ("maxmemory-clients", "101%", "an amount of memory", "more than all of it"),
    ("appendonly", "on", "yes or no", "a boolean of YAML"),
    ("appendonly", "true", "yes or no", "another one"),
    ("hz", "10ms", "without a unit", "a unit where there is none"),
    ("hz", "010", "without a unit", "an octal number"),
    ("hz", "1e3", "without a unit", "a float"),
    ("hz", "75% of memory", "no amount of memory", "a part of memory for what is none"),
    ("save", "900 1 300", "pairs", "half a pair"),
    ("save", "often", "pairs", "a word"),
    ("client-output-buffer-limit", "normal 0 0", "a class", "seconds are missing"),
    ("client-output-buffer-limit", "master 0 0 0", "a class", "an unknown class"),
    ("notify-keyspace-events", "AKEn", "cannot be read back", "n beside A cannot be observed"),
    ("require*", "x", "not the name", "a pattern"),
    ("max memory", "x", "not the name", "a blank in the name"),
    ("proc-title-template", "a\nrequirepass x", "one line", "a line break"),
]


@pytest.mark.parametrize(("name", "written", "message", "reason"), REFUSED, ids=[case[3] for case in REFUSED])
def test_what_no_server_takes_is_refused_where_it_is_declared(name, written, message, reason):
    with pytest.raises(DesiredError, match=message) as failure:
        declared({name: written})
    assert failure.value.at == f"redis.yaml:{name}"


@pytest.mark.parametrize(
    ("name", "written", "reason"),
    [case[:2] + case[3:] for case in REFUSED if case[0] in ("appendonly", "hz", "save", "client-output-buffer-limit")]
    + [case[:2] + case[3:] for case in REFUSED if case[0] == "maxmemory" and case[1]],
)
def test_the_server_would_refuse_it_too(name, written, reason, redis_client):
    with pytest.raises(redis.ResponseError):
        redis_client.config_set(name, written)


def test_two_names_of_one_parameter_are_refused():
    for section in ({"maxmemory": "1gb", "MAXMEMORY": "2gb"}, {"slave-priority": "1", "replica-priority": "2"}):
        with pytest.raises(DesiredError, match="are the same parameter"):
            declared(section)
