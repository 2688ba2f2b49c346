"""No setting runs a program, makes the server less safe, or keeps people out, unless that was allowed by name.

Before, all but fourteen values of fourteen settings were applied without a word: of 108 rows 74 were seen to come
without their hazard then, or not to be refused (on 18). The others are controls, that were right already.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from applying.acting import apply, plan_for
from fix_servers import postgres_binaries, version_of
from packaging.specifiers import SpecifierSet
from pg_setting.own_server import OwnServer
from pydantic import TypeAdapter
from waiting import reload

from reconciler.demo.postgres_server import PostgresServer
from reconciler.errors import HazardNotAllowed
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.model import NEEDS_PERMISSION, HazardType, NoticeType, PostgresTarget, Resource, Target

RUNS, UNSAFE, STOPS = HazardType.RUNS_PROGRAMS, HazardType.LESS_SAFE, HazardType.STOPS_SERVICE


class Row(NamedTuple):
    """`wanted`: the hazards of all changes together; a text: what the plan has to say where it refuses all of it.

    `there` is set by hand before. `applied`: with its hazards allowed it is done for real, and in sync afterwards.
    """

    reason: str
    declared: dict[str, Any]
    wanted: set[HazardType] | str
    pg: str = ""
    there: dict[str, str] = {}
    section: str = "settings"
    applied: bool = False


PROGRAMS = [
    Row("a command for each file of WAL", {"archive_command": "touch /srv/owned"}, {RUNS}, applied=True),
    Row("no command any more", {"archive_command": ""}, {UNSAFE}, there={"archive_command": "false"}, applied=True),
    Row("a command by RESET", {"archive_command": "default"}, {UNSAFE}, there={"archive_command": "false"}),
    Row("a command to restore", {"restore_command": "touch /srv/owned"}, {RUNS}, applied=True),
    Row("a command to clean up", {"archive_cleanup_command": "touch /srv/owned"}, {RUNS}, applied=True),
    Row("a command at the end of recovery", {"recovery_end_command": "touch /srv/owned"}, {RUNS}, applied=True),
    Row("a command for a passphrase", {"ssl_passphrase_command": "touch /srv/owned"}, {RUNS}, applied=True),
    Row("the same at each reload", {"ssl_passphrase_command_supports_reload": "on"}, {RUNS}, applied=True),
    Row("an archive", {"archive_mode": "on"}, {RUNS}),
    Row("a library for an archive", {"archive_library": "basic_archive"}, {RUNS}, ">= 15"),
    Row("a library for all", {"shared_preload_libraries": {"include": ["auto_explain"]}}, {RUNS}),
    Row("a library for sessions", {"session_preload_libraries": "auto_explain"}, {RUNS}, applied=True),
    Row("a library for sessions of a role", {"postgres": {"settings": {"session_preload_libraries": "auto_explain"}}},
        {RUNS}, section="roles"),
    Row("a library for sessions of a database",
        {"postgres": {"settings": {"session_preload_libraries": "auto_explain"}}}, {RUNS}, section="databases"),
    Row("a library of sessions that goes", {"session_preload_libraries": "default"}, {UNSAFE},
        there={"session_preload_libraries": "auto_explain"}, applied=True),
    Row("libraries from elsewhere", {"dynamic_library_path": "/srv/evil:$libdir"}, {RUNS}, applied=True),
    Row("extensions from elsewhere", {"extension_control_path": "/srv/evil:$system"}, {RUNS}, ">= 18", applied=True),
    Row("libraries from where they were", {"dynamic_library_path": "default"}, set(),
        there={"dynamic_library_path": "/srv/evil:$libdir"}, applied=True),
    Row("a provider of JIT", {"jit_provider": "evil"}, {RUNS}),
    Row("Perl for a role", {"postgres": {"settings": {"plperl.on_plperl_init": "x"}}}, {RUNS}, section="roles"),
    Row("a judge of tokens", {"oauth_validator_libraries": "evil"}, {RUNS}, ">= 18"),
]  # fmt: skip

DATA = [
    Row("no triggers", {"session_replication_role": "replica"}, {UNSAFE}, applied=True),
    Row("no triggers for a role", {"postgres": {"settings": {"session_replication_role": "replica"}}}, {UNSAFE},
        section="roles"),
    Row("triggers for a role", {"postgres": {"settings": {"session_replication_role": "origin"}}}, set(),
        section="roles", applied=True),
    Row("no fsync", {"fsync": "off"}, {UNSAFE}, there={"fsync": "on"}, applied=True),
    Row("fsync again", {"fsync": "on"}, set(), applied=True),
    Row("half pages", {"full_page_writes": "off"}, {UNSAFE}, applied=True),
    Row("zeroed pages", {"zero_damaged_pages": "on"}, {UNSAFE}, applied=True),
    Row("damaged pages", {"ignore_checksum_failure": "on"}, {UNSAFE}, applied=True),
    Row("no indexes of the catalogue", {"ignore_system_indexes": "on"}, {UNSAFE}),
    Row("catalogues by hand", {"allow_system_table_mods": "on"}, {UNSAFE}, applied=True),
    Row("commits that wait for nothing", {"synchronous_commit": "off"}, {UNSAFE}, applied=True),
    Row("commits of a role that wait for nothing", {"postgres": {"settings": {"synchronous_commit": "off"}}}, {UNSAFE},
        section="roles"),
    Row("commits that wait for less", {"synchronous_commit": "remote_write"}, {UNSAFE}, applied=True),
    Row("commits that wait for more", {"synchronous_commit": "remote_apply"}, set(), applied=True),
    Row("writes that fail in silence", {"data_sync_retry": "on"}, {UNSAFE}),
    Row("the least WAL", {"wal_level": "minimal", "max_wal_senders": "0"}, {UNSAFE}),
    Row("slots that are lost", {"max_slot_wal_keep_size": "1MB"}, {UNSAFE}, applied=True),
    Row("slots that are kept", {"max_slot_wal_keep_size": "-1"}, set(), there={"max_slot_wal_keep_size": "1MB"}),
    Row("no vacuum", {"autovacuum": "off"}, {UNSAFE}, there={"autovacuum": "on"}, applied=True),
    Row("no counters", {"track_counts": "off"}, {UNSAFE}, applied=True),
    Row("searches that leave out", {"gin_fuzzy_search_limit": "10"}, {UNSAFE}, applied=True),
    Row("transactions near their end", {"autovacuum_freeze_max_age": "2000000000"}, {UNSAFE}),
    Row("vacuum without an end", {"autovacuum_freeze_max_age": "100000"}, {STOPS}),
    Row("rows that stay dead", {"autovacuum_vacuum_threshold": "2147483647"}, {UNSAFE}, applied=True),
    Row("rows that stay dead longer", {"autovacuum_vacuum_threshold": "1000"}, set(), applied=True),
    Row("rows that stay dead, by their share", {"autovacuum_vacuum_scale_factor": "100"}, {UNSAFE}, applied=True),
    Row("fewer dead rows", {"autovacuum_vacuum_scale_factor": "0.02"}, set(), applied=True),
    Row("rows that are never frozen", {"autovacuum_vacuum_insert_threshold": "2147483647"}, {UNSAFE}, applied=True),
    Row("statistics of long ago", {"autovacuum_analyze_threshold": "2147483647"}, {UNSAFE}, applied=True),
    Row("statistics of long ago, by their share", {"autovacuum_analyze_scale_factor": "100"}, {UNSAFE}, applied=True),
    Row("vacuum that sleeps", {"autovacuum_vacuum_cost_delay": "100ms"}, {UNSAFE}, applied=True),
    Row("vacuum that works", {"autovacuum_vacuum_cost_delay": "0"}, set(), applied=True),
    Row("vacuum of one page", {"autovacuum_vacuum_cost_limit": "1"}, {UNSAFE}, applied=True),
    Row("vacuum of many pages", {"autovacuum_vacuum_cost_limit": "2000"}, set(), applied=True),
    Row("VACUUM by hand that sleeps", {"vacuum_cost_delay": "100ms", "vacuum_cost_limit": "1"}, {UNSAFE}, applied=True),
    Row("VACUUM that does not sleep long", {"vacuum_cost_delay": "10ms"}, set(), applied=True),
    Row("pages that cost all", {"vacuum_cost_page_dirty": "10000", "vacuum_cost_page_miss": "10000",
        "vacuum_cost_page_hit": "10000"}, {UNSAFE}, applied=True),
    Row("autovacuum that looks in once a month", {"autovacuum_naptime": "2147483"}, {UNSAFE}, applied=True),
    Row("transactions of long ago", {"vacuum_defer_cleanup_age": "1000000"}, {UNSAFE}, "< 16", applied=True),
    Row("commits that are lost", {"wal_writer_delay": "10s"}, {UNSAFE}, applied=True),
    Row("other dates", {"datestyle": "ISO, YMD"}, {UNSAFE}, applied=True),
    Row("other dates of a role", {"postgres": {"settings": {"datestyle": "German"}}}, {UNSAFE}, section="roles"),
    Row("other intervals", {"intervalstyle": "sql_standard"}, {UNSAFE}, applied=True),
    Row("another zone", {"timezone": "Pacific/Apia"}, {UNSAFE}, applied=True),
    Row("the same zone", {"timezone": "UTC"}, set(), there={"timezone": "Etc/UTC"}, applied=True),
    Row("other zones by their abbreviations", {"timezone_abbreviations": "India"}, {UNSAFE}, applied=True),
    Row("fewer digits", {"extra_float_digits": "-15"}, {UNSAFE}, applied=True),
    Row("as many digits as before 12", {"extra_float_digits": "0"}, set(), applied=True),
    Row("other letters", {"client_encoding": "LATIN1"}, {UNSAFE}, applied=True),
    Row("other amounts", {"lc_monetary": "C.UTF-8"}, {UNSAFE}, there={"lc_monetary": "C"}),
    Row("other words", {"default_text_search_config": "pg_catalog.french"}, {UNSAFE}, applied=True),
]  # fmt: skip

PEOPLE = [
    Row("the whole network", {"listen_addresses": "*"}, {UNSAFE}),
    Row("the whole network by IPv4", {"listen_addresses": "0.0.0.0"}, {UNSAFE}),  # noqa: S104
    Row("the whole network by an empty name", {"listen_addresses": '""'}, {UNSAFE}),
    Row("another network", {"listen_addresses": "127.0.0.1, 192.0.2.7"}, {UNSAFE}),
    Row("nobody", {"listen_addresses": ""}, "came in at 127.0.0.1"),
    Row("other doors", {"port": "15999"}, "change the target's URL"),
    Row("other rules", {"hba_file": "/srv/hba"}, "who may come in"),
    Row("other names", {"ident_file": "/srv/ident"}, "who may come in"),
    Row("suites without authentication", {"ssl_ciphers": "HIGH:aNULL"}, {UNSAFE}),
    Row("suites without encryption", {"ssl_ciphers": "HIGH:!aNULL:eNULL"}, {UNSAFE}),
    Row("suites of long ago", {"ssl_ciphers": "HIGH:!aNULL:LOW"}, {UNSAFE}),
    Row("sound suites", {"ssl_ciphers": "HIGH:!aNULL"}, set()),
    Row("TLS of long ago", {"ssl_min_protocol_version": "TLSv1"}, {UNSAFE}, applied=True),
    Row("passwords by MD5", {"password_encryption": "md5"}, {UNSAFE}, applied=True,
        there={"password_encryption": "scram-sha-256"}),
    Row("passwords that are guessed", {"scram_iterations": "1"}, {UNSAFE}, ">= 16", applied=True),
    Row("names in any case", {"krb_caseins_users": "on"}, {UNSAFE}, applied=True),
    Row("roles for whoever makes them", {"createrole_self_grant": "set, inherit"}, {UNSAFE}, ">= 16", applied=True),
    Row("no event triggers", {"event_triggers": "off"}, {UNSAFE}, ">= 17", applied=True),
    Row("objects for everybody", {"lo_compat_privileges": "on"}, {UNSAFE}, applied=True),
    Row("another schema first", {"postgres": {"settings": {"search_path": "evil, pg_catalog"}}}, {UNSAFE},
        section="databases"),
    Row("another schema first, for a role", {"postgres": {"settings": {"search_path": ["evil", "public"]}}}, {UNSAFE},
        section="roles"),
    Row("no schema", {"postgres": {"settings": {"search_path": []}}}, set(), section="roles", applied=True),
    Row("quotes that escape", {"standard_conforming_strings": "off"}, {UNSAFE}, applied=True),
    Row("quotes that are escaped", {"backslash_quote": "on"}, {UNSAFE}, applied=True),
    Row("no row security", {"row_security": "off"}, {UNSAFE}, applied=True),
    Row("functions unseen", {"check_function_bodies": "off"}, {UNSAFE}, applied=True),
    Row("a setting of a library to come", {"shared_preload_libraries": {"include": ["auto_explain"]},
        "nonsense.level": "x"}, {RUNS, UNSAFE}),
    Row("a setting that only programs know", {"postgres": {"settings": {"app.tenant": "7"}}}, {UNSAFE},
        section="roles", applied=True),
]  # fmt: skip

LOGS = [
    Row("all statements", {"log_statement": "all"}, {UNSAFE}, applied=True),
    Row("all statements, by their time", {"log_min_duration_statement": "0"}, {UNSAFE}, applied=True),
    Row("slow statements", {"log_min_duration_statement": "500ms"}, set(), applied=True),
    Row("trees of statements", {"debug_print_plan": "on"}, {UNSAFE}, applied=True),
    Row("a log for everybody", {"log_file_mode": "0644"}, {UNSAFE}, applied=True),
    Row("a log without errors", {"log_min_messages": "panic"}, {UNSAFE}, applied=True),
    Row("statements that fail unseen", {"log_min_error_statement": "panic"}, {UNSAFE}, applied=True),
    Row("a log that does not say who", {"log_line_prefix": ""}, {UNSAFE}, there={"log_line_prefix": "%m %u "}),
    Row("a log that says more", {"log_line_prefix": "%m [%p] %u@%d %h "}, set(), applied=True),
    Row("a log of other times", {"log_timezone": "Pacific/Apia"}, {UNSAFE}, applied=True),
    Row(
        "a log that is overwritten",
        {"log_truncate_on_rotation": "on"},
        {UNSAFE},
        applied=True,
        there={"log_truncate_on_rotation": "off"},
    ),
    Row("sessions that nobody sees", {"track_activities": "off"}, {UNSAFE}, applied=True),
    Row(
        "plans of all statements",
        {"shared_preload_libraries": {"include": ["auto_explain"]}, "auto_explain.log_min_duration": "0"},
        {RUNS},
    ),
    Row("notes of developers", {"trace_sort": "on"}, {UNSAFE}, applied=True),
]

SERVICE = [
    Row("nobody writes", {"default_transaction_read_only": "on"}, {STOPS}, applied=True),
    Row("a role does not write", {"postgres": {"settings": {"default_transaction_read_only": "on"}}}, {STOPS},
        section="roles"),
    Row("everybody writes again", {"default_transaction_read_only": "default"}, set(),
        there={"default_transaction_read_only": "on"}, applied=True),
    Row("commits that wait for nobody", {"synchronous_standby_names": "nobody"}, {STOPS}, applied=True),
    Row("commits that wait for two of one", {"synchronous_standby_names": "ANY 2 (a, b)"}, {STOPS}, applied=True),
    Row("commits that would wait, and need not",
        {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}, {UNSAFE}, applied=True),
    Row("commits that wait already", {"synchronous_standby_names": "nobody, nowhere"}, set(),
        there={"synchronous_standby_names": "nobody"}, applied=True),
    Row("commits that wait from now on", {"synchronous_commit": "on"}, {STOPS}, applied=True,
        there={"synchronous_standby_names": "nobody", "synchronous_commit": "local"}),
    Row("no commits that wait", {"synchronous_standby_names": ""}, {UNSAFE}, applied=True,
        there={"synchronous_standby_names": "nobody"}),
    Row("no room", {"superuser_reserved_connections": "97"}, {STOPS}),
    Row("no room, told by two", {"superuser_reserved_connections": "50", "max_connections": "55"}, {STOPS}),
    Row("room, told by two", {"superuser_reserved_connections": "50", "max_connections": "200"}, set()),
    Row("no room, told by another", {"reserved_connections": "95"}, {STOPS}, ">= 16"),
    Row("nothing kept for superusers", {"superuser_reserved_connections": "0"}, {UNSAFE}),
    Row("as many reserved as there are", {"superuser_reserved_connections": "100"}, "must be less than"),
    Row("statements that end soon", {"statement_timeout": "200ms"}, {STOPS}, applied=True),
    Row("statements that end at some time", {"statement_timeout": "5min"}, set(), applied=True),
    Row("statements that end at once", {"statement_timeout": "1ms"}, "10ms at least"),
    Row("statements of a role that end soon", {"postgres": {"settings": {"statement_timeout": "200ms"}}}, {STOPS},
        section="roles"),
    Row("locks that nobody gets", {"lock_timeout": "20ms"}, {STOPS}, applied=True),
    Row("sessions that end soon", {"idle_session_timeout": "2s"}, {STOPS}, ">= 14", applied=True),
    Row("transactions that end soon", {"transaction_timeout": "500ms"}, {STOPS}, ">= 17", applied=True),
    Row("nothing to sort in", {"temp_file_limit": "1MB"}, {STOPS}, applied=True),
    Row("a stack for nothing", {"max_stack_depth": "100kB"}, {STOPS}, applied=True),
    Row("errors that end", {"exit_on_error": "on"}, {STOPS}, applied=True),
    Row("a server that stays down", {"restart_after_crash": "off"}, {STOPS}, applied=True),
    Row("logins that have to be fast", {"authentication_timeout": "1s"}, {STOPS}, applied=True),
    Row("logins that wait", {"pre_auth_delay": "2s"}, {STOPS}),
    Row("logins that never end", {"authentication_timeout": "10min"}, {UNSAFE}, applied=True),
    Row("more memory than there is", {"work_mem": "1TB"}, {STOPS}, applied=True),
    Row("as much memory as is ordinary", {"work_mem": "64MB"}, set(), applied=True),
    Row("more memory than there is, told by two", {"work_mem": "2GB", "hash_mem_multiplier": "1000"}, {STOPS}),
    Row("more memory for a role", {"postgres": {"settings": {"work_mem": "1TB"}}}, {STOPS}, section="roles"),
    Row("some memory for a role", {"postgres": {"settings": {"work_mem": "1GB"}}}, set(), section="roles"),
    Row("more memory for builds", {"maintenance_work_mem": "1TB"}, {STOPS}, applied=True),
    Row("more memory for all workers", {"autovacuum_work_mem": "1GB", "autovacuum_max_workers": "100"}, {STOPS},
        "< 18"),
    Row("memory for builds", {"maintenance_work_mem": "2GB"}, set(), applied=True),
    Row("more memory for temporary tables", {"temp_buffers": "1TB"}, {STOPS}, applied=True),
    Row("more memory to decode", {"logical_decoding_work_mem": "1TB"}, {STOPS}, applied=True),
    Row("no memory", {"work_mem": "64kB"}, {STOPS}, applied=True),
    Row("no memory for pages", {"shared_buffers": "128kB"}, {STOPS}),
    Row("the disk full of WAL", {"max_wal_size": "2000TB"}, {STOPS}, applied=True),
    Row("much WAL", {"max_wal_size": "64GB", "min_wal_size": "2GB"}, set(), applied=True),
    Row("the disk full of old WAL", {"wal_keep_size": "2000TB"}, {STOPS}, applied=True),
    Row("a start that takes a day", {"checkpoint_timeout": "1d"}, {STOPS}, applied=True),
    Row("checkpoints twice an hour", {"checkpoint_timeout": "30min"}, set(), applied=True),
    Row("commits that wait for others", {"commit_delay": "100000"}, {STOPS}, applied=True),
    Row("waits that all wait for", {"deadlock_timeout": "1ms"}, {STOPS}, applied=True),
    Row("connections that a late packet ends", {"tcp_keepalives_count": "1"}, {STOPS}, applied=True),
    Row("clients that are never missed", {"tcp_keepalives_idle": "2147483647"}, {UNSAFE}, applied=True),
    Row("clients that are missed", {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "6"}, set(), applied=True),
    Row("looks at clients all the time", {"client_connection_check_interval": "1ms"}, {STOPS}, ">= 14", applied=True),
    Row("looks at clients", {"client_connection_check_interval": "10s"}, set(), ">= 14", applied=True),
    Row("a standby that does not come back", {"wal_retrieve_retry_interval": "1h"}, {STOPS}, applied=True),
    Row("no index", {"enable_indexscan": "off"}, {STOPS}, applied=True),
    Row("plans of another world", {"random_page_cost": "1e9"}, {STOPS}, applied=True),
    Row("plans for solid disks", {"random_page_cost": "1.1", "effective_cache_size": "12GB"}, set(), applied=True),
    Row("plans that take for ever", {"join_collapse_limit": "1000", "geqo_threshold": "1000"}, {STOPS}, applied=True),
    Row("plans made of nothing", {"default_statistics_target": "1"}, {STOPS}, applied=True),
    Row("plans made of more", {"default_statistics_target": "500"}, set(), applied=True),
    Row("statements that are all compiled", {"jit_above_cost": "0"}, {STOPS}, applied=True),
    Row("no ALTER SYSTEM", {"allow_alter_system": "off"}, "ALTER SYSTEM does not take it", ">= 17"),
]  # fmt: skip

SESSIONS = [
    Row(
        "to be another role", {"postgres": {"settings": {"role": "postgres"}}}, {UNSAFE}, section="roles", applied=True
    ),
    Row("to be another user", {"session_authorization": "postgres"}, "cannot be declared"),
]

ROWS = [*PROGRAMS, *DATA, *PEOPLE, *LOGS, *SERVICE, *SESSIONS]


@pytest.fixture(scope="module")
def own(postgres: PostgresServer, folder: Path) -> Iterator[OwnServer]:
    """Of the version of `postgres`, with all settings in its files."""
    server = OwnServer(folder, postgres_binaries()[version_of(postgres.binaries / "postgres")])
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture
def server(own: OwnServer) -> Iterator[psycopg.Connection]:
    """A superuser's connection whose commits wait for nobody; afterwards nothing that was set is left."""
    options = (
        "-c synchronous_commit=local -c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0"
    )
    with psycopg.connect(own.url(), autocommit=True, options=options) as connection:
        yield connection
        connection.execute("alter system reset all")
        connection.execute("alter role postgres reset all")
        connection.execute("alter database postgres reset all")
        reload(connection)


def resources(target: Target, row: Row) -> list[Resource]:
    value = TypeAdapter(KIND.sections[row.section]).validate_python(row.declared)
    return list(KIND.declare(Declaration(target, row.section, value, "x.yaml", lambda path: "x.yaml:1:1")))


def written(connection: psycopg.Connection) -> list[tuple]:
    """All that is set for the instance, for databases and for roles."""
    files = connection.execute("select name, setting from pg_file_settings order by seqno").fetchall()
    return files + connection.execute("select setdatabase, setrole, setconfig from pg_db_role_setting").fetchall()


@pytest.mark.matrix
@pytest.mark.parametrize("row", ROWS, ids=[row.reason for row in ROWS])
def test_what_is_dangerous_is_allowed_by_name_or_not_done(row, server, own):
    if not SpecifierSet(row.pg).contains(server.info.parameter_status("server_version").split(" ")[0]):
        pytest.skip(f"of PostgreSQL {row.pg}")
    for name, value in row.there.items():
        server.execute(f"alter system set {name} = '{value}'")
    reload(server)
    target = PostgresTarget(name="main", url=own.url(), memory=16 << 30)
    plan = plan_for(target, resources(target, row))
    hazards = [hazard for change in plan.changes for step in change.steps for hazard in step.hazards]
    if isinstance(row.wanted, str):
        assert plan.is_empty
        assert [note.type for note in plan.notices] == [NoticeType.BLOCKED]
        assert row.wanted in plan.notices[0].message
        return
    assert {hazard.type for hazard in hazards} & NEEDS_PERMISSION == row.wanted, hazards
    assert plan.changes or row.there, plan.notices
    if row.wanted:
        before = written(server)
        with pytest.raises(HazardNotAllowed):
            apply(plan, target)
        assert written(server) == before
    if row.applied:
        assert apply(plan, target, allowed=row.wanted).succeeded
        assert plan_for(target, resources(target, row)).is_empty
