"""The tables of parameters, held against what the servers themselves say of each."""

import re

import pytest
import redis
from redis_setting.releases import release

from reconciler.kinds.redis_setting.values import parameters

TYPES = [
    ("couldn't be parsed into an integer", parameters.INTEGERS),
    ("must be a memory", parameters.MEMORY),
    ("must be 'yes' or 'no'", parameters.BOOLEANS),
    ("must be one of the following", parameters.ENUMS | {"shutdown-on-sigint", "shutdown-on-sigterm"}),
]
NOT_TRIED = {"requirepass", "bind", "port", "tls-port"}
"""Rubbish in these would cut the test's own connection."""


@pytest.mark.usefixtures("known_release")
def test_every_parameter_of_the_server_is_known_and_has_its_type_and_its_mutability(redis_client, redis_server):
    product, version = release(redis_server)
    everything = redis_client.config_get("*")
    assert set(everything) <= parameters.KNOWN
    tried = 0
    for name, value in everything.items():
        if name in NOT_TRIED:
            continue
        said = _said(redis_client, name, "rubbish!") or ""
        refused = bool(re.search(r"immutable|Unsupported CONFIG parameter", said))
        assert refused == parameters.is_immutable(name, product, version), (name, said)
        protected = "protected config" in said
        assert protected == (name in parameters.PROTECTED and version >= (7,)), (name, said)
        for words, names in TYPES:
            found = words.replace("must be one of", "(?:must be|\\(s\\) must be) one of")
            if re.search(found, said):
                assert name in names, (name, said)
                tried += 1
        if not said:
            _said(redis_client, name, value)
            assert name in parameters.TEXTS | parameters.SECRETS | parameters.SPECIAL | parameters.PROTECTED, name
    assert tried > 100


def test_two_names_of_one_parameter_are_two_names_of_one_parameter(redis_client):
    everything = redis_client.config_get("*")
    compared = 0
    for other, name in parameters.ALIASES.items():
        if other in everything and name in everything:
            value = everything[name]
            if re.fullmatch(r"\d+", value) and _said(redis_client, other, str(int(value) + 1)) is None:
                assert redis_client.config_get(name) == {name: str(int(value) + 1)}
                compared += 1
    assert compared >= 4


def _said(client, name, value):
    try:
        client.config_set(name, value)
    except redis.ResponseError as error:
        return str(error)
    return None
