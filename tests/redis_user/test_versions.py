"""Words of ACL SETUSER that only another version knows are told by the plan, with the version that has them.

What the server refuses is blocked, and what it takes is planned: each rule is held against the server itself. Before,
`db=0,1` was planned on 6.2 and 7.0 and failed at apply, in a selector it was refused where Valkey takes it, and of two
`db=` both counted, so that it never converged.
"""

from __future__ import annotations

import pytest
import redis
from live import changes, converge, outcomes
from redis_user.declared_users import users

from reconciler.errors import DesiredError
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.rules.acl_syntax import split
from reconciler.kinds.redis_user.rules.since import _CAME, GONE, came_with
from reconciler.model import Change, Notice, NoticeType

RULES = """
    db=0 | db=0,1 | db=99 | db=00 | db=1 db=0 | db=0,0 | db=2147483647 | db=2147483648 | DB=1 | alldbs | resetdbs
    db=0 alldbs | resetdbs db=3 | (db=1,2 ~x +get) | (alldbs +get) | (resetdbs +get) | db=0 (~x +get)
    %R~a | %W~a | %RW~a | %wr~a | (~a +get) | () | (on +get) | clearselectors
    -config|set | +config|set | +config|nosuch | +get|a | -get|a | +select|0 | +client|nosuch | +@nosuch | +nosuch
    +config|get|x | +Config|GET | +memory|usage | -latency|reset | -cluster|slots | -xgroup|create | +script|load
    +sort_ro | +function | +function|load | +hgetex | +hexpire | +stralgo | +commandlog | +commandlog|get | +msetex
    +xackdel | +vadd | +@json | +json.get | +waitaof | +client|no-touch | +acl|dryrun | +cluster|slot-stats | +post
    sanitize-payload | skip-sanitize-payload | allchannels | resetchannels &a &b | &* | ALLKEYS | resetkeys ~a
"""


def cases():
    return [rule.strip() for line in RULES.strip().splitlines() for rule in line.split(" | ")]


@pytest.mark.parametrize("rules", cases())
def test_what_a_server_refuses_is_blocked_and_what_it_takes_is_planned(rules, redis_target, redis_client):
    declared = users({"app": f"on {rules}"})
    try:
        redis_client.execute_command("ACL", "SETUSER", "other", "reset", "on", *split(rules))
    except redis.ResponseError:
        [found] = outcomes(KIND, redis_target, declared)
        assert isinstance(found, Notice)
        assert found.type is NoticeType.BLOCKED
    else:
        [found] = converge(KIND, redis_target, declared)
        assert isinstance(found, Change)


@pytest.mark.parametrize("rules", ["%RR~a", "%~a", "%X~a", "db=", "db=a", "db=0,a", "db=-1", "@all", "+@read|get x"])
def test_what_no_server_takes_is_an_error_of_the_yaml_or_blocked(rules, redis_target):
    try:
        declared = users({"app": f"on {rules}"})
    except DesiredError:
        return
    assert not changes(KIND, redis_target, declared)


NEEDS = [
    ("db=0,1", "db=0,1 needs Valkey 9.1", "< 9"),
    ("(db=1 ~x)", "needs Redis 7.0 or Valkey 7.2", "< 7"),
    ("%R~a", "%R~a needs Redis 7.0 or Valkey 7.2", "< 7"),
    ("+@all -config|set", "to deny a subcommand needs Redis 7.0 or Valkey 7.2", "< 7"),
    ("+hgetex", "no command hgetex: it came with Redis 8.0 and Valkey 9.0", "< 9"),
    ("+function|load", "no command function: it came with Redis 7.0 and Valkey 7.2", "< 7"),
    ("+client|no-touch", "no such subcommand to allow: it came with Redis 7.2 and Valkey 7.2", "7.0"),
    ("+@json", "no category @json: it came with Redis 8.0", "any"),
    ("+vadd", "no command vadd: it came with Redis 8.0", "any"),
    ("+stralgo", "no command stralgo: Redis 7.0 replaced it by lcs", ">= 7"),
]


@pytest.mark.redis("< 7")
@pytest.mark.parametrize(("rules", "message"), [case[:2] for case in NEEDS if case[2] in ("any", "< 7", "< 9")])
def test_on_6_the_version_that_has_it_is_named(rules, message, redis_target):
    blocked(rules, message, redis_target)


@pytest.mark.redis(">= 7, < 9")
@pytest.mark.parametrize(("rules", "message"), [case[:2] for case in NEEDS if case[2] in ("any", "7.0", "< 9", ">= 7")])
def test_on_7_the_version_that_has_it_is_named(rules, message, redis_target):
    blocked(rules, message, redis_target)


@pytest.mark.redis(">= 9")
@pytest.mark.parametrize(("rules", "message"), [case[:2] for case in NEEDS if case[2] in ("any", ">= 7")])
def test_on_valkey_9_the_version_that_has_it_is_named(rules, message, redis_target):
    blocked(rules, message, redis_target)


def blocked(rules, message, redis_target):
    [notice] = outcomes(KIND, redis_target, users({"app": f"on {rules}"}))
    assert notice.type is NoticeType.BLOCKED
    assert message in notice.message


def test_no_server_has_what_the_table_says_it_lacks_and_all_have_the_rest(redis_server, redis_client):
    """Of every command, subcommand and category of the table: there where its version says so."""
    product, version = ("Valkey", (9, 1)) if "valkey" in str(redis_server.binary) else ("Redis", None)
    if version is None:
        version = tuple(map(int, redis_client.info("server")["redis_version"].split(".")[:2]))
    there = {f"@{name}" for name in redis_client.execute_command("ACL", "CAT")}
    there |= {name for category in ("fast", "slow") for name in redis_client.execute_command("ACL", "CAT", category)}
    for name, versions in _CAME.items():
        if version < (7,) and "|" in name:
            continue  # it has no subcommands by name
        since = dict(each.strip().split(" ") for each in versions.split(","))
        known = product in since and version >= tuple(map(int, since[product].split(".")))
        assert (name in there) is known, name
    assert not version >= (7,) or not there & GONE.keys()


@pytest.mark.redis(">= 7")
def test_whatever_came_after_6_2_is_in_the_table_with_the_version_that_the_server_tells(redis_server, redis_client):
    """COMMAND DOCS of Valkey tells of a command by which version of it, or of Redis up to 7.2, it came. The table held
    already; without one of its lines this fails."""
    product = "Valkey" if "valkey" in str(redis_server.binary) else "Redis"
    found = dict(_since(redis_client.execute_command("COMMAND DOCS")))
    newer = {name: version for name, version in found.items() if version > (6, 2)}
    assert "lcs" in newer
    for name, version in newer.items():
        told = dict(each.split(" ") for each in came_with(name).split(" and ") if each)
        numbers = {product: tuple(map(int, number.split("."))) for product, number in told.items()}
        assert product in numbers, name
        assert version == (numbers["Redis"] if version <= (7, 2) else numbers[product]), name


def _since(docs):
    """Each command and subcommand with the version that it came with; RESP2 has lists, RESP3 mappings."""
    for name, info in (docs if isinstance(docs, dict) else _pairs(docs)).items():
        told = info if isinstance(info, dict) else _pairs(info)
        yield name, tuple(map(int, told["since"].split(".")[:2]))
        yield from _since(told.get("subcommands", {}))


def _pairs(flat):
    return dict(zip(flat[::2], flat[1::2], strict=True))
