"""What is decided of every setting, and that it is decided of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from fix_servers import _numbers, extension_version, postgres_binaries

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting import risk
from reconciler.kinds.pg_setting.risk import table, together
from reconciler.kinds.pg_setting.startup import ciphers
from reconciler.kinds.pg_setting.values import names, standby_names
from reconciler.model import NEEDS_PERMISSION, HazardType

NOT_HERE = frozenset(
    {"cron", "hnsw", "hypopg", "ivfflat", "pgaudit", "pgcrypto", "plperl", "pltcl", "pltclu", "sepgsql"}
)
"""Libraries that not every machine's servers come with."""

ALL = {"13", "14", "15", "16", "17", "18"}

UNLISTED = frozenset({"role"})
"""Settings that pg_settings never lists, and that a role can have all the same."""

BY_DEBIAN = frozenset({"extension_destdir"})
"""Settings of Debian's builds alone."""


def shown(url: str) -> set[str]:
    """All that pg_settings has, once every library that can be loaded into a session is loaded."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = "select file from pg_config, pg_ls_dir(setting) as file where name = 'PKGLIBDIR' and file !~ '_and_'"
        for (file,) in connection.execute(query).fetchall():
            with suppress(psycopg.Error):
                connection.execute(f"load '{file}'")
        return {name for (name,) in connection.execute("select lower(name) from pg_settings").fetchall()}


@pytest.mark.matrix
def test_every_setting_of_the_server_is_decided(postgres):
    assert shown(postgres.url()) - risk.KNOWN == set()


@pytest.fixture(scope="module")
def everywhere(folder: Path) -> Iterator[set[str]]:
    """The settings of all servers, 13 to 18."""
    if {version.split(".")[0] for version in postgres_binaries()} != ALL:
        pytest.skip("it looks at all of 13 to 18")
    found: set[str] = set()
    for version, binaries in postgres_binaries().items():
        preloaded = {"shared_preload_libraries": "'pg_stat_statements, pg_prewarm'"}
        server = PostgresServer(folder / f"risks-{version}-{next(_numbers)}", binaries, preloaded)
        server.start()
        found |= shown(server.url())
        server.stop("immediate")
    return found


@pytest.mark.servers
def test_nothing_is_decided_of_what_no_server_has(everywhere):
    decided = {name for name in risk.KNOWN if name.partition(".")[0] not in NOT_HERE}
    debians = any(extension_version(folder, "hypopg") for folder in postgres_binaries().values())
    assert decided - everywhere - UNLISTED - (frozenset() if debians else BY_DEBIAN) == set()


@pytest.mark.servers
def test_what_is_hidden_from_some_roles_is_decided(everywhere):
    """pg_settings keeps these from whoever is no member of pg_read_all_settings."""
    from reconciler.kinds.pg_setting.observing.hidden_from_role import CANDIDATES

    assert CANDIDATES <= risk.KNOWN


def test_a_setting_is_decided_once():
    free = [name for group in table.FREE.values() for name in group]
    assert len(free) == len(set(free))
    assert set(free) & (set(table.RISKS) | together.NAMES) == set()


def test_the_tables_are_in_lower_case_and_by_the_names_that_servers_have():
    for name in risk.KNOWN:
        assert names.PATTERN.fullmatch(name), name


def test_each_risk_is_said_and_needs_permission():
    for name, risks in table.RISKS.items():
        for each in risks:
            assert each.type in NEEDS_PERMISSION, name
            assert each.why, name


LISTS = [
    ("HIGH:!aNULL", set(), True, "what most people write"),
    ("HIGH:MEDIUM:+3DES:!aNULL", set(), True, "the default"),
    ("ECDHE-RSA-AES128-GCM-SHA256", set(), True, "a suite by its name"),
    ("ECDHE+AESGCM:!aNULL", set(), True, "suites by what they are made of"),
    ("DEFAULT", set(), True, "a word that only counts at the beginning"),
    ("HIGH, !aNULL", set(), True, "other separators"),
    ("NOTHING:HIGH:!aNULL", set(), True, "what is not known is passed over"),
    ("HIGH", {"ADH-AES128-SHA"}, True, "suites without authentication are among the high ones"),
    ("ALL", {"AECDH-AES128-SHA", "RC4-SHA"}, True, "all is all"),
    ("HIGH:!ADH", {"AECDH-AES128-SHA"}, True, "one of two sorts without authentication is left"),
    ("aNULL", {"ADH-AES128-SHA"}, True, "without authentication alone"),
    ("eNULL", {"NULL-SHA256"}, True, "without encryption alone"),
    ("HIGH:!aNULL:eNULL", {"NULL-SHA256"}, True, "without encryption beside others"),
    ("HIGH:!aNULL:RC4-SHA", {"RC4-SHA"}, True, "a broken one beside others"),
    ("HIGH:!aNULL:@SECLEVEL=0", {"@SECLEVEL=0"}, True, "keys that are too short are taken"),
    ("DEFAULT@SECLEVEL=0", {"@SECLEVEL=0"}, True, "the same without a separator"),
    ("", set(), False, "nothing"),
    ("NONSENSE", set(), False, "nothing that anybody knows"),
    ("HIGH:!ALL", set(), False, "all is taken away again"),
    ("!HIGH:HIGH", set(), False, "taken away for good before"),
    ("HIGH:DEFAULT:!HIGH", set(), False, "a word that does not count here"),
    ("SSLv2", set(), False, "suites that no OpenSSL has any more"),
    ("@NONSENSE", set(), False, "a command that is none"),
    ("HIGH:?", set(), False, "a sign that is none"),
]


@pytest.mark.parametrize(("text", "weak", "starts", "reason"), LISTS, ids=[row[-1] for row in LISTS])
def test_a_list_of_suites_comes_to_what_openssl_makes_of_it(text, weak, starts, reason):
    assert weak <= ciphers.weak(text)
    assert weak or not ciphers.weak(text)
    assert (ciphers.refused(text) == "") is starts


NAMES = [
    ("", None),
    ("one", (1, ("one",))),
    ("one, two", (1, ("one", "two"))),
    ("*", (1, ("*",))),
    ('"one, or two"', (1, ("one, or two",))),
    ('"a ""b"""', (1, ('a "b"',))),
    ("2 (one, two, three)", (2, ("one", "two", "three"))),
    ("FIRST 2 (one, two)", (2, ("one", "two"))),
    ("any 3(one,two,three)", (3, ("one", "two", "three"))),
    ('"first"', (1, ("first",))),
]


@pytest.mark.parametrize(("text", "wanted"), NAMES, ids=[row[0] or "nobody" for row in NAMES])
def test_the_names_of_standbys_are_read_as_the_server_does(text, wanted):
    assert standby_names.parse(text) == wanted


TURNS = [
    ("fsync", "on", "off", {HazardType.LESS_SAFE}, "worse"),
    ("fsync", "off", "on", set(), "better"),
    ("fsync", "off", "off", set(), "as it is"),
    ("synchronous_commit", "off", "local", set(), "a little better"),
    ("synchronous_commit", "remote_apply", "on", {HazardType.LESS_SAFE}, "a little worse"),
    ("statement_timeout", 500, 200, {HazardType.STOPS_SERVICE}, "short, and shorter than before"),
    ("statement_timeout", 100, 200, set(), "short, and longer than before"),
    ("statement_timeout", 500, 0, set(), "none"),
    ("statement_timeout", 0, 60000, set(), "a minute"),
    ("max_slot_wal_keep_size", -1, 1024, {HazardType.LESS_SAFE}, "from no limit to one"),
    ("max_slot_wal_keep_size", 1024, -1, set(), "from a limit to none"),
    ("temp_file_limit", -1, 1024, {HazardType.STOPS_SERVICE}, "a megabyte for all sorting"),
    ("search_path", ("$user", "public"), (), set(), "nothing is looked for"),
    ("search_path", ("$user", "public"), ("public",), set(), "less is looked for"),
    ("search_path", ("$user", "public"), ("pg_catalog", "public"), set(), "pg_catalog where it is anyway"),
    ("search_path", ("$user", "public"), ("evil", "public"), {HazardType.LESS_SAFE}, "somebody's first"),
    ("search_path", ("$user", "public"), ("public", "pg_catalog"), {HazardType.LESS_SAFE}, "public before pg_catalog"),
    ("search_path", ("a", "b"), ("b", "a"), {HazardType.LESS_SAFE}, "the other way round"),
    ("search_path", None, ("app",), {HazardType.LESS_SAFE}, "nobody knows what was there"),
    ("listen_addresses", ("localhost",), ("*",), {HazardType.LESS_SAFE}, "the whole network"),
    ("listen_addresses", ("localhost",), ("localhost", "10.0.0.1"), {HazardType.LESS_SAFE}, "another network"),
    ("listen_addresses", ("*",), ("localhost",), {HazardType.STOPS_SERVICE}, "no longer the network"),
    ("listen_addresses", ("*",), ("*", "10.0.0.1"), set(), "everywhere and there"),
    ("unix_socket_permissions", 0o700, 0o777, {HazardType.LESS_SAFE}, "for everybody"),
    ("unix_socket_permissions", 0o777, 0o700, {HazardType.STOPS_SERVICE}, "for nobody else"),
    ("shared_preload_libraries", ("a",), ("a", "b"), {HazardType.RUNS_PROGRAMS}, "one more"),
    ("shared_preload_libraries", ("a", "b"), ("a",), {HazardType.LESS_SAFE}, "one less"),
    ("archive_command", "cp", "", {HazardType.LESS_SAFE}, "none"),
    ("archive_command", "", "cp", {HazardType.RUNS_PROGRAMS}, "one"),
    ("jit_provider", "evil", "llvmjit", set(), "what PostgreSQL comes with"),
    ("ssl_ciphers", "HIGH:!aNULL", "HIGH:aNULL", {HazardType.LESS_SAFE}, "without authentication"),
    ("ssl_ciphers", "HIGH:aNULL", "HIGH:!aNULL", set(), "with it again"),
    ("ssl_min_protocol_version", "TLSv1.2", "TLSv1.3", {HazardType.STOPS_SERVICE}, "the newest alone"),
    ("ssl_min_protocol_version", "TLSv1.3", "TLSv1.2", set(), "what is sound"),
    ("work_mem", 4096, 1024, set(), "a matter of speed"),
    ("work_mem", 4096, 64, {HazardType.STOPS_SERVICE}, "the least that there is"),
    ("timezone", "Etc/UTC", "utc", set(), "the same zone by another name"),
    ("timezone", "Europe/Berlin", "UTC", {HazardType.LESS_SAFE}, "another zone"),
    ("datestyle", ("iso", "mdy"), ("mdy", "iso"), set(), "the same in another order"),
    ("datestyle", ("iso", "mdy"), ("iso", "dmy"), {HazardType.LESS_SAFE}, "days for months"),
    ("log_line_prefix", "%m [%p] ", "%t [%c] %u@%d ", set(), "the same by other escapes, and more"),
    ("log_line_prefix", "%m [%p] %-10u ", "%m [%p] ", {HazardType.LESS_SAFE}, "no longer who"),
    ("log_line_prefix", "%m %%u", "%m", set(), "no escape at all"),
    ("autovacuum_vacuum_cost_limit", 1, -1, set(), "that of vacuum, whatever it is"),
    ("vacuum_cost_delay", 0.0, 2.5, set(), "what is ordinary"),
    ("of_a_version_to_come", "off", "on", {HazardType.LESS_SAFE}, "nobody here knows it"),
    ("of_a_version_to_come", "on", "on", set(), "nobody here knows it, and it stays"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before", "after", "wanted", "reason"), TURNS, ids=[f"{t[0]}: {t[-1]}" for t in TURNS]
)
def test_only_a_turn_for_the_worse_needs_to_be_allowed(name, before, after, wanted, reason):
    from reconciler.kinds.pg_setting.model import Definition
    from reconciler.kinds.pg_setting.observed import Server

    boot = "llvmjit" if name == "jit_provider" else None
    definition = Definition(name=name, vartype="string", context="user", boot_val=boot)
    found = risk.of_change(definition, [before], after, Server(version_num=180000, role="x", superuser=True))
    assert {hazard.type for hazard in found} == wanted
    assert all(hazard.message.startswith(name) for hazard in found)
