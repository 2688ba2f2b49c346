"""Whose settings these are: a real Patroni, the marks of other hosts on a server of our own, and plain servers."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from clusters.patroni import SCOPE, PatroniCluster
from fix_servers import POSTGRES_SETTINGS, postgres_binaries
from live import changes, outcomes
from pg_setting.setting_cases import declared, settings
from waiting import PATIENCE, until

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.changes.managed import PATRONI_PASSES
from reconciler.model import Notice, NoticeType, PostgresTarget, Target
from reconciler.secrets import Secrets

_numbers = itertools.count()

ROLES = ("rdsadmin", "cloudsqladmin", "alloydbsuperuser", "azure_pg_admin")

PLACEHOLDERS = {
    "rds.extensions": "'plpgsql'",
    "cloudsql.iam_authentication": "on",
    "alloydb.iam_authentication": "on",
    "azure.extensions": "'plpgsql'",
}


def newest() -> Path:
    """The binaries of the newest version that is here."""
    found = sorted(postgres_binaries().items(), key=lambda found: int(found[0].split(".")[0]))
    return found[-1][1] if found else pytest.skip("no PostgreSQL is here")


@contextmanager
def running(folder, placeholders: dict[str, str]) -> Iterator[PostgresServer]:
    """A server with `placeholders` in its file, roles as hosts have them, and a role `customer` who is no superuser."""
    made = PostgresServer(folder / f"pg-owner-{next(_numbers)}", newest(), POSTGRES_SETTINGS | placeholders)
    made.start()
    try:
        execute(made, "create role customer login", "grant pg_read_all_settings to customer")
        yield made
    finally:
        made.stop("immediate")


@pytest.fixture(scope="module")
def hosted(folder) -> Iterator[PostgresServer]:
    """A server with the settings of all hosts in its file; the roles are the tests'."""
    with running(folder, PLACEHOLDERS) as made:
        yield made


def execute(server: PostgresServer, *statements: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def with_role(server: PostgresServer, role: str) -> Iterator[None]:
    execute(server, f"create role {role}")
    try:
        yield
    finally:
        execute(server, f"drop role {role}")


def target(server: PostgresServer, user: str = "postgres") -> Target:
    return PostgresTarget(name="main", url=server.url(user=user), memory=16 << 30)


def told(where: Target, values: dict[str, object]) -> dict[str, str]:
    """What the plan says of each setting, without the value in force; all of it is BLOCKED."""
    found = outcomes(KIND, where, settings(values))
    assert all(isinstance(outcome, Notice) and outcome.type is NoticeType.BLOCKED for outcome in found), found
    return {outcome.address.name: re.sub("^.* runs; (?=[A-Z].* keeps this)", "", outcome.message) for outcome in found}


def command(message: str) -> list[str]:
    """The words of the command that a message ends with, as a shell reads them."""
    return shlex.split(message.partition("run ")[2].partition("; then ")[0])


# None of these is a version's own default: the server is whichever is the newest here.
HOSTED = {"work_mem": "16MB", "shared_buffers": "1GB", "autovacuum": "off", "log_destination": "stderr, csvlog"}

RDS = "Amazon RDS keeps this server's settings: run aws rds modify-db-parameter-group --db-parameter-group-name NAME "
CLOUD_SQL = "Cloud SQL keeps this server's settings: run gcloud sql instances patch INSTANCE --database-flags="
ALLOYDB = (
    "AlloyDB keeps this server's settings: run gcloud alloydb instances update INSTANCE --cluster=CLUSTER "
    "--region=REGION --database-flags="
)
AZURE = (
    "Azure Database for PostgreSQL keeps this server's settings: run az postgres flexible-server parameter set "
    "--resource-group GROUP --server-name SERVER "
)
REPLACES = " and add the flags that are set already, since it replaces all of them"


@pytest.mark.parametrize(
    ("role", "setting", "message"),
    [
        (
            "rdsadmin",
            "work_mem",
            f'{RDS}--parameters "ParameterName=work_mem,ParameterValue=16384,ApplyMethod=immediate"',
        ),
        (
            "rdsadmin",
            "shared_buffers",
            f'{RDS}--parameters "ParameterName=shared_buffers,ParameterValue=131072,ApplyMethod=pending-reboot"; '
            "then aws rds reboot-db-instance --db-instance-identifier INSTANCE",
        ),
        (
            "rdsadmin",
            "autovacuum",
            f'{RDS}--parameters "ParameterName=autovacuum,ParameterValue=0,ApplyMethod=immediate"',
        ),
        (
            "rdsadmin",
            "log_destination",
            f"{RDS}--parameters "
            '\'[{"ParameterName":"log_destination","ParameterValue":"stderr,csvlog","ApplyMethod":"immediate"}]\'',
        ),
        ("cloudsqladmin", "work_mem", f"{CLOUD_SQL}work_mem=16384{REPLACES}; gcloud sql instances describe INSTANCE "
         "--format='value(settings.databaseFlags)' shows them"),
        ("cloudsqladmin", "shared_buffers", f"{CLOUD_SQL}shared_buffers=131072{REPLACES}, and restarts the instance; "
         "gcloud sql instances describe INSTANCE --format='value(settings.databaseFlags)' shows them"),
        ("cloudsqladmin", "autovacuum", f"{CLOUD_SQL}autovacuum=off{REPLACES}; gcloud sql instances describe "
         "INSTANCE --format='value(settings.databaseFlags)' shows them"),
        ("cloudsqladmin", "log_destination", f"{CLOUD_SQL}'^:^log_destination=stderr,csvlog'{REPLACES}; gcloud sql "
         "instances describe INSTANCE --format='value(settings.databaseFlags)' shows them"),
        ("alloydbsuperuser", "work_mem", f"{ALLOYDB}work_mem=16384{REPLACES}; gcloud alloydb instances describe "
         "INSTANCE --cluster=CLUSTER --region=REGION --format='value(databaseFlags)' shows them"),
        ("azure_pg_admin", "work_mem", f"{AZURE}--name work_mem --value 16384"),
        ("azure_pg_admin", "autovacuum", f"{AZURE}--name autovacuum --value off"),
        ("azure_pg_admin", "shared_buffers", f"{AZURE}--name shared_buffers --value 131072; then az postgres "
         "flexible-server restart --resource-group GROUP --name SERVER"),
    ],
)  # fmt: skip
def test_a_hosts_own_way_is_told_in_its_own_units(hosted, role: str, setting: str, message: str) -> None:
    with with_role(hosted, role):
        assert told(target(hosted, "customer"), {setting: HOSTED[setting]}) == {setting: message}


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("rdsadmin", ["aws", "rds", "reset-db-parameter-group", "--db-parameter-group-name", "NAME", "--parameters",
                      "ParameterName=autovacuum_naptime,ApplyMethod=immediate"]),
        ("azure_pg_admin", ["az", "postgres", "flexible-server", "parameter", "set", "--resource-group", "GROUP",
                            "--server-name", "SERVER", "--name", "autovacuum_naptime", "--value",
                            "$(az postgres flexible-server parameter show --resource-group GROUP --server-name SERVER "
                            "--name autovacuum_naptime --query defaultValue --output tsv)"]),
    ],
)  # fmt: skip
def test_a_hosts_own_way_back_to_the_default_is_told(hosted, role: str, words: list[str]) -> None:
    execute(hosted, "alter system set autovacuum_naptime = '7min'", "select pg_catalog.pg_reload_conf()")
    until(lambda: told_default(hosted) == "7min", "the reload")
    try:
        with with_role(hosted, role):
            message = told(target(hosted, "customer"), {"autovacuum_naptime": "default"})["autovacuum_naptime"]
            assert command(message) == words
    finally:
        execute(hosted, "alter system reset autovacuum_naptime", "select pg_catalog.pg_reload_conf()")
        until(lambda: told_default(hosted) == "1min", "the reload")


def told_default(server: PostgresServer) -> str:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("show autovacuum_naptime").fetchone()[0]


def test_aurora_has_parameter_groups_of_the_cluster(hosted) -> None:
    execute(hosted, "create function aurora_version() returns text language sql as $$select '17.4.0'$$")
    try:
        with with_role(hosted, "rdsadmin"):
            message = told(target(hosted, "customer"), {"work_mem": "16MB"})["work_mem"]
    finally:
        execute(hosted, "drop function aurora_version()")
    assert message == (
        "Amazon Aurora keeps this server's settings: run aws rds modify-db-cluster-parameter-group "
        '--db-cluster-parameter-group-name NAME --parameters "ParameterName=work_mem,ParameterValue=16384,'
        'ApplyMethod=immediate"'
    )


def test_what_is_as_declared_is_in_sync_and_databases_and_roles_are_planned_as_usual(hosted) -> None:
    with with_role(hosted, "rdsadmin"):
        where = target(hosted, "customer")
        assert outcomes(KIND, where, settings({"work_mem": "4096kB", "autovacuum": "true"})) == []
        mine = declared("roles", {"customer": {"settings": {"work_mem": "64MB"}}})
        [change] = changes(KIND, where, mine)
        assert change.steps[0].statements == ("alter role customer set work_mem = '64MB'",)


ARCHIVES = "/controller/manager wal-archive"


@pytest.mark.parametrize(
    ("placeholder", "cluster", "archives"),
    [
        ({"cnpg.config_sha256": "'3cfa'"}, "prod-1", {}),
        ({}, "prod-2", {"archive_mode": "on", "archive_command": f"'{ARCHIVES} --log-destination /controller/log %p'"}),
    ],
)
@pytest.mark.parametrize("user", ["postgres", "customer"])
def test_cloudnativepg_is_told_by_its_checksum_or_its_archive_command(
    folder, placeholder, cluster, archives, user
) -> None:
    marks = {**placeholder, **archives, "cluster_name": f"'{cluster}'", "track_io_timing": "on"}
    wanted = {
        "work_mem": "16MB",
        "shared_preload_libraries": {"include": ["auto_explain"]},
        "track_io_timing": "default",
    }
    with running(folder, marks) as server:
        messages = told(target(server, user), wanted)
    patches = {}
    for name, message in messages.items():
        assert message.startswith("CloudNativePG keeps this server's settings: run kubectl patch ")
        words = command(message.replace(", which restarts PostgreSQL on all instances", ""))
        assert words[:-1] == ["kubectl", "patch", "clusters.postgresql.cnpg.io", cluster, "--type", "merge", "-p"]
        patches[name] = json.loads(words[-1])["spec"]["postgresql"]
    assert patches == {
        "work_mem": {"parameters": {"work_mem": "16MB"}},
        "shared_preload_libraries": {"shared_preload_libraries": ["pg_stat_statements", "auto_explain"]},
        "track_io_timing": {"parameters": {"track_io_timing": None}},
    }
    assert messages["shared_preload_libraries"].endswith(", which restarts PostgreSQL on all instances")


def test_neon_has_no_way_for_instances(folder) -> None:
    with running(folder, {"neon.timeline_id": "'0a'"}) as server:
        assert told(target(server, "customer"), {"work_mem": "16MB", "shared_buffers": "1GB"}) == {
            "work_mem": "Neon keeps this server's settings: it can be declared for a database or a role (databases:, "
            "roles:), or has to be asked of its support",
            "shared_buffers": "Neon keeps this server's settings: only its support can change this one",
        }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_came_with_a_dump_makes_no_host(postgres, role: str) -> None:
    with with_role(postgres, role):
        [change] = changes(KIND, target(postgres), settings({"work_mem": "16MB"}))
    assert change.steps[0].statements == ("alter system set work_mem = '16MB'",)


def test_a_superuser_is_on_a_server_of_its_own_whatever_it_looks_like(hosted) -> None:
    with with_role(hosted, "alloydbsuperuser"):
        assert len(changes(KIND, target(hosted), settings({"work_mem": "16MB"}))) == 1


def test_settings_on_the_command_line_make_no_patroni(folder) -> None:
    made = PostgresServer(folder / f"pg-owner-{next(_numbers)}", newest(), POSTGRES_SETTINGS)
    passed = " ".join(f"-c {name}={value}" for name, value in PASSED.items() if name != "wal_log_hints")
    made.start()
    try:
        made.stop()
        options = f"-h 127.0.0.1 -p {made.port} -k '' {passed}"
        assert made._run("pg_ctl", "-D", made.data, "-w", "-l", made._log, "-o", options, "start").returncode == 0
        found = outcomes(KIND, target(made), settings({"work_mem": "16MB", "max_connections": "60"}))
        assert {outcome.address.name: getattr(outcome, "message", "") for outcome in found} == {
            "work_mem": "",
            "max_connections": "55 runs; it is given on the server's command line, which ALTER SYSTEM does not change, "
            "nor a restart: change how the server is started",
        }
    finally:
        made.stop("immediate")


PASSED = {
    "cluster_name": "main", "hot_standby": "on", "max_connections": "55", "max_locks_per_transaction": "64",
    "max_prepared_transactions": "0", "max_replication_slots": "10", "max_wal_senders": "10",
    "max_worker_processes": "8", "track_commit_timestamp": "off", "wal_level": "replica", "wal_log_hints": "on",
}  # fmt: skip


@pytest.mark.long
def test_the_settings_that_make_a_patroni_are_those_that_it_passes(patroni: PatroniCluster) -> None:
    assert set(PASSED) == set(PATRONI_PASSES)
    with psycopg.connect(patroni.leader().url()) as connection:
        rows = connection.execute("select name from pg_settings where source = 'command line'").fetchall()
    # config_file and data_directory read `override`.
    assert {name for (name,) in rows} == {*PATRONI_PASSES, "listen_addresses", "port"}


PATRONI_VALUES = {
    "work_mem": "16MB",
    "log_statement": "ddl",
    "log_duration": "on",
    "autovacuum_vacuum_insert_threshold": "-1",
    "random_page_cost": "1.1",
    "autovacuum_vacuum_scale_factor": "0.05",
    "log_line_prefix": '%m [%p] it\'s "q" %',
    "search_path": ["$user", "my schema", "public"],
    "max_connections": "60",
}


def kinds_of(where: Target) -> dict[str, NoticeType]:
    """What is left to say about PATRONI_VALUES."""
    return {outcome.address.name: outcome.type for outcome in outcomes(KIND, where, settings(PATRONI_VALUES))}


def put_back(cluster: PatroniCluster) -> None:
    """The configuration and all nodes as they were before PATRONI_VALUES."""
    back = {**dict.fromkeys(PATRONI_VALUES), "max_connections": 50}
    body = {"postgresql": {"parameters": back}}
    httpx.patch(f"{cluster.leader().api}/config", json=body, timeout=PATIENCE).raise_for_status()

    def there() -> bool:
        pending = [member["name"] for member in cluster.members() if member.get("pending_restart")]
        if pending:
            patronictl(cluster, "restart", SCOPE, *pending, "--force")
        return not pending and all(connections(node) == "50" for node in cluster.nodes.values())

    until(there, "the former configuration", ignoring=(psycopg.Error, httpx.HTTPError))
    cluster.healthy()


def connections(server: PostgresServer) -> str:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("show max_connections").fetchone()[0]


@pytest.mark.parametrize("user", ["postgres", "plain"])
def test_patronis_way_works_as_it_is_told(patroni: PatroniCluster, user: str) -> None:
    """Every command is run as it is printed, and then the plan is empty."""
    leader = patroni.leader()
    if user == "plain":
        execute(leader, "create role plain login")
    where = target(leader, user)
    try:
        messages = told(where, PATRONI_VALUES)
        assert messages.keys() == PATRONI_VALUES.keys()
        assert messages["work_mem"] == (
            f"Patroni keeps this server's settings: declare patroni: {{url: …}} for this target, or run "
            f"patronictl edit-config {SCOPE} -p work_mem=16MB"
        )
        assert messages["max_connections"].endswith(
            f"patronictl edit-config {SCOPE} -p max_connections=60; then patronictl restart --pending {SCOPE}"
        )
        for message in messages.values():
            patronictl(patroni, *command(message)[1:], "--force")
        until(lambda: kinds_of(where) == {"max_connections": NoticeType.WAITS_FOR_RESTART}, "the reload")
        until(lambda: all(member.get("pending_restart") for member in patroni.members()), "Patroni's own word")
        patronictl(patroni, "restart", "--pending", SCOPE, "--force")
        patroni.healthy()
        until(lambda: kinds_of(where) == {}, "the restart")
    finally:
        put_back(patroni)
        if user == "plain":
            execute(patroni.leader(), "drop role plain")


def test_patronis_defaults_are_told_from_postgresqls(patroni: PatroniCluster) -> None:
    wanted = {
        "wal_log_hints": "default",
        "max_connections": "20",
        "port": "5432",
        "wal_keep_size": "default",
        "max_worker_processes": "default",
    }
    keeps = "Patroni keeps this server's settings: "
    start = f"{keeps}declare patroni: {{url: …}} for this target, or run patronictl edit-config {SCOPE}"
    assert told(target(patroni.leader()), wanted) == {
        "wal_log_hints": f"{start} -p 'wal_log_hints=\"off\"'; then patronictl restart --pending {SCOPE}",
        "max_connections": f"{keeps}it takes 25 or more, and would use its own default",
        "port": f"{keeps}it is postgresql.listen in each node's own file, and cannot be set otherwise",
        "wal_keep_size": f"{start} -p wal_keep_size=null",
    }


def test_a_secret_is_to_be_set_in_patronis_way_as_well(patroni: PatroniCluster) -> None:
    wanted = settings({"archive_cleanup_command": {"env": "CLEANUP"}})
    found = outcomes(KIND, target(patroni.leader()), wanted, Secrets({"CLEANUP": "rm --token=opensesame"}))
    assert [outcome.message for outcome in found] == [
        "it is not the declared secret, and a plan cannot carry one: Patroni keeps this server's settings: declare "
        f"patroni: {{url: …}} for this target, or run patronictl edit-config {SCOPE} -p 'archive_cleanup_command=\"…\"'"
    ]


def test_alter_system_that_masks_patronis_file_is_taken_back_first(patroni: PatroniCluster) -> None:
    leader = patroni.leader()
    execute(leader, "alter system set work_mem = '7MB'", "select pg_catalog.pg_reload_conf()")
    try:
        until(lambda: masked(leader) == "7MB", "the reload")
        message = told(target(leader), {"work_mem": "16MB"})["work_mem"]
        assert "or first alter system reset work_mem on this node, which masks what Patroni writes; run " in message
    finally:
        execute(leader, "alter system reset work_mem", "select pg_catalog.pg_reload_conf()")


def masked(server: PostgresServer) -> str:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("show work_mem").fetchone()[0]


def patronictl(cluster: PatroniCluster, *arguments: str) -> None:
    file = next(iter(cluster.nodes.values())).file
    done = subprocess.run(
        [sys.executable, "-c", "from patroni.ctl import ctl; ctl()", "-c", file, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, re.sub(r"\s+", " ", done.stdout + done.stderr)
