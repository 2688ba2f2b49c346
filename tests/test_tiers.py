"""No case is lost between the tiers, and versions take turns."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
import tiers
from tiers import Tier

VERSIONS = ("13.1", "14.1", "15.1", "16.1", "17.1", "18.1")
EMBEDDED = frozenset({"18.1", "valkey-9", "redis-6"})
MARKS = ("", "matrix", "rotated", "thorough", "thorough rotated", "thorough matrix", "thorough quick", "servers")


class Case(SimpleNamespace):
    """As much of a pytest.Item as tiers look at."""

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def __hash__(self) -> int:
        return hash(self.nodeid)


def cases() -> list[Case]:
    found = [Case(nodeid="tests/test_a.py::test_without", marks=(), fixturenames=())]
    for mark in MARKS:
        for file in "abcdefgh":
            for number in range(3):
                for fixture, versions in (
                    ("postgres", VERSIONS),
                    ("redis_server", ("valkey-9", "redis-6", "redis-7")),
                    ("patroni", VERSIONS),
                ):
                    found += [
                        Case(
                            nodeid=f"tests/test_{file}.py::test_{mark.replace(' ', '_')}_{fixture}[{version}-{number}]",
                            marks=mark.split(), callspec=SimpleNamespace(params={fixture: version}),
                            fixturenames=(fixture, "folder"),
                        )
                        for version in versions
                        if fixture != "patroni" or mark == ""
                    ]  # fmt: skip
    return found


def run(tier: Tier, everything: list[Case]) -> list[Case]:
    there = everything
    if tier is Tier.TEST:
        there = [case for case in there if EMBEDDED.issuperset(tiers.servers_of(case)) and not _needs_etcd(case)]
    out = tiers.left_out(there, tier, EMBEDDED)
    return [case for case in there if case not in out]


def _needs_etcd(case: Case) -> bool:
    return "patroni" in case.fixturenames


def versions(ran: list[Case]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for case in ran:
        found.setdefault(tiers._case(case), set()).update(tiers.servers_of(case))
    return found


@pytest.fixture(params=range(5))
def both(request, monkeypatch) -> tuple[list[Case], list[Case]]:
    """What `make test` and what .ci/run beside it run, with one seed."""
    monkeypatch.setenv(tiers.SEED, str(request.param))
    everything = cases()
    return run(Tier.TEST, everything), run(Tier.CI, everything)


def test_every_case_runs_before_a_change_lands(both):
    ran = versions([*both[0], *both[1]])
    assert ran.keys() == versions(cases()).keys()


def test_nothing_runs_twice_but_what_looks_at_all_servers(both):
    twice = {case.nodeid for case in both[0]} & {case.nodeid for case in both[1]}
    assert {nodeid for nodeid in twice if "test_servers" not in nodeid} == set()


def of(mark: str, ran: list[Case], server: str = "_postgres") -> dict[str, set[str]]:
    """The versions that each case of a mark ran on."""
    name = f"test_{mark.replace(' ', '_')}{server}["
    return {case: each for case, each in versions(ran).items() if name in case}


def test_where_versions_differ_all_run_on_the_newest_and_three_of_four_on_another(both):
    every = of("matrix", [*both[0], *both[1]])
    assert all(VERSIONS[-1] in each for each in every.values())
    ran = {case: each for case, each in every.items() if len(each) == 2}
    assert len(every) // 6 <= len(every) - len(ran) <= len(every) // 3
    others = Counter(version for each in ran.values() for version in each - {VERSIONS[-1]})
    assert others.keys() == set(VERSIONS[:-1])
    assert others[VERSIONS[0]] >= len(ran) // 2 - 3
    between = [others[version] for version in VERSIONS[1:-1]]
    assert max(between) - min(between) <= 3


def test_what_make_test_leaves_runs_on_one_version(both):
    for mark in ("thorough", "thorough rotated", "thorough matrix"):
        assert {len(each) for each in of(mark, both[1]).values()} == {1}, mark
        assert {version for each in of(mark, both[1]).values() for version in each} == set(VERSIONS), mark


@pytest.mark.parametrize(("marks", "share"), [(("", "thorough quick"), 6), (("rotated",), 3)])
def test_of_what_make_test_runs_some_are_run_on_another_version(both, marks, share):
    everything, again = (
        {name: each for mark in marks for server in ("_postgres", "_redis_server")
         for name, each in of(mark, ran, server).items()}
        for ran in both
    )  # fmt: skip
    assert again.keys() <= everything.keys()
    assert len(again) == -(-len(everything) // share)
    assert not any(each <= EMBEDDED for each in again.values())


def test_every_version_has_its_turn(both):
    ran = Counter(version for case in both[1] for version in tiers.servers_of(case))
    assert set(VERSIONS) <= ran.keys()


def test_of_what_is_expensive_each_case_runs_on_one_version_in_each_tier(both):
    for ran in both:
        rotated = {name: each for name, each in versions(ran).items() if "rotated" in name}
        assert {len(each) for each in rotated.values()} == {1}


def test_a_cluster_of_patroni_is_started_once_on_the_newest(both):
    assert not any(_needs_etcd(case) for case in both[0])
    assert {version for case in both[1] if _needs_etcd(case) for version in tiers.servers_of(case)} == {VERSIONS[-1]}


def test_what_takes_longer_is_left_to_those_who_have_the_time(both):
    assert not any("thorough" in case.marks and "quick" not in case.marks for case in both[0])
    assert any("quick" in case.marks for case in both[0])


def test_units_need_no_server():
    assert [case.nodeid for case in run(Tier.UNIT, cases())] == ["tests/test_a.py::test_without"]


def test_everything_is_everything():
    assert run(Tier.ALL, cases()) == cases()


def test_another_seed_chooses_otherwise_and_the_same_the_same(monkeypatch):
    chosen = []
    for seed in ("1", "2", "1"):
        monkeypatch.setenv(tiers.SEED, seed)
        chosen.append([case.nodeid for case in run(Tier.CI, cases())])
    assert chosen[0] == chosen[2] != chosen[1]


def test_of_a_version_that_is_not_there_nothing_is_run_and_it_is_said():
    nowhere = Case(
        nodeid="tests/test_a.py::test_old[NOTSET]", marks=(), fixturenames=("folder",),
        callspec=SimpleNamespace(params={"postgres": object()}),
    )  # fmt: skip
    out = tiers.left_out([nowhere], Tier.ALL, EMBEDDED)
    assert tiers.told(Counter(out.values())) == [
        "LEFT OUT: 1 cases: no server of a version that it is about; "
        "run by: make test-all, with the servers named above as not covered"
    ]
