"""Settings that came, went, or changed their names and types between versions."""

from __future__ import annotations

import itertools

import psycopg
import pytest
from fix_servers import postgres_binaries
from live import outcomes
from own_server import OwnServer
from setting_cases import settings

from reconciler.kinds.pg_setting import KIND, names

OF_DISTRIBUTIONS = {"extension_destdir"}
"""Debian's own."""


@pytest.fixture(scope="module")
def everywhere(folder) -> dict[int, dict[str, str]]:
    """Types by name, of every setting of every version."""
    found = {}
    for version, binaries in postgres_binaries().items():
        server = OwnServer(folder, binaries)
        server.start()
        with psycopg.connect(server.url()) as connection:
            rows = connection.execute("select lower(name), vartype from pg_settings where name not like '%.%'")
            found[int(version.split(".")[0])] = dict(rows.fetchall())
        server.stop("immediate")
    return dict(sorted(found.items()))


def test_every_setting_that_came_or_went_is_known(everywhere):
    for (_, before), (version, after) in itertools.pairwise(everywhere.items()):
        came = after.keys() - before.keys() - OF_DISTRIBUTIONS
        assert {name: names.SINCE.get(name) for name in came} == dict.fromkeys(came, version)
        went = before.keys() - after.keys() - OF_DISTRIBUTIONS
        assert went <= names.RENAMED.keys() | names.REMOVED.keys()
        for name in went:
            told = names.unknown(name, (), version)
            assert f"since {version}" in told or f"removed in PostgreSQL {version}" in told, told
        retyped = {name for name in before.keys() & after.keys() if before[name] != after[name]}
        assert retyped <= names.RETYPED.keys()


def test_nothing_is_said_to_have_gone_that_is_there(everywhere):
    newest = everywhere[max(everywhere)]
    assert not newest.keys() & (names.RENAMED.keys() | names.REMOVED.keys())


@pytest.mark.matrix
def test_a_setting_of_another_version_is_explained(postgres, pg_target, sql):
    major = sql.info.server_version // 10000
    declared = {
        "checkpoint_segments": "max_wal_size",
        "sort_mem": "is now work_mem",
        "wal_keep_segments": "wal_keep_size",
        "old_snapshot_threshold": "removed in PostgreSQL 17" if major >= 17 else "",
        "transaction_timeout": "came with PostgreSQL 17" if major < 17 else "",
        "ssl_groups": "until then it is ssl_ecdh_curve" if major < 18 else "",
        "ssl_ecdh_curve": "ssl_groups" if major >= 18 else "",
        "force_parallel_mode": "debug_parallel_query" if major >= 16 else "",
        "debug_parallel_query": "until then it is force_parallel_mode" if major < 16 else "",
    }
    for name, message in declared.items():
        if message:
            [notice] = outcomes(KIND, pg_target, settings({name: "1"}))
            assert message in notice.message


@pytest.mark.matrix
def test_a_value_of_another_version_is_explained(postgres, pg_target, sql):
    major = sql.info.server_version // 10000
    for name, value, version in (("wal_compression", "lz4", 15), ("log_connections", "receipt", 18)):
        if major < version:
            [notice] = outcomes(KIND, pg_target, settings({name: value}))
            assert f"understood since {version}" in notice.message
