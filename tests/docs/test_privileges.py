"""The roles and users of docs/operations.md are enough, and not too much: the very statements of the page are run."""

from __future__ import annotations

import re
import shlex

import psycopg
import pytest
import redis
from docs.pages import marked
from psycopg import sql as compose
from waiting import reload

from reconciler.cli.app import run

DATABASE_YAML = """
targets: {main: {postgres: "${DATABASE_URL}", memory: 16GB}}
target: main
tables:
  public.tasks:
    unlisted_indexes: drop
    indexes:
      tasks_status_idx: {columns: [status, lower(title)], where: "status in ('a', 'b')"}
      tasks_title_idx: {columns: [lower(title)]}
settings: {work_mem: 7MB, shared_buffers: 1% of memory, log_min_duration_statement: 100ms}
databases: {DATABASE: {settings: {statement_timeout: 30s}}}
checklist:
  - {id: slow-log, title: Slow statements are logged, check: {pg_setting: log_min_duration_statement, at_least: 0ms}}
"""

CACHE_YAML = """
targets: {cache: {redis: "${REDIS_URL}", memory: 8GB}}
target: cache
settings: {maxmemory: 25% of memory, requirepass: {env: REDIS_PASSWORD}}
users:
  app: {rules: "on ~app:* +@all -@dangerous", password: {env: APP_REDIS_PASSWORD}}
  old: absent
checklist:
  - {id: password, title: A password is demanded, check: {redis_unauthenticated: refused}}
  - {id: app, title: The application is kept in, check: {redis_user: app, may_not: [flushall, config]}}
  - {id: clients, title: Nobody was turned away, check: {redis_info: rejected_connections, section: stats, equals: 0}}
  - {id: persistence, title: Persistence is on, check: {redis_persistence: healthy}}
  - {id: fragmentation, title: Memory is whole, check: {redis_fragmentation: 1.5}}
"""


@pytest.fixture
def reconciler(tmp_path, capsys):
    """The command line on a folder with one file: `reconciler(yaml, *arguments)`, its exit code and output."""

    def call(yaml: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "desired").mkdir(exist_ok=True)
        (tmp_path / "desired" / "all.yaml").write_text(yaml)
        capsys.readouterr()
        code = run(["--desired", str(tmp_path / "desired"), *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


@pytest.fixture
def roles(postgres, sql):
    """The two roles of the page, on this test's database, whose owner is app_owner; gone afterwards."""
    database = sql.info.dbname
    sql.execute("create role app_owner")
    sql.execute(compose.SQL("alter database {} owner to app_owner").format(compose.Identifier(database)))
    sql.execute("create table tasks (id bigint primary key, status text, title text)")
    sql.execute("create index tasks_status_idx on tasks (status, lower(title)) where status = any (array['b', 'a'])")
    sql.execute("create index tasks_stray_idx on tasks (title)")
    sql.execute("alter table tasks owner to app_owner")
    for name in ("postgres drift", "postgres apply"):
        sql.execute(re.sub(r"\bdatabase app\b", f"database {database}", marked(name)).encode())
    yield {name: postgres.url(database, user=f"reconciler_{name}") for name in ("drift", "apply")}
    sql.execute(compose.SQL("alter database {} owner to postgres").format(compose.Identifier(database)))
    sql.execute("alter system reset all")
    reload(sql)
    sql.execute("reassign owned by app_owner to postgres")
    sql.execute("drop owned by app_owner, reconciler_drift, reconciler_apply")
    sql.execute("drop role reconciler_drift, reconciler_apply, app_owner")


@pytest.mark.pg(">= 15")
def test_the_roles_on_postgresql_are_enough(roles, sql, reconciler, monkeypatch, tmp_path):
    yaml = DATABASE_YAML.replace("DATABASE:", f"{sql.info.dbname}:")
    saved = str(tmp_path / "plan.json")

    monkeypatch.setenv("DATABASE_URL", roles["drift"])
    code, said = reconciler(yaml, "drift")
    assert code == 2, said
    code, said = reconciler(yaml, "plan", "--out", saved)
    assert "Plan: 1 to create, 4 to change, 1 to drop." in said
    assert "grant alter system on parameter work_mem to reconciler_drift" in " ".join(said.split())

    monkeypatch.setenv("DATABASE_URL", roles["apply"])
    assert "may not run" not in reconciler(yaml, "plan")[1]
    code, said = reconciler(yaml, "apply", saved, "--allow", "index-drop")
    assert code == 0, said
    assert reconciler(yaml, "plan", "--detailed-exitcode")[0] == 0

    monkeypatch.setenv("DATABASE_URL", roles["drift"])
    code, said = reconciler(yaml, "drift")
    assert code == 3, said  # shared_buffers waits for a restart
    assert "not visible" not in said
    assert reconciler(yaml, "check")[0] == 0
    code, said = reconciler(yaml, "import", "main")
    assert (code, "work_mem: 7MB  # postgresql.auto.conf" in said) == (0, True), said
    assert "not visible to role" not in said


@pytest.mark.pg(">= 15")
@pytest.mark.parametrize(
    "statement",
    [
        "select * from tasks",
        "create table stray (id int)",
        "create index stray on tasks (id)",
        "alter system set work_mem = '8MB'",
        "select pg_catalog.pg_reload_conf()",
    ],
)
def test_the_role_for_drift_can_do_nothing_else(roles, statement):
    with (
        psycopg.connect(roles["drift"], autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.fixture
def users(redis_server, redis_client):
    """The two users of the page."""
    version = redis_client.info("server")["redis_version"]
    for name in ("redis drift", "redis apply"):
        command = marked(name)
        if version.startswith("6."):
            command = command.replace(" +acl|dryrun", "")
        redis_client.execute_command(*shlex.split(command))
    redis_client.execute_command("ACL", "SETUSER", "old", "on", "nopass", "+ping")
    return {name: redis_server.url(f"reconciler_{name}", "PASSWORD") for name in ("drift", "apply")}


def test_the_users_on_redis_are_enough(users, reconciler, monkeypatch, tmp_path):
    saved = str(tmp_path / "plan.json")
    monkeypatch.setenv("REDIS_PASSWORD", "the-new-password")
    monkeypatch.setenv("APP_REDIS_PASSWORD", "of-the-application")

    monkeypatch.setenv("REDIS_URL", users["drift"])
    code, said = reconciler(CACHE_YAML, "plan", "--out", saved)
    assert (code, "not visible" in said) == (0, False), said
    assert "Plan: 1 to create, 2 to change, 1 to drop." in said
    assert reconciler(CACHE_YAML, "drift")[0] == 2

    monkeypatch.setenv("REDIS_URL", users["apply"])
    code, said = reconciler(CACHE_YAML, "apply", saved, "--allow", "less-safe")
    assert code == 0, said
    assert reconciler(CACHE_YAML, "plan", "--detailed-exitcode")[0] == 0

    monkeypatch.setenv("REDIS_URL", users["drift"])
    code, said = reconciler(CACHE_YAML, "drift")
    assert (code, "not visible" in said) == (0, False), said
    code, said = reconciler(CACHE_YAML, "check", "--format", "json")
    assert "not-visible" not in said
    assert '"error"' not in said
    code, said = reconciler(CACHE_YAML, "import", "cache")
    assert (code, "not visible" in said, "app: {rules:" in said) == (0, False, True), said


@pytest.mark.parametrize("user", ["drift", "apply"])
@pytest.mark.parametrize("command", [("GET", "app:1"), ("SET", "app:1", "x"), ("KEYS", "*"), ("FLUSHALL",)])
def test_neither_user_on_redis_reaches_a_key(users, user, command):
    with redis.Redis.from_url(users[user]) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)
