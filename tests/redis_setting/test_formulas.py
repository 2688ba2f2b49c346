"""Formulas over memory, processors and other parameters, on live servers."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from live import changes, converge, outcomes, run
from redis_setting.declared import declared, env

from reconciler.errors import DesiredError
from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.values.parameters import ALIASES, INTEGERS, MEMORY
from reconciler.model import Notice, NoticeType, RedisTarget


class Case(NamedTuple):
    """`others` are declared beside `name`; `running` is set by hand before."""

    reason: str
    name: str
    value: str
    sent: str
    note: str
    others: dict[str, str] = {}
    running: dict[str, str] = {}


CASES = [
    Case("a percentage of memory", "maxmemory", "75% of memory", f"{6 << 30}", "75% of memory (8GB)"),
    Case("of a declared parameter, which is a formula itself", "repl-backlog-size", "maxmemory / 96", f"{64 << 20}",
         "maxmemory / 96 with maxmemory 6GB", {"maxmemory": "75% of memory"}),
    Case("of one that runs", "repl-backlog-size", "5% of maxmemory", f"{50 * 1024 * 1024}", "5% of maxmemory (1000MB)",
         running={"maxmemory": "1000mb"}),
    Case("with Redis's units, in any case", "maxmemory", "memory - 2GB - 1g", f"{(6 << 30) - 10**9}",
         "memory - 2GB - 1g with memory 8GB"),
    Case("of numbers", "slowlog-max-len", "max(128, 2 * slowlog-log-slower-than / 100)", "200",
         "max(128, 2 * slowlog-log-slower-than / 100) with slowlog-log-slower-than 10000"),
    Case("of the processors", "active-defrag-cycle-max", "ceil(50 / cpus)", "13", "ceil(50 / cpus) with cpus 4"),
    Case("what is left over is rounded down", "maxmemory", "memory / 3", "2863311530", "memory / 3 with memory 8GB"),
    Case("of a parameter by its old name", "repl-timeout", "6 * repl-ping-slave-period", "72",
         "6 * repl-ping-slave-period with repl-ping-slave-period 12", {"repl-ping-replica-period": "12"}),
    Case("of one that only the file can change", "slowlog-max-len", "2 * databases", "32",
         "2 * databases with databases 16"),
]  # fmt: skip


@pytest.fixture
def target(redis_target):
    """8 GB and 4 processors."""
    return redis_target.model_copy(update={"cpus": 4})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_formula_is_frozen_as_a_number_and_the_plan_says_how_it_came_about(target, redis_client, case):
    for name, value in case.running.items():
        redis_client.config_set(name, value)
    wanted = declared({case.name: case.value, **case.others})
    [change] = [each for each in changes(KIND, target, wanted) if each.address.name == case.name]
    assert change.steps[0].command == ("CONFIG", "SET", case.name, case.sent)
    assert case.note in change.notes
    converge(KIND, target, wanted)
    assert redis_client.config_get(case.name)[case.name] == case.sent


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_apply_comes_to_the_same_number_though_it_looks_at_one_parameter_alone(target, redis_client, case):
    for name, value in case.running.items():
        redis_client.config_set(name, value)
    planned = changes(KIND, target, declared({case.name: case.value, **case.others}))
    planned.sort(key=lambda change: change.address.name == case.name)  # what it refers to is applied before
    for change in planned:
        resource = KIND.resource.model_validate(dict(change.desired))
        assert [each.steps for each in changes(KIND, target, [resource])] == [change.steps]
        run(target, [change])


REFUSED = [
    ("a minus without blanks", {"maxmemory": "memory-1gb"}, "memory-1gb is unknown to (Redis|Valkey)"),
    ("a parameter that nobody knows", {"maxmemory": "2 * nonsense"}, "nonsense is unknown to (Redis|Valkey)"),
    ("no limit, which is no amount", {"repl-backlog-size": "maxmemory / 96"},
     "maxmemory is 0, which stands for no amount"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_formula_that_comes_to_nothing_says_why(target, redis_client, section, message):
    name = next(iter(section))
    [notice] = [each for each in outcomes(KIND, target, declared(section)) if each.address.name == name]
    assert isinstance(notice, Notice)
    assert notice.type is NoticeType.BLOCKED
    assert re.search(message, notice.message), notice.message


OFFLINE = [
    ("itself", {"maxmemory": "2 * maxmemory"}, r"maxmemory is declared by means of itself \(maxmemory → maxmemory\)"),
    ("a circle", {"maxmemory": "2 * repl-backlog-size", "repl-backlog-size": "maxmemory / 2"}, "by means of itself"),
    ("a division by zero", {"slowlog-max-len": "128 / timeout", "timeout": "0"}, "it divides by zero"),
    ("minus one, which is no amount",
     {"slowlog-max-len": "2 * slowlog-log-slower-than", "slowlog-log-slower-than": "-1"},
     "slowlog-log-slower-than is -1, which stands for no amount"),
    ("no limit that is declared", {"repl-backlog-size": "maxmemory / 96", "maxmemory": "0"},
     "maxmemory is 0, which stands for no amount"),
    ("half of one", {"slowlog-max-len": "1 / 2"}, "it comes to 0.5, and to nothing when it is rounded down to 1"),
    ("less than nothing", {"maxmemory": "memory - 10gb"}, "it comes to -2GB, which is less than nothing"),
    ("nothing, which would be no limit", {"maxmemory": "memory - 8gb"}, "may take for no limit"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "message"), [case[1:] for case in OFFLINE], ids=[case[0] for case in OFFLINE])
def test_a_formula_that_comes_to_nothing_by_what_is_declared_is_refused_there(section, message):
    """Before, by the plan. The target is declared with 8 GB."""
    with pytest.raises(DesiredError, match=message):
        declared(section)


def test_what_only_a_server_knows_is_left_to_it():
    unknown = RedisTarget(name="cache", url="redis://127.0.0.1:1")
    assert len(declared({"maxmemory": "memory - 10gb"}, unknown)) == 1
    assert len(declared({"repl-backlog-size": "maxmemory / 96", "slowlog-max-len": "2 * databases"})) == 2


@pytest.mark.redis(">= 7")
def test_a_percentage_that_the_server_keeps_as_one_is_no_amount(target, redis_client):
    redis_client.config_set("maxmemory-clients", "5%")
    [notice] = outcomes(KIND, target, declared({"repl-backlog-size": "2 * maxmemory-clients"}))
    assert "maxmemory-clients is '5%', which is not an amount of memory" in notice.message


SLIPS = [
    ("maxmemory", "memory /", "a number, a name or \\( is missing behind 'memory /'"),
    ("maxmemory", "2gb-memory", "a minus needs a blank on both sides"),
    ("maxmemory", "2 * cpus", "this is an amount of memory, and no number"),
    ("hz", "1% of maxmemory", "this is a number, and no amount of memory"),
    ("hz", "2 * appendonly", "appendonly is not a number"),
    ("hz", "2 * requirepass", "requirepass is a secret, and no number"),
    ("maxmemory", "memory + 1", "a number cannot be added to an amount of memory"),
]


@pytest.mark.parametrize(("name", "value", "message"), SLIPS, ids=[case[1] for case in SLIPS])
def test_a_slip_of_the_pen_is_found_without_a_server_and_where_it_is_written(name, value, message):
    with pytest.raises(DesiredError, match=message) as refused:
        declared({name: value})
    assert refused.value.at == f"redis.yaml:{name}"


def test_memory_and_processors_that_nobody_tells_are_to_be_declared(redis_target):
    [notice] = outcomes(KIND, redis_target, declared({"hz": "5 * cpus"}))
    assert notice.message == (
        "5 * cpus: no server tells how many processors its machine has; declare them as cpus: in the target"
    )


def test_a_secret_is_never_read_for_a_formula(target, redis_server, secrets):
    """Not even where a plan file, which anybody may have written, refers to one."""
    [resource] = declared({"hz": "2 * maxclients"})
    forged = resource.model_copy(update={"value": "2 * masterauth"})
    [notice] = outcomes(KIND, target, [forged])
    assert "masterauth is a secret, and no number" in notice.message
    assert declared({"masterauth": env("X"), "hz": "10"})[0].beside == {}


def test_every_number_of_a_server_is_in_sync_with_a_formula_that_comes_to_it(target, redis_client):
    running = redis_client.config_get("*")
    chosen = {
        name: f"2 * {running[name]}{unit} / 2"
        for names, unit in ((INTEGERS, ""), (MEMORY, "b"))
        for name in names & running.keys()
        if re.fullmatch("[1-9][0-9]*" if unit else "[0-9]+", running[name]) and name not in ALIASES
    }
    assert len(chosen) > 45
    assert outcomes(KIND, target, declared(chosen)) == []
