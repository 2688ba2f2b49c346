"""What is printed for people to run themselves, run by the clients that it was printed for."""

from __future__ import annotations

import os
import shutil
import subprocess

import psycopg
import pytest
from views.sample import NOW, TARGETS, index

from reconciler import views
from reconciler.model import Action, Plan, RedisStep, SqlStep
from reconciler.reports.redis_cli import redis_cli
from reconciler.views.sql import literal

ARGUMENTS = [
    "", " ", "a b", "a'b", 'a"b', "'", '"', "\\", "\\x41", "a\\b", "\n\r\t\a\b\0x", "\x1b[2J", "é\u202e\xa0漢字",
    "#x", ">p w", "save 3600 1", ":x", "$HOME", "~app:* +@all",
]  # fmt: skip


def test_redis_cli_reads_a_printed_command_as_it_was_meant(redis_server, redis_client):
    client = shutil.which("redis-cli") or pytest.skip("redis-cli is not installed")
    lines = [redis_cli(RedisStep(command=("RPUSH", "seen", argument))) for argument in ARGUMENTS]
    said = "\n".join(lines) + "\n"
    subprocess.run([client, "-u", redis_server.url()], input=said.encode(), capture_output=True, check=True)
    assert redis_client.lrange("seen", 0, -1) == ARGUMENTS


def test_postgres_reads_a_constant_as_the_text_that_it_stands_for(sql: psycopg.Connection):
    for text in [*(argument.replace("\0", "") for argument in ARGUMENTS), "it's\\\n"]:
        assert sql.execute(f"select {literal(text)}").fetchone() == (text,)


def test_psql_runs_the_script_on_the_plan_s_own_database_and_nowhere_else(postgres, database, sql):
    # Debian's on the PATH looks for the one of a server that is installed, and fails without.
    path = os.pathsep.join([str(postgres.binaries), os.environ["PATH"]])
    client = shutil.which("psql", path=path) or pytest.skip("psql is not installed")
    name = sql.info.dbname
    system = sql.execute("select system_identifier::text from pg_control_system()").fetchone()[0]
    sql.execute("create table t (a int, b text)")
    steps = (
        SqlStep(statements=("create index concurrently x on t (a) where b ~ '\\.com$'", "analyze t -- now")),
        SqlStep(statements=("drop index x", "create index y on t (a)"), transaction=True, statement_timeout="30s"),
    )

    def run(database_name: str, system_identifier: str, *more: SqlStep) -> subprocess.CompletedProcess[str]:
        identity = f"{system_identifier}/{database_name}"
        info = TARGETS["main"].model_copy(update={"database": database_name, "identity": identity, "location": "l%'o"})
        changes = (*(index("z", Action.CREATE, step) for step in more), index("y", Action.CREATE, *steps))
        plan = Plan(reconciler_version="0.1.0", created_at=NOW, targets={"main": info}, changes=changes)
        script = views.render(plan, "sql")
        return subprocess.run([client, "-X", "-f", "-", database], input=script, capture_output=True, text=True)

    for wrong in (run("another", system), run(name, str(int(system) + 1))):
        assert wrong.returncode == 3
        assert "this section is for main" in wrong.stderr
    assert sql.execute("select count(*) from pg_indexes where tablename = 't'").fetchone() == (0,)
    right = run(name, system)
    assert (right.returncode, right.stderr) == (0, "")
    assert sql.execute("select indexname from pg_indexes where tablename = 't'").fetchall() == [("y",)]

    sql.execute("drop index y")
    incomplete = run(name, system, SqlStep(statements=("select 1 \\! echo owned",)))
    assert incomplete.returncode == 3
    assert "not in this script: 1 of the changes on main" in incomplete.stderr
    assert "owned" not in incomplete.stdout
    assert sql.execute("select indexname from pg_indexes where tablename = 't'").fetchall() == [("y",)]
