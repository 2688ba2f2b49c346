"""Shards: disjoint, complete, by server, and no target moves because another comes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from reconciler.fleet.shards import MOST, members, number, parse, server
from reconciler.model import HttpTarget, PostgresTarget, RedisTarget, Shard, Target

HOSTS = st.sampled_from(["db1", "DB2.internal", "10.0.0.7", "db3,db4", "[::1]"])
PORTS = st.integers(5432, 5440)


def postgres(name: str, url: str) -> Target:
    return PostgresTarget(name=name, url=SecretStr(url))


@st.composite
def targets(draw) -> Target:
    name = draw(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8))
    match draw(st.integers(0, 3)):
        case 0:
            return RedisTarget(name=name, url=SecretStr(f"redis://cache{draw(st.integers(0, 40))}"))
        case 1:
            return HttpTarget(name=name, url=SecretStr(""))
        case _:
            host = draw(HOSTS)
            return postgres(name, f"postgresql://u:p@{host}:{draw(PORTS)}/{name}")


FLEETS = st.dictionaries(st.text(min_size=1, max_size=6), targets(), max_size=40)
NUMBERS = st.integers(1, 32)


@given(FLEETS, NUMBERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_shards_are_disjoint_and_cover_all(fleet, of):
    found = [members(fleet, Shard(number=each, of=of)) for each in range(of)]
    names = [name for each in found for name in each]
    assert sorted(names) == sorted(fleet)


@given(FLEETS, targets(), NUMBERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_target_more_moves_no_other(fleet, another, of):
    more = {**fleet, "one more": another}
    for each in range(of):
        shard = Shard(number=each, of=of)
        assert {name for name in members(more, shard) if name != "one more"} == set(members(fleet, shard)) - {
            "one more"
        }


@given(FLEETS, NUMBERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_leads_to_one_server_is_in_one_shard(fleet, of):
    by_server: dict[str, set[int]] = {}
    for target in fleet.values():
        by_server.setdefault(server(target), set()).add(number(target, of))
    assert all(len(numbers) == 1 for numbers in by_server.values())


def test_the_databases_of_a_server_however_its_url_is_written():
    urls = [
        "postgresql://a:x@DB1:5432/one", "host=db1 dbname=two", "postgresql://db1/three?application_name=x",
        "postgresql://b@db1/four",
    ]  # fmt: skip
    assert {server(postgres("t", url)) for url in urls} == {"db1:5432"}
    assert server(postgres("t", "host=b,a port=1,2")) == server(postgres("t", "host=a,b port=2,1")) == "a:2"
    assert server(postgres("t", "no url at all")) == "t"


def test_a_shard_stays_what_it_is_from_version_to_version():
    """Receipts of a wave are told apart by it, and two runners of different versions may be at work."""
    found = [number(postgres("t", f"host=db{each}"), 16) for each in range(8)]
    assert found == [2, 1, 8, 14, 11, 10, 6, 12]


@pytest.mark.parametrize(("text", "shard"), [("0/1", (0, 1)), ("3/16", (3, 16)), (" 15/16 ", (15, 16))])
def test_a_shard_is_spelled(text, shard):
    found = parse(text)
    assert (found.number, found.of) == shard
    assert str(found) == text.strip()


WRONG = {
    "": "expected I/N", "3": "expected I/N", "3/": "expected I/N", "a/b": "expected I/N", "-1/16": "expected I/N",
    "1.5/16": "expected I/N", "3/16/2": "expected I/N", "٣/١٦": "expected I/N", "16/16": "the last is 15/16",
    "1/1": "the last is 0/1", "0/0": f"from 1 to {MOST}", f"0/{MOST + 1}": f"from 1 to {MOST}",
    "0/99999999999": "expected I/N",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_what_is_no_shard_is_refused_with_what_is_one(text, said):
    with pytest.raises(ValueError, match=said):
        parse(text)
