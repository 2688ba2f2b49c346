"""Servers that belong together, for the tests: which can be had on this machine, and how a test gets them.

`pair` has a case for every PostgreSQL, `patroni` for each that comes with pg_basebackup, `redis_cluster` and
`sentinels` for every product and version. What cannot be had is left out, and the summary says so.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import patroni as patroni_on_etcd
from clusters.pair import Pair
from clusters.patroni import PatroniCluster
from clusters.redis_cluster import RedisCluster
from clusters.sentinel import SentinelTrio
from fix_servers import _numbers, _parametrize, postgres_binaries, redis_binaries

CLUSTERS = {
    "pair": "primary and standby",
    "patroni": "Patroni on etcd",
    "redis_cluster": "Redis Cluster",
    "sentinels": "Sentinel",
}
"""The fixtures, and what the summary calls them."""


def covered(ran: Counter[str]) -> list[str]:
    """What was covered of them and what was not, and why. `ran` counts tests by fixture and version."""
    lines = []
    for fixture, name in CLUSTERS.items():
        versions = {key.removeprefix(f"{fixture} "): ran[key] for key in sorted(ran) if key.startswith(f"{fixture} ")}
        lines += [f"{name}, {version.replace('-', ' ')}: {count:,} tests" for version, count in versions.items()]
        lacking = patroni_on_etcd.missing() if fixture == "patroni" else ""
        if lacking:
            lines.append(f"NOT COVERED: {name}: wanted: {lacking}")
        elif not versions:
            lines.append(f"NOT COVERED: {name}: none of the tests that were chosen ran on it")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pair" in metafunc.fixturenames:
        _parametrize(metafunc, "pair", list(postgres_binaries()), "pg")
    if "patroni" in metafunc.fixturenames:
        # Patroni makes replicas with pg_basebackup, which not every folder of binaries has.
        able = [version for version, folder in postgres_binaries().items() if (folder / "pg_basebackup").exists()]
        metafunc.parametrize("patroni", able, indirect=True, scope="module")
    for fixture in ("redis_cluster", "sentinels"):
        if fixture in metafunc.fixturenames:
            _parametrize(metafunc, fixture, list(redis_binaries()), "redis")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what needs Patroni where there is none; the summary says why."""
    if patroni_on_etcd.missing():
        needing = {"patroni", "needs_patroni"}
        left_out = [item for item in items if needing & set(getattr(item, "fixturenames", ()))]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def pair(request: pytest.FixtureRequest, folder: Path) -> Iterator[Pair]:
    """A running primary and its standby, the test's own."""
    place = folder / f"pair-{request.param}-{next(_numbers)}"
    yield from _running(Pair(place, postgres_binaries()[request.param]), place)


@pytest.fixture(scope="module")
def patroni(request: pytest.FixtureRequest, folder: Path) -> Iterator[PatroniCluster]:
    """Three nodes, shared by the tests of a module. Whoever changes their configuration puts it back."""
    place = folder / f"patroni-{request.param}-{next(_numbers)}"
    yield from _running(PatroniCluster(place, postgres_binaries()[request.param]), place)


@pytest.fixture
def needs_patroni() -> None:
    """For tests that make Patroni's clusters of their own: left out where there can be none."""


@pytest.fixture
def redis_cluster(request: pytest.FixtureRequest, folder: Path) -> Iterator[RedisCluster]:
    """Six nodes, the test's own."""
    place = folder / f"cluster-{request.param}-{next(_numbers)}"
    yield from _running(RedisCluster(place, redis_binaries()[request.param]), place)


@pytest.fixture
def sentinels(request: pytest.FixtureRequest, folder: Path) -> Iterator[SentinelTrio]:
    """A primary, two replicas and three Sentinels, the test's own."""
    place = folder / f"sentinels-{request.param}-{next(_numbers)}"
    yield from _running(SentinelTrio(place, redis_binaries()[request.param]), place)


def _running(made, place: Path):
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(place, ignore_errors=True)  # the folder of a run is in memory, and a cluster takes 400 MB of it
