"""Settings that wait for a restart, on servers of the test's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from clusters.ports import lasting_port
from fix_servers import POSTGRES_SETTINGS, postgres_binaries
from live import changes, outcomes, run
from pg_setting.setting_cases import declared, reload, settings

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting import KIND
from reconciler.model import HazardType, Notice, NoticeType, PostgresTarget, Target

_numbers = itertools.count()


@pytest.fixture(params=list(postgres_binaries()))
def server(request, folder) -> Iterator[PostgresServer]:
    made = PostgresServer(
        folder / f"pg-restart-{next(_numbers)}", postgres_binaries()[request.param], POSTGRES_SETTINGS
    )
    made.port = lasting_port()
    made.start()
    yield made
    made.stop("immediate")


@pytest.fixture
def target(server) -> Target:
    return PostgresTarget(name="main", url=server.url(), memory=1 << 30)


def moved(server: PostgresServer, target: Target) -> Target:
    """The target after a restart, which may have taken another port."""
    server.restart()
    return PostgresTarget(name="main", url=server.url(), memory=target.memory)


def execute(server: PostgresServer, *statements: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_value_waits_for_the_restart_and_is_in_sync_after_it(server, target):
    resources = settings(
        {
            "shared_buffers": "5% of memory",
            "max_connections": {"at_least": "50", "at_most": "60", "otherwise": "55"},
            "shared_preload_libraries": {"include": ["auto_explain"]},
            "wal_buffers": "2",
            "auto_explain.log_min_duration": "1s",
        }
    )
    found = changes(KIND, target, resources)
    assert [change.address.name for change in found] == [
        "shared_buffers", "max_connections", "shared_preload_libraries", "wal_buffers",
    ]  # fmt: skip
    for change in found:
        assert HazardType.WAITS_FOR_RESTART in {hazard.type for hazard in change.steps[0].hazards}
        assert "waits for a restart" in change.notes
    assert found[0].steps[0].statements == ("alter system set shared_buffers = '52424kB'",)
    assert found[2].steps[0].statements == (
        "alter system set shared_preload_libraries = 'pg_stat_statements', 'auto_explain'",
    )
    run(target, found)

    waiting = outcomes(KIND, target, resources)
    assert [(type(notice), notice.type) for notice in waiting] == [(Notice, NoticeType.WAITS_FOR_RESTART)] * 5
    assert waiting[0].message.startswith("waits for a restart: 52424kB is in postgresql.auto.conf, 128MB runs")
    assert "unknown until auto_explain is loaded" in waiting[4].message

    target = moved(server, target)
    [last] = changes(KIND, target, resources)
    assert last.address.name == "auto_explain.log_min_duration"
    run(target, [last])
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("load 'auto_explain'")
    target = moved(server, target)
    assert outcomes(KIND, target, resources) == []


def test_a_list_survives_a_restart_however_it_is_written(server, target):
    for value in ("pg_stat_statements,auto_explain", ["auto_explain", "pg_stat_statements"], '"auto_explain"'):
        resources = settings({"shared_preload_libraries": value})
        run(target, changes(KIND, target, resources))
        target = moved(server, target)
        assert outcomes(KIND, target, resources) == []


def test_a_derived_default_is_in_sync(server, target):
    resources = settings({"wal_buffers": "-1"})
    assert outcomes(KIND, target, resources) == []
    run(target, changes(KIND, target, settings({"wal_buffers": "1MB"})))
    assert [change.summary for change in changes(KIND, target, resources)] == ["1MB → -1"]
    target = moved(server, target)
    run(target, changes(KIND, target, resources))
    [notice] = outcomes(KIND, target, resources)
    assert notice.type is NoticeType.WAITS_FOR_RESTART
    target = moved(server, target)
    assert outcomes(KIND, target, resources) == []


def test_a_pending_value_taken_back_is_no_longer_pending(server, target):
    run(target, changes(KIND, target, settings({"max_connections": "77"})))
    [change] = changes(KIND, target, settings({"max_connections": "default"}))
    assert change.steps[0].statements == ("alter system reset max_connections",)
    assert change.steps[0].hazards == ()
    run(target, [change])
    assert outcomes(KIND, target, settings({"max_connections": "default"})) == []
    assert outcomes(KIND, target, settings({"max_connections": "100"})) == []


def test_an_addition_to_a_list_keeps_what_is_pending(server, target):
    run(target, changes(KIND, target, settings({"shared_preload_libraries": {"include": ["auto_explain"]}})))
    [change] = changes(KIND, target, settings({"shared_preload_libraries": {"include": ["pg_prewarm"]}}))
    assert change.steps[0].statements == (
        "alter system set shared_preload_libraries = 'pg_stat_statements', 'auto_explain', 'pg_prewarm'",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense_name = 3", "unrecognized configuration parameter"),
        ("= =", "syntax error"),
        ("include 'nowhere.conf'", "could not open file"),
    ],
)
def test_a_line_for_which_the_server_ignores_all_files_blocks_changes(server, target, line, reason):
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write(line + "\n")
    [notice] = outcomes(KIND, target, settings({"work_mem": "16MB"}))
    assert notice.type is NoticeType.BLOCKED
    assert "postgresql.conf:" in notice.message
    assert reason in notice.message
    assert outcomes(KIND, target, settings({"work_mem": "4MB"})) == []


def test_a_configuration_file_that_is_gone_blocks_changes(server, target):
    conf = server.data / "postgresql.conf"
    kept = conf.rename(server.data / "kept.conf")
    [notice] = outcomes(KIND, target, settings({"work_mem": "16MB"}))
    kept.rename(conf)
    assert notice.type is NoticeType.BLOCKED
    assert "postgresql.conf: could not open" in notice.message
    resources = settings({"work_mem": "16MB"})
    run(target, changes(KIND, target, resources))
    assert changes(KIND, target, resources) == []


def test_a_line_that_was_taken_out_and_waits_for_a_restart_blocks_nothing(server, target):
    conf = server.data / "postgresql.conf"
    before = conf.read_text()
    conf.write_text(before + "max_worker_processes = 20\n")
    server.restart()
    conf.write_text(before)
    resources = settings({"work_mem": "16MB"})
    run(target, changes(KIND, target, resources))
    assert outcomes(KIND, target, resources) == []
    [notice] = outcomes(KIND, target, settings({"max_worker_processes": "default"}))
    assert notice.type is NoticeType.WAITS_FOR_RESTART


def test_a_restart_setting_that_alter_system_gave_is_reset(server, target):
    run(target, changes(KIND, target, settings({"max_worker_processes": "20"})))
    server.restart()
    resources = settings({"max_worker_processes": "default"})
    run(target, changes(KIND, target, resources))
    [notice] = outcomes(KIND, target, resources)
    assert notice.type is NoticeType.WAITS_FOR_RESTART
    server.restart()
    assert outcomes(KIND, target, resources) == []


def test_a_bad_value_elsewhere_blocks_nothing(server, target):
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("maintenance_work_mem = lots\nmax_connections = 77\n")
    resources = settings({"work_mem": "16MB"})
    run(target, changes(KIND, target, resources))
    assert changes(KIND, target, resources) == []


def test_what_the_command_line_says_is_not_changed_behind_it(server, target):
    execute(server, "alter system set port = 5555")
    [notice] = outcomes(KIND, target, settings({"port": "5555"}))
    assert notice.type is NoticeType.BLOCKED
    assert "command line" in notice.message
    assert outcomes(KIND, target, settings({"port": str(server.port)})) == []


@pytest.mark.pg(">= 17")
def test_a_server_that_forbids_alter_system_says_so(postgres, pg_target, clean):
    conf = postgres.data / "postgresql.conf"
    before = conf.read_text()
    try:
        conf.write_text(before + "allow_alter_system = off\n")
        reload(clean)
        [notice] = outcomes(KIND, pg_target, settings({"work_mem": "16MB"}))
        assert notice.type is NoticeType.BLOCKED
        assert "allow_alter_system is off" in notice.message
    finally:
        conf.write_text(before)
        reload(clean)


def test_a_standby_has_settings_of_its_own_but_no_roles_of_its_own(server, target):
    (server.data / "standby.signal").touch()
    target = moved(server, target)
    resources = settings({"work_mem": "16MB"})
    run(target, changes(KIND, target, resources))
    assert changes(KIND, target, resources) == []
    [notice] = outcomes(KIND, target, declared("roles", {"postgres": {"settings": {"work_mem": "16MB"}}}))
    assert notice.type is NoticeType.BLOCKED
    assert "this server is a standby" in notice.message
