"""What is set on a server, written down as YAML of which a plan is empty, with where each value comes from."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from importing import imported, planned, sections, values
from live import run
from pg_setting.releases import may_have_its_own
from pg_setting.setting_cases import definitions, reload
from psycopg import sql as compose

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observing.hidden_from_role import unlisted
from reconciler.kinds.pg_setting.values.unmanaged import UNMANAGED
from reconciler.kinds.pg_setting.yaml_comments import may_be_secret
from reconciler.model import NoticeType, PostgresTarget, Target
from reconciler.targets.connect import connect

SECRET = "hunter2-planted"

ODD = {
    "work_mem": ["64MB"],
    "search_path": ["$user", "a b", "c,d", 'q"uoted', "Upper"],
    "log_line_prefix": ["%m # [%p] 'x' ${HOME} \\ \" : {a} "],
    "vacuum_cost_delay": ["0.5ms"],
    "random_page_cost": ["1.1"],
    "log_destination": ["stderr, csvlog"],
    "DateStyle": ["SQL, DMY"],
    "statement_timeout": ["90s"],
    "log_rotation_age": ["0"],
    "log_rotation_size": ["0"],
    "log_file_mode": ["0640"],
    "bytea_output": ["Escape"],
    "application_name": ["null"],
    "TimeZone": ["utc"],
    "log_timezone": ["europe/berlin"],
    "synchronous_commit": ["local"],
    "log_statement": ["ddl"],
    "autovacuum": ["0"],
    "max_wal_size": ["3GB"],
    "checkpoint_completion_target": ["0.75"],
    "log_autovacuum_min_duration": ["0"],
    "cluster_name": ["it's # ours"],
    "max_connections": ["200"],
    "shared_preload_libraries": ["pg_stat_statements"],
    "track_activity_query_size": ["2kB"],
    "wal_buffers": ["16MB"],
}
ROLE = """ "odd role: [x], 'y' #" """.strip()
DATABASE = """ "odd db #: {y} ""z"" " """.strip()
MADE = [f"create role {ROLE} login", 'create role "null"', f"create database {DATABASE}"]
SCOPES = [
    f"alter role {ROLE} set work_mem = '7MB'",
    f"alter role {ROLE} set search_path = '$user', 'x y', 'z,'",
    f"alter role \"null\" in database {DATABASE} set timezone = 'utc'",
    'alter role "null" set "app.tenant" = \'it\'\'s # "ours"\'',
    f"alter database {DATABASE} set statement_timeout = '30s'",
    f"alter database {DATABASE} set search_path = ''",
    f"alter database {DATABASE} set log_min_messages = 'debug'",
    "alter database postgres set \"app.colour\" = 'blue'",
    "alter role all set join_collapse_limit = 9",
]


class Own:
    """Servers that a test has for itself, and how they are seen."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.binaries = folder, binaries
        self.servers: list[PostgresServer] = []

    def server(self, name: str) -> PostgresServer:
        found = PostgresServer(self.folder / name, self.binaries)
        self.servers.append(found)
        return found

    def started(self, name: str) -> PostgresServer:
        found = self.server(name)
        found.start()
        return found

    def stop(self) -> None:
        for server in self.servers:
            server.stop("immediate")


@pytest.fixture
def own(postgres: PostgresServer, folder: Path) -> Iterator[Own]:
    place = Path(tempfile.mkdtemp(prefix="import-", dir=folder))
    place.chmod(0o755)
    found = Own(place, postgres.binaries)
    yield found
    found.stop()
    shutil.rmtree(place, ignore_errors=True)


def target(server: PostgresServer, user: str = "postgres", database: str = "postgres") -> Target:
    return PostgresTarget(name="main", url=server.url(database, user=user))


def connected(server: PostgresServer) -> psycopg.Connection:
    return psycopg.connect(server.url(), autocommit=True)


def alter_system(connection: psycopg.Connection, name: str, literals: list[str]) -> None:
    connection.execute(
        compose.SQL("alter system set {} = {}").format(
            compose.SQL(name), compose.SQL(", ").join(map(compose.Literal, literals))
        )
    )


def make_odd(server: PostgresServer) -> None:
    with connected(server) as connection:
        for name, literals in ODD.items():
            alter_system(connection, name, literals)
        for statement in [*MADE, *SCOPES]:
            connection.execute(statement)
        reload(connection)


@pytest.mark.matrix
def test_odd_values_come_back_as_they_are_and_make_the_same_of_another_server(own, tmp_path):
    server = own.started("one")
    make_odd(server)
    text = imported(target(server))
    plan = planned(tmp_path / "one", target(server), text)
    assert plan.changes == ()
    assert {notice.type for notice in plan.notices} == {NoticeType.WAITS_FOR_RESTART}
    found = sections(target(server))
    settings = values(found["settings"])
    assert {name.lower() for name in ODD} <= {name.lower() for name in settings}
    assert settings["search_path"] == ["$user", "a b", "c,d", 'q"uoted', "Upper"]
    assert (settings["work_mem"], settings["vacuum_cost_delay"]) == ("64MB", "500us")
    assert len(values(found["roles"])) == 2
    assert "  # ALTER ROLE ALL SET join_collapse_limit: has no declaration" in text

    server.restart()
    assert planned(tmp_path / "one", target(server), text).notices == ()

    other = own.started("two")
    with connected(other) as connection:
        for statement in MADE:
            connection.execute(statement)
    plan = planned(tmp_path / "two", target(other), text)
    assert {notice.type for notice in plan.notices} <= {NoticeType.WAITS_FOR_RESTART}
    run(target(other), plan.changes)
    other.restart()
    again = planned(tmp_path / "two", target(other), text)
    assert (again.changes, again.notices) == ((), ())
    for section in ("settings", "databases", "roles"):
        assert values(sections(target(other))[section]) == values(found[section])


# With another value nobody could log in, or work with the server.
NOT_TRIED = {
    "allow_in_place_tablespaces", "allow_system_table_mods", "db_user_namespace", "debug_discard_caches",
    "dynamic_library_path", "exit_on_error", "ignore_system_indexes", "local_preload_libraries", "max_stack_depth",
    "post_auth_delay", "pre_auth_delay", "restart_after_crash", "session_preload_libraries", "ssl",
}  # fmt: skip
TEXTS = ["x", "english", "pg_catalog.simple", "heap", "on", "1", "utc", "C", "0x0", "replica", "TLSv1.3", "A", "stderr"]


def others(definition: Definition, setting: str) -> list[str]:
    """Values that differ from the default, the likeliest first."""
    match definition.vartype:
        case "bool":
            return ["off" if definition.boot_val == "on" else "on"]
        case "enum":
            return [name for name in definition.enumvals if name != definition.boot_val]
        case "integer":
            boot = int(definition.boot_val or 0)
            low, high = int(definition.min_val), int(definition.max_val)
            return [str(each) for each in (boot + 1000, boot + 1, boot - 1, high, low) if low <= each <= high]
        case "real":
            low, high = float(definition.min_val), float(definition.max_val)
            return [f"{each:g}" for each in (0.3333333, 1.5, 50.25, high, low) if low <= each <= high]
        case _:
            return [text for text in TEXTS if text != definition.boot_val]


@pytest.mark.matrix
def test_every_setting_that_differs_is_written_and_a_plan_of_it_is_empty(own, tmp_path):
    server = own.started("one")
    with connected(server) as connection:
        everything = [each for each in definitions(connection) if each[0].name not in NOT_TRIED]
        changed = set()
        for definition, setting in everything:
            for text in others(definition, setting):
                try:
                    alter_system(connection, definition.name, [text])
                except psycopg.Error:
                    continue
                changed.add(definition.name)
                break
        reload(connection)
    assert len(changed) > 250
    text = imported(target(server))
    assert "cannot be declared" not in text
    found = {name.lower() for name in values(sections(target(server))["settings"])}
    left = changed - found - UNMANAGED.keys()
    assert all(re.search(rf"# .*\b{name}\b", text) or f" {name}," in text for name in left), left
    # Values that were drawn one by one: some of them together would keep the server down, which a plan says.
    fatal = {name for name in left if re.search(rf"# .*\b{name}\b.*do not restart it", text)}
    assert len(left - fatal) < 12, left
    assert len(fatal) < 12, fatal
    plan = planned(tmp_path / "one", target(server), text)
    assert plan.changes == ()
    assert {notice.type for notice in plan.notices} == {NoticeType.WAITS_FOR_RESTART}


def test_a_comment_says_where_each_value_comes_from_and_what_it_masks(own, tmp_path):
    server = own.started("one")
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("work_mem = 5MB\nmaintenance_work_mem = 77MB\ninclude_dir = 'conf.d'\nport = 1\n")
    (server.data / "conf.d").mkdir()
    (server.data / "conf.d" / "ours.conf").write_text("temp_buffers = 9MB\ncustom.thing = 1\n")
    shutil.chown(server.data / "conf.d", (server.data / "postgresql.conf").stat().st_uid)
    lines = (server.data / "postgresql.conf").read_text().splitlines()
    at = {name: next(n for n, line in enumerate(lines, 1) if line.startswith(name)) for name in ("work_mem", "port")}
    with connected(server) as connection:
        alter_system(connection, "work_mem", ["64MB"])
        alter_system(connection, "maintenance_work_mem", ["64MB"])
        alter_system(connection, "max_connections", ["200"])
        connection.execute("create role reporting")
        connection.execute("alter role reporting set work_mem = '7MB'")
        reload(connection)
    text = imported(target(server))
    below = f"postgresql.conf:{at['work_mem']} (5MB)"
    assert f"  work_mem: 64MB  # postgresql.auto.conf, masks {below}, not for role reporting\n" in text
    assert re.search(
        r" +maintenance_work_mem: 64MB  # postgresql.auto.conf, masks postgresql.conf:\d+ \(77MB\)\n", text
    )
    assert re.search(r"  max_connections: 200  # .*, waits for a restart, 100 runs\n", text)
    assert "  temp_buffers: 9MB  # conf.d/ours.conf:1\n" in text
    assert "          work_mem: 7MB" not in text
    assert "      work_mem: 7MB  # masks the instance's 64MB\n" in text
    assert f"# port: given on the server's command line; it masks postgresql.conf:{at['port']}\n" in text
    assert "  custom.thing: 1  # conf.d/ours.conf:2\n" in text
    assert planned(tmp_path / "one", target(server), text).changes == ()


def test_what_belongs_to_one_machine_is_named_once_behind_all_others(own, tmp_path):
    server = own.started("one")
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("external_pid_file = 'ours.pid'\nlc_messages = 'C'\nlc_time = 'POSIX'\nwork_mem = 5MB\n")
        conf.write("unix_socket_permissions = 0770\nlc_monetary = 'POSIX'\ntimezone = 'Europe/Berlin'\n")
    server.restart()
    text = imported(target(server))
    assert "  TimeZone: Europe/Berlin" in text
    behind = text[text.index("  work_mem:") :]
    assert text.count("lc_time") == 1
    told = behind.replace("\n  # machine", " machine")
    assert re.search(r"  # .*lc_monetary.*lc_time: chosen by initdb after the locale of its machine\n", told)
    assert "  # external_pid_file: where this machine has its files\n" in behind
    assert "unix_socket_permissions: where this server is reached; another one has another place\n" in behind
    assert not UNMANAGED.keys() & values(sections(target(server))["settings"]).keys()
    assert planned(tmp_path / "one", target(server), text).changes == ()


def test_what_is_at_its_default_is_not_written_though_a_file_has_a_line_for_it(own):
    text = imported(target(own.started("one")))
    assert "max_wal_size" not in text
    assert "max_connections" not in text
    assert "DateStyle" not in text
    assert "application_name" not in text


def test_a_line_that_is_not_loaded_is_left_out_with_both_values(own, tmp_path):
    server = own.started("one")
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("work_mem = 5MB\n")
    text = imported(target(server))
    assert re.search(r"# work_mem: postgresql.conf:\d+ holds 5MB, which is not loaded: 4MB runs; reload first\n", text)
    assert planned(tmp_path / "one", target(server), text).changes == ()


def test_files_that_cannot_be_read_are_said_and_the_rest_is_written(own, tmp_path):
    server = own.started("one")
    with connected(server) as connection:
        alter_system(connection, "work_mem", ["64MB"])
        reload(connection)
        with (server.data / "postgresql.conf").open("a") as conf:
            conf.write("no_such_setting = 1\n")
        text = imported(target(server))
    assert "# configuration files: the server ignores all of them until this is mended: postgresql.conf:" in text
    assert "  work_mem: 64MB  # postgresql.auto.conf\n" in text
    assert planned(tmp_path / "one", target(server), text).changes == ()


PLANTED = {
    "primary_conninfo": f"host=127.0.0.1 password={SECRET}",
    "ssl_passphrase_command": f"echo {SECRET}",
    "archive_command": f"AWS_SECRET_ACCESS_KEY={SECRET} push %p",
    "restore_command": f"curl https://user:{SECRET}@127.0.0.1/%f -o %p",
    "archive_cleanup_command": f"PGPASSWORD={SECRET} clean %r",
}


KEYS = ["eyJhbGciOiJIUzI1NiJ9.e30.x", "0123456789abcdef0123456789abcdef", "aB3-" * 10]


@pytest.mark.parametrize(
    "text", ["%m [%p] ", "cp %p /var/lib/postgresql/archive/%f", "ANY 1 (a, b)", "host=db1 user=replicator", "C.UTF-8"]
)
def test_what_holds_no_password_is_not_taken_for_one(text):
    assert not may_be_secret(Definition(name="archive_command", vartype="string", context="sighup"), text)


@pytest.mark.matrix
@pytest.mark.parametrize("user", ["postgres", "monitor", "plain"])
def test_no_secret_is_written_wherever_it_stands(own, tmp_path, user):
    server = own.started("one")
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{name} = '{value}-below'\n" for name, value in PLANTED.items()))
        conf.write(f"custom.password = '{SECRET}'\n")
    with connected(server) as connection:
        reload(connection)
        for name, value in PLANTED.items():
            alter_system(connection, name, [value])
        alter_system(connection, "archive_mode", ["on"])
        connection.execute("create role plain login; create role monitor login; grant pg_monitor to monitor")
        connection.execute(f"alter database postgres set \"app.jwt_secret\" = '{SECRET}'")
        connection.execute(f"alter role plain set \"app.settings\" = 'token={SECRET}'")
        connection.execute(f"alter role all set \"app.password\" = '{SECRET}'")
        for number, key in enumerate(KEYS):
            connection.execute(f"alter database postgres set \"app.thing{number}\" = '{key}'")
        reload(connection)
    server.restart()
    text = imported(target(server, user))
    assert [planted for planted in (SECRET, *KEYS) if planted in text] == []
    assert "app.jwt_secret" in text
    if user == "postgres":
        for name in PLANTED:
            hint = f"{name}: it may hold a password, and is not written: declare it as {{env: {name.upper()}}}"
            assert hint in text.replace("\n  # ", " ")
    assert planned(tmp_path / "one", target(server, user), text).changes == ()


@pytest.mark.matrix
def test_a_role_that_sees_less_writes_less_says_so_and_never_anything_else(own, tmp_path):
    server = own.started("one")
    make_odd(server)
    with connected(server) as connection:
        connection.execute("create role plain login; create role monitor login; grant pg_monitor to monitor")
    everything = values(sections(target(server))["settings"])
    for user in ("plain", "monitor"):
        seen = target(server, user)
        found = values(sections(seen)["settings"])
        text = imported(seen)
        waiting = {name for name in everything if name in found and found[name] != everything[name]}
        # Without the files: what runs until the restart, and the server's spelling instead of the file's.
        assert waiting <= {"max_connections", "cluster_name", "wal_buffers", "TimeZone", "log_timezone"}
        assert 15 < len(found) < len(everything)
        assert planned(tmp_path / user, seen, text).changes == ()
        flat = text.replace("\n  # ", " ")
        assert "grant select on pg_catalog.pg_file_settings and execute on function" in flat
        assert ("settings: not visible to role plain" in flat) == (user == "plain")
        assert "join_collapse_limit: not visible to this session because of ALTER ROLE ALL" in flat


@pytest.mark.matrix
def test_how_many_settings_are_hidden_is_what_the_server_hides(postgres, clean, as_role, secrets):
    everything = {name for (name,) in clean.execute("select lower(name) from pg_settings")}
    with psycopg.connect(as_role.url.get_secret_value()) as connection:
        listed = {name for (name,) in connection.execute("select lower(name) from pg_settings")}
    session = connect(as_role, secrets)
    found = unlisted(session, listed)
    session.close()
    assert found <= everything - listed
    if not may_have_its_own(clean.info.server_version):
        assert everything - listed - found == set()
    assert f"  # at least {len(found)} settings: not visible to role plain" in imported(as_role)


def test_a_standby_writes_its_own(own, tmp_path):
    primary = own.started("primary")
    with connected(primary) as connection:
        alter_system(connection, "work_mem", ["64MB"])
        connection.execute("alter database postgres set statement_timeout = '30s'")
    primary.stop()
    standby = own.server("standby")
    shutil.copytree(primary.data, standby.data)
    (standby.data / "standby.signal").touch()
    primary.start()
    conninfo = f"host=127.0.0.1 port={primary.port} user=postgres password={SECRET}"
    with (standby.data / "postgresql.conf").open("a") as conf:
        conf.write(f"primary_conninfo = '{conninfo}'\n")
    owner = primary.data.stat()
    for path in (standby.folder, *standby.folder.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    standby.start()
    with connected(standby) as connection:
        alter_system(connection, "maintenance_work_mem", ["99MB"])
        reload(connection)
        deadline = time.monotonic() + 10
        while not connection.execute("select pg_last_wal_receive_lsn()").fetchone()[0] and time.monotonic() < deadline:
            time.sleep(0.05)
    text = imported(target(standby))
    assert SECRET not in text
    assert "  maintenance_work_mem: 99MB" in text
    assert "statement_timeout: 30s" in text
    assert planned(tmp_path / "standby", target(standby), text).changes == ()
    assert "maintenance_work_mem" not in imported(target(primary))
