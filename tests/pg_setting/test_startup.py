"""No declaration keeps a server from starting: whatever is planned is applied, and the server restarted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_servers import _numbers, postgres_binaries, version_of
from live import changes, converge, outcomes, run
from packaging.specifiers import SpecifierSet
from pg_setting.own_server import OwnServer, certificate, has_tls
from pg_setting.setting_cases import declared, settings
from pg_setting.startup_cases import CASES, TLS_CASES, Case

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_process import ServerFailed
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.observing.libraries import missing
from reconciler.model import NoticeType, PostgresTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = next((name for name in ("case", "tls_case") if name in metafunc.fixturenames), "")
    if not name:
        return
    found = sorted(postgres_binaries(), key=lambda version: int(version.split(".")[0]))
    if name == "tls_case":
        found = [version for version in found if has_tls(postgres_binaries()[version])]
    fitting = [
        pytest.param(version, case, id=f"{version}-{case.reason}")
        for version in found
        for case in (TLS_CASES if name == "tls_case" else CASES)
        if SpecifierSet(case.pg).contains(version)
    ]
    metafunc.parametrize(("own", name), fitting, indirect=["own"], scope="module")


@pytest.fixture(scope="module")
def own(request: pytest.FixtureRequest, folder: Path) -> Iterator[OwnServer]:
    """One for all cases of a version; each leaves it running, with nothing of ALTER SYSTEM's."""
    server = OwnServer(folder, postgres_binaries()[request.param])
    server.start()
    yield server
    server.stop("immediate")


def target(server: PostgresServer, memory: int | None = None) -> Target:
    return PostgresTarget(name="main", url=server.url(), memory=memory)


def filled(server: PostgresServer, value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("{folder}", str(server.folder)).replace("{port}", str(server.port))
    return [filled(server, item) for item in value] if isinstance(value, list) else value


def binaries_of(postgres: PostgresServer) -> Path:
    return postgres_binaries()[version_of(postgres.binaries / "postgres")]


def by_hand(server: OwnServer, values: dict[str, Any]) -> None:
    statements = []
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            items = value["include"]
        literals = ", ".join("'{}'".format(filled(server, item).replace("'", "''")) for item in items)
        reset = value == "default"
        statements.append(f"alter system reset {name}" if reset else f"alter system set {name} = {literals}")
    server.execute(*statements)


def check(server: OwnServer, case: Case) -> None:
    by_hand(server, case.there)
    there = server.auto
    if there:
        server.restart("fast")
    try:
        server.execute(*case.before)
        wanted = settings({name: filled(server, value) for name, value in case.declared.items()})
        where = target(server, case.memory)
        found = outcomes(KIND, where, wanted)
        blocked = [notice.message for notice in found if getattr(notice, "type", "") is NoticeType.BLOCKED]
        if case.refused:
            assert [message for message in blocked if filled(server, case.refused) in message], found
        else:
            assert blocked == []
        planned = changes(KIND, where, wanted)
        run(where, planned)
        if planned:
            server.restart("fast")
            assert changes(KIND, where, wanted) == []
        if case.refused and case.fails:
            by_hand(server, case.declared)
            with pytest.raises(ServerFailed):
                server.restart("immediate")
    finally:
        server.mend(there)
        server.execute(*case.after)
        server.mend()


@pytest.mark.thorough
def test_whatever_is_declared_the_server_starts_again(own: OwnServer, case: Case):
    check(own, case)


def test_whatever_is_declared_of_tls_the_server_starts_again(own: OwnServer, tls_case: Case):
    certificate(own)
    check(own, tls_case)


BY_SOCKET = [
    Case("no address", {"listen_addresses": ""}),
    Case("an address that is there", {"listen_addresses": "127.0.0.1, 192.0.2.1"}),
    Case("an address of somebody else", {"listen_addresses": "192.0.2.1"}, "add localhost"),
    Case("an empty name, which is everywhere", {"listen_addresses": '""'}),
    Case("other sockets", {"unix_socket_directories": "pg_stat"}, "keep {folder}", fails=False),
    Case("sockets for nobody", {"unix_socket_permissions": "0444"}, "nobody could come in", fails=False),
    Case("sockets for some", {"unix_socket_permissions": "0770"}),
]


@pytest.mark.parametrize("socket_case", BY_SOCKET, ids=[case.reason for case in BY_SOCKET])
def test_a_session_by_a_socket_keeps_its_way_in(one: OwnServer, socket_case: Case, monkeypatch):
    monkeypatch.setattr(one, "url", lambda: f"postgresql://postgres@/postgres?host={one.folder}&port={one.port}")
    check(one, socket_case)


@pytest.fixture(scope="module")
def one(postgres: PostgresServer, folder: Path) -> Iterator[OwnServer]:
    """One of the version of `postgres`."""
    server = OwnServer(folder, binaries_of(postgres))
    server.start()
    yield server
    server.stop("immediate")


TOGETHER = [
    {"superuser_reserved_connections": "2", "max_connections": "9"},
    {"max_connections": "9", "superuser_reserved_connections": "2"},
    {"wal_level": "minimal", "max_wal_senders": "0"},
    {"max_wal_size": "32MB", "min_wal_size": "32MB"},
    {"logging_collector": "on", "log_directory": "log"},
]


@pytest.mark.parametrize("together", TOGETHER, ids=" and ".join)
def test_what_goes_together_is_planned_together_and_the_server_starts(one, together):
    by_hand(one, {"superuser_reserved_connections": "9", "log_directory": "/nonexistent/a"})
    one.restart()
    try:
        for change in changes(KIND, target(one), settings(together)):
            resource = KIND.resource.model_validate(dict(change.desired))
            alone = [each for each in KIND.plan(resource, _seen(one, resource)) if each.address == change.address]
            assert alone == [change], "apply looks at one resource at a time, and has to come to the same"
        converge(KIND, target(one), settings(together))
        one.restart()
    finally:
        one.mend()


def _seen(server: PostgresServer, resource):
    with closing(connect(target(server), Secrets({}))) as session:
        return KIND.observe(session, [resource])[resource.address]


def test_a_value_of_the_command_line_is_what_others_are_held_against(postgres, folder):
    """max_wal_senders cannot be changed beside, so that wal_level cannot either."""
    server = PostgresServer(folder / f"with-options-{next(_numbers)}", binaries_of(postgres))
    server.start()
    try:
        server.stop()
        with (server.data / "postmaster.opts").open() as options:
            assert "-p" in options.read()
        run_with = server._run(
            "pg_ctl", "-D", server.data, "-w", "-l", server._log,
            "-o", f"-h 127.0.0.1 -p {server.port} -k '' -c max_wal_senders=3", "start",
        )  # fmt: skip
        assert run_with.returncode == 0
        found = outcomes(KIND, target(server), settings({"wal_level": "minimal", "max_wal_senders": "0"}))
        assert [notice.type for notice in found] == [NoticeType.BLOCKED] * 2
    finally:
        server.stop("immediate")


@pytest.mark.pg(">= 15")  # before, only a superuser may set, who sees the machine
def test_without_any_knowledge_of_memory_it_has_to_be_declared(postgres, one):
    """A role that may set, and may not look."""
    one.execute(
        "create role tuner login", "grant pg_monitor to tuner",
        "grant alter system on parameter shared_buffers, max_connections to tuner",
        "grant execute on function pg_catalog.pg_reload_conf() to tuner",
    )  # fmt: skip
    where = PostgresTarget(name="main", url=one.url().replace("postgres@", "tuner@"))
    [notice] = outcomes(KIND, where, settings({"shared_buffers": "8GB"}))
    assert notice.type is NoticeType.BLOCKED
    assert "declare memory in the target" in notice.message
    assert changes(KIND, where, settings({"shared_buffers": "256MB"})) != []
    assert changes(KIND, where, settings({"max_connections": "90"})) != []
    assert changes(KIND, where.model_copy(update={"memory": 16 << 30}), settings({"shared_buffers": "8GB"})) != []


@pytest.mark.pg(">= 15")
def test_what_a_role_could_not_look_at_is_said(postgres, one):
    names = ("log_directory", "logging_collector", "huge_pages", "shared_preload_libraries", "unix_socket_group")
    one.execute(
        "create role writer login", "grant pg_monitor to writer",
        f"grant alter system on parameter {', '.join(names)} to writer",
        "grant execute on function pg_catalog.pg_reload_conf() to writer",
    )  # fmt: skip
    where = PostgresTarget(name="main", url=one.url().replace("postgres@", "writer@"), memory=1 << 40)
    wanted = {"logging_collector": "on", "huge_pages": "on", "shared_preload_libraries": "x", "unix_socket_group": "x"}
    found = changes(KIND, where, settings(wanted))
    assert len(found) == len(wanted)
    for change in found:
        assert [note for note in change.notes if "could not be seen" in note], change
    one.execute(
        "grant pg_read_server_files to writer",
        "grant execute on function pg_read_file(text, bigint, bigint, boolean) to writer",
        "grant execute on function pg_read_binary_file(text, bigint, bigint, boolean) to writer",
        "grant execute on function pg_stat_file(text, boolean) to writer",
    )
    left = changes(KIND, where, settings(wanted))
    assert [change.address.name for change in left] == ["logging_collector", "shared_preload_libraries"]
    assert [note for note in left[0].notes if "could not be seen" in note] == []


@pytest.mark.matrix
def test_a_standby_keeps_what_its_primary_has(postgres, folder):
    """The primary's values are read from the standby's own pg_control."""
    server = OwnServer(folder, binaries_of(postgres))
    server.start()
    try:
        by_hand(server, {"max_connections": "80"})
        server.restart()  # the primary that it is: 80 is in its pg_control
        (server.data / "standby.signal").touch()
        by_hand(server, {"max_connections": "100"})
        server.restart()
        where = target(server)
        [notice] = outcomes(KIND, where, settings({"max_connections": "79"}))
        assert "its primary, which has max_connections 80" in notice.message
        [notice] = outcomes(KIND, where, settings({"hot_standby": "off"}))
        assert "would let nobody in" in notice.message
        wanted = settings({"max_connections": "80", "max_worker_processes": "9"})
        run(where, changes(KIND, where, wanted))
        server.restart()
        assert outcomes(KIND, where, wanted) == []
        by_hand(server, {"max_connections": "79"})
        with pytest.raises(ServerFailed):
            server.restart()
    finally:
        server.stop("immediate")


@pytest.mark.thorough
def test_of_all_libraries_those_are_refused_that_cannot_be_loaded(one):
    """All that the server comes with, but for a hundred of one make that convert encodings."""
    with psycopg.connect(one.url(), autocommit=True) as connection:
        query = "select file from pg_config, pg_ls_dir(setting) as file where name = 'PKGLIBDIR' and file !~ '_and_'"
        files = [file for (file,) in connection.execute(query).fetchall()]
    with closing(connect(target(one), Secrets({}))) as session:
        reasons = {file: missing(session, "shared_preload_libraries", [file], "$libdir") for file in files}
    refused = {file for file, reason in reasons.items() if reason}
    cannot = set()
    for file in files:
        by_hand(one, {"shared_preload_libraries": file})
        try:
            one.restart("immediate")
        except ServerFailed:
            cannot.add(file)
        (one.data / "postgresql.auto.conf").write_text("")
        if file in cannot:
            one.start()
    one.restart("immediate")
    assert len(files) > 30
    assert refused == cannot
    # Which of them come with a build, and whether Perl is there for the first, is the machine's affair.
    for file, reason in (("plperl.so", "it needs libperl"), ("libpq.so", "is no module of PostgreSQL")):
        assert file not in cannot or reason in reasons[file][0]


SCOPED = [
    ({"transaction_timeout": "1"}, "100ms at least", ">= 17"),
    ({"statement_timeout": "1ms"}, "10ms at least", ">= 13"),
    ({"session_preload_libraries": "nonsense"}, "nonsense", ">= 13"),
    ({"session_preload_libraries": "auto_explain,libpq"}, "libpq", ">= 13"),
    ({"local_preload_libraries": "auto_explain"}, "auto_explain", ">= 13"),
]


@pytest.mark.parametrize("section", ["roles", "databases"])
def test_no_session_of_a_role_or_a_database_is_kept_from_beginning(one, section):
    for values, message, versions in SCOPED:
        if not SpecifierSet(versions).contains(version_of(one.binaries / "postgres")):
            continue
        [notice] = outcomes(KIND, target(one), declared(section, {"postgres": {"settings": values}}))
        assert notice.type is NoticeType.BLOCKED
        assert message in notice.message
