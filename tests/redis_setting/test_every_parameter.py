"""Every parameter of CONFIG GET * on every server: in all its spellings no difference, and nothing near them."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
import redis
from live import changes, outcomes
from redis_setting import spellings
from redis_setting.declared import declared, env
from redis_setting.releases import release

from reconciler.errors import DesiredError
from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.values import agree, parameters
from reconciler.kinds.redis_setting.values.accepted_ranges import bounds, words
from reconciler.kinds.redis_setting.values.defaults import default
from reconciler.model import NoticeType, RedisTarget
from reconciler.secrets import Secrets

NOT_SET = parameters.PROTECTED | {"port", "tls-port", "rdma-port", "rdma-bind"}
"""What a test may not set, or a server without such hardware refuses."""

TOO_MUCH = {"maxclients", "io-threads"}
"""Parameters whose most would take more of this machine than a test may."""


def everything(client):
    return {name: value for name, value in client.config_get("*").items() if name not in parameters.SECRETS}


def at(redis_server):
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30)


def said(client, name, value):
    """The server's refusal; None where it took the value."""
    try:
        client.config_set(name, value)
    except redis.ResponseError as error:
        return str(error)
    return None


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def once_each(spelt):
    """Sections in which each parameter stands once, by one of its names, until every name had every spelling."""
    remaining = {name: list(values) for name, values in spelt.items()}
    while remaining:
        section, taken = {}, set()
        for name in list(remaining):
            if (one := parameters.ALIASES.get(name, name)) not in taken:
                taken.add(one)
                section[name] = remaining[name].pop(0)
                if not remaining[name]:
                    del remaining[name]
        yield section


def test_every_spelling_of_what_runs_is_taken_by_the_server_and_no_difference_to_us(redis_server):
    product, version = release(redis_server)
    redis_server.stop()
    in_file = spellings.STARTING_IN_FILE
    with redis_server.conf.open("a") as conf:
        conf.writelines(f"{name} {quoted(value)}\n" for name, value in in_file.items())
    redis_server.start()
    with redis.Redis(port=redis_server.port, decode_responses=True, protocol=2) as client:
        for name, value in spellings.STARTING.items():
            if client.config_get(name):
                client.config_set(name, value)
        client.config_rewrite()
        running = everything(client)
        assert len(running) > 140
        fixed = {name for name in running if parameters.is_immutable(name, product, version)} | NOT_SET
        spelt = {name: spellings.spellings(name, value) for name, value in running.items()}
        assert sum(map(len, spelt.values())) > 400
        for section in once_each(spelt):
            for name, value in section.items():
                if name in fixed:
                    continue
                assert said(client, name, value) is None, (name, value)
                now = client.config_get(name)[name]
                assert agree(name, running[name], now), (name, value, now)
                assert now == running[name] or name in spellings.SET_OTHERWISE, (name, value, now)
            client.config_rewrite()
            assert outcomes(KIND, at(redis_server), declared(section)) == [], section


def test_every_spelling_of_what_only_the_file_brings_is_read_from_it_as_the_same(redis_server, redis_client):
    fixed = {
        name: spellings.spellings(name, value)
        for name, value in (everything(redis_client) | {"unixsocketperm": "700", "supervised": "no"}).items()
        if name in parameters.IMMUTABLE | {"dbfilename", "io-threads"}
        and not (name in ("replicaof", "slaveof", "aclfile", "hash-seed") and not value)
        and (value or name == "logfile")
    }
    if "replicaof" in everything(redis_client):
        fixed["replicaof"] = ["no one", "NO ONE"]
    before = redis_server.conf.read_text()
    tried = 0
    for section in once_each(fixed):
        redis_server.stop()
        redis_server.conf.write_text(before + "".join(f"{name} {line(name, v)}\n" for name, v in section.items()))
        redis_server.start()
        assert outcomes(KIND, at(redis_server), declared(section)) == [], section
        tried += len(section)
    assert tried > 40


def line(name, value):
    return value if name in ("replicaof", "slaveof") else quoted(value)


@pytest.mark.usefixtures("known_release")
def test_what_is_near_a_spelling_is_refused_by_the_server_and_by_us_with_what_it_takes(redis_server, redis_client):
    product, version = release(redis_server)
    tried = 0
    for name, value in everything(redis_client).items():
        if parameters.is_immutable(name, product, version) or name in NOT_SET:
            continue
        for text in spellings.near_misses(name, value):
            refused = said(redis_client, name, text)
            with suppress(DesiredError):  # refused where it is declared
                [found] = outcomes(KIND, at(redis_server), declared({name: text}))
                assert found.type is NoticeType.BLOCKED, (name, text, found)
                # Some read like a formula, and are refused as one.
                ours = ("would not run with it", f"is unknown to {product}", "comes to")
                assert any(words in found.message for words in ours), (name, text, found.message)
            assert refused is not None, (name, text)
            tried += 1
    assert tried > 500


@pytest.mark.usefixtures("known_release")
def test_every_range_and_every_word_is_the_servers_own(redis_server, redis_client):
    product, version = release(redis_server)
    ranges = enums = 0
    for name, value in everything(redis_client).items():
        if parameters.is_immutable(name, product, version):
            continue
        found = bounds(name, product, version)
        if found and name in parameters.INTEGERS | parameters.MEMORY:
            for within in found if name not in TOO_MUCH else found[:1]:
                assert said(redis_client, name, str(within)) is None, (name, within)
                assert agree(name, str(within), redis_client.config_get(name)[name]), (name, within)
            redis_client.config_set(name, value)
            for outside in (found[0] - 1, found[1] + 1):
                refused = said(redis_client, name, str(outside))
                kept = redis_client.config_get(name)[name]
                assert refused or kept != str(outside), (name, outside)
                redis_client.config_set(name, value)
                try:
                    [notice] = outcomes(KIND, at(redis_server), declared({name: str(outside)}))
                except DesiredError:
                    continue
                assert notice.type is NoticeType.BLOCKED, (name, outside)
                assert f"{product} {'.'.join(map(str, version))} would not run with it" in notice.message
            ranges += 1
        if valid := words(name, product, version):
            refused = said(redis_client, name, "nonsense")
            named = re.search(r"one of the following: (.*)", refused)[1].lower().split(", ")
            assert sorted(named) == sorted(valid), name
            [notice] = outcomes(KIND, at(redis_server), declared({name: "nonsense"}))
            assert f"nonsense is no word for {name}: it is {valid[0]}" in notice.message
            enums += 1
    assert ranges > 50
    assert enums >= 7


@pytest.mark.usefixtures("known_release")
def test_the_defaults_are_those_of_a_server_whose_file_says_nothing(redis_server):
    product, version = release(redis_server)
    redis_server.stop()
    redis_server.conf.write_text("bind 127.0.0.1\n")
    redis_server.start()
    with redis.Redis(port=redis_server.port, decode_responses=True, protocol=2) as client:
        found = everything(client)
        known = {name: default(name, product, version) for name in found}
        compared = {
            name: value
            for name, value in known.items()
            if value is not None and name not in ("bind", "maxclients", "port", "dir")
        }
        assert {name: found[name] for name in compared} == compared
        mutable = {name for name in found if not parameters.is_immutable(name, product, version)}
        assert mutable - compared.keys() <= {"bind", "maxclients", "port", "tls-port", "dir", "dbfilename", "rdma-port"}


@pytest.mark.parametrize("name", sorted(parameters.SECRETS))
def test_a_secret_that_is_as_declared_is_no_difference_and_another_is_one_that_shows_neither(
    name, redis_server, redis_client
):
    if not redis_client.config_get(name):
        return  # not a parameter of this server
    secret, other = 'p"lanted s\\ecret ä', "0ther-secret"
    secrets = Secrets({"SECRET": secret, "OTHER": other})
    redis_client.config_set(name, secret)
    if name == "requirepass":
        redis_client.execute_command("AUTH", secret)
    redis_client.config_rewrite()
    target = at(redis_server).model_copy(update={"credentials": {"default": (env("SECRET"),)}})
    assert outcomes(KIND, target, declared({name: env("SECRET")}), secrets) == []
    [change] = changes(KIND, target, declared({name: env("OTHER")}), secrets)
    assert not [text for text in (secret, other) if text in change.model_dump_json() + repr(change)]
