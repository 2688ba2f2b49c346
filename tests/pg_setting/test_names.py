"""Settings that came, went, or changed their names and types between versions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from fix_servers import postgres_binaries
from live import outcomes
from pg_setting.own_server import OwnServer
from pg_setting.releases import OF_DISTRIBUTIONS, TABLES_AS_OF, may_have_its_own
from pg_setting.setting_cases import settings

from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.values import names

Settings = Mapping[str, str]
"""Types by name, of every setting of a server."""

GONE = names.RENAMED.keys() | names.REMOVED.keys()
TABLES = GONE | names.SINCE.keys() | names.BY_MINOR_RELEASES | OF_DISTRIBUTIONS


@pytest.fixture(scope="module")
def everywhere(folder) -> dict[int, Settings]:
    """The settings of each server that is here, by the number of its release, of versions that the tables are about."""
    found = {}
    for version, binaries in postgres_binaries().items():
        if int(version.split(".")[0]) in TABLES_AS_OF:
            server = OwnServer(folder, binaries)
            server.start()
            with psycopg.connect(server.url()) as connection:
                rows = connection.execute("select lower(name), vartype from pg_settings where name not like '%.%'")
                found[connection.info.server_version] = dict(rows.fetchall())
            server.stop("immediate")
    return dict(sorted(found.items()))


def version_in(told: str) -> float:
    """The version since which something is so, as people are told."""
    found = re.search(r"(?:since|removed in PostgreSQL) (\d+(?:\.\d+)?)", told)
    return float(found[1]) if found else 0


def gone_since(name: str) -> float:
    return version_in(names.unknown(name, (), 180000))


def mistakes(servers: Mapping[int, Settings]) -> list[str]:
    """What the tables have wrong of these servers, looked at one by one, and each beside the next one."""
    singly = [mistake for version_num, there in servers.items() for mistake in _of_one(version_num, there)]
    beside = [mistake for both in itertools.pairwise(servers.items()) for mistake in _of_two(*both)]
    return [*singly, *beside]


def _of_one(version_num: int, there: Settings) -> Iterator[str]:
    major = version_num // 10000
    for name, since in names.SINCE.items():
        if since > major and name in there and not may_have_its_own(version_num):
            yield f"{name} is there before {since}, on {version_num}"
        if since <= major and name not in there and name not in GONE:
            yield f"{name} is not there since {since}, on {version_num}"
    for name in GONE & there.keys():
        if gone_since(name) <= major:
            yield f"{name} has not gone with {gone_since(name)}, on {version_num}"


def _of_two(earlier: tuple[int, Settings], later: tuple[int, Settings]) -> Iterator[str]:
    (old, before), (new, after) = earlier, later
    for name in after.keys() - before.keys() - TABLES:
        if not may_have_its_own(new):
            yield f"{name} came after {old}, by {new}"
    for name in before.keys() - after.keys():
        if name in GONE and gone_since(name) > new // 10000:
            yield f"{name} has gone before {gone_since(name)}, by {new}"
        if name not in TABLES and not may_have_its_own(old):
            yield f"{name} has gone after {old}, by {new}"
    for name in before.keys() & after.keys():
        retyped = version_in(names.RETYPED.get(name, ""))
        if before[name] != after[name] and not old // 10000 < retyped <= new // 10000:
            yield f"{name} has another type after {old}, by {new}"


@pytest.mark.servers
def test_the_tables_are_right_of_whichever_servers_are_there(everywhere):
    for count in range(1, len(everywhere) + 1):
        for chosen in itertools.combinations(everywhere.items(), count):
            assert mistakes(dict(chosen)) == []


def made_up(version_num: int, *others: str) -> tuple[int, Settings]:
    """A server as the tables have it, with `others`."""
    major = version_num // 10000
    there = {name for name in names.SINCE if names.SINCE[name] <= major} - GONE
    there |= {name for name in GONE if gone_since(name) > major} | {"work_mem", *others}
    return version_num, dict.fromkeys(there, "bool")


NEXT = (150000 + TABLES_AS_OF[15] + 1, 180000 + TABLES_AS_OF[18] + 1)
"""The minor releases of 15 and 18 that are to come."""


@pytest.mark.parametrize(
    ("servers", "found"),
    [
        ([made_up(150020), made_up(180006)], []),
        ([made_up(150020, "a_new_one"), made_up(180006)], ["a_new_one has gone after 150020, by 180006"]),
        ([made_up(150020), made_up(180006, "a_new_one")], ["a_new_one came after 150020, by 180006"]),
        ([made_up(150020, "io_method")], ["io_method is there before 18, on 150020"]),
        ([made_up(180006, "db_user_namespace")], ["db_user_namespace has not gone with 17.0, on 180006"]),
        ([made_up(NEXT[0], "a_new_one"), made_up(160014)], []),
        ([made_up(150020), made_up(NEXT[1], "a_new_one")], []),
        ([made_up(NEXT[0], "io_method")], []),
        ([made_up(150020, "output_plugin_libraries"), made_up(160014)], []),
    ],
    ids=[
        "as the tables have it", "unknown, and gone", "unknown, and new", "there before it came", "there after it went",
        "of a minor release to come, and not of the next version", "of a minor release to come",
        "brought to an older version by a minor release to come", "brought by minor releases",
    ],
)  # fmt: skip
def test_a_minor_release_may_bring_settings_and_only_that_is_no_mistake(servers, found):
    assert mistakes(dict(servers)) == found


@pytest.mark.matrix
def test_a_setting_of_another_version_is_explained(postgres, pg_target, sql):
    known = {name for (name,) in sql.execute("select lower(name) from pg_settings")}
    major, minor = divmod(sql.info.server_version, 10000)
    declared = {
        "checkpoint_segments": "max_wal_size",
        "sort_mem": "is now work_mem",
        "wal_keep_segments": "wal_keep_size",
        "old_snapshot_threshold": "removed in PostgreSQL 17",
        "transaction_timeout": f"PostgreSQL {major}.{minor} has no setting transaction_timeout, 17 has: delete",
        "ssl_groups": "until then it is ssl_ecdh_curve",
        "ssl_ecdh_curve": "ssl_groups",
        "force_parallel_mode": "debug_parallel_query",
        "debug_parallel_query": "until then it is force_parallel_mode",
        "output_plugin_libraries": f"PostgreSQL {major}.{minor} has no setting output_plugin_libraries, which minor",
    }
    for name, message in declared.items():
        if name not in known:
            [notice] = outcomes(KIND, pg_target, settings({name: "1"}))
            assert message in notice.message


@pytest.mark.matrix
def test_a_value_of_another_version_is_explained(postgres, pg_target, sql):
    types = dict(sql.execute("select name, vartype from pg_settings").fetchall())
    for name, value, version in (("wal_compression", "lz4", 15), ("log_connections", "receipt", 18)):
        if types[name] == "bool":
            [notice] = outcomes(KIND, pg_target, settings({name: value}))
            assert f"understood since {version}" in notice.message
