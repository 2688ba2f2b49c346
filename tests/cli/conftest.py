from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from waiting import reload

from reconciler.cli.app import run

FOLDER = {
    "targets.yaml": 'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB}\n',
    "tasks.yaml": """
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status, priority desc], why: the queue}
      tasks_title_idx: {columns: [lower(title)], where: "status in ('a', 'b')"}
settings:
  work_mem: 7MB
checklist:
  - {id: slow-log, title: Slow statements are logged, check: {pg_setting: log_min_duration_statement, at_least: 0ms}}
""",
}


@pytest.fixture
def desired(tmp_path: Path) -> Path:
    """A folder of YAML for one database."""
    folder = tmp_path / "desired"
    folder.mkdir()
    for name, text in FOLDER.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def world(desired, database, sql, postgres, monkeypatch):
    """A database that `desired` is about, with nothing done yet; the server's settings are put back afterwards."""
    monkeypatch.setenv("DATABASE_URL", database)
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


@pytest.fixture
def reconciler(desired, capsys) -> Callable[..., tuple[int, str, str]]:
    """The command line: its exit code, standard output and standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["--desired", str(desired), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    assert "RECONCILER_DESIRED" not in os.environ
    return call


@pytest.fixture
def tenants(desired, world, postgres) -> Iterator[list[psycopg.Connection]]:
    """Three databases alike, `tenant-1` to `tenant-3`, instead of the one of `world`."""
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(postgres.url(), autocommit=True))
        found = []
        for number in (1, 2, 3):
            admin.execute(f"create database tenant_{number} template template0")
            stack.callback(admin.execute, f"drop database tenant_{number} (force)")
            found.append(stack.enter_context(psycopg.connect(postgres.url(f"tenant_{number}"), autocommit=True)))
            found[-1].execute("create table tasks (id bigint primary key, status text, priority int, title text)")
        rows = "".join(f"tenant-{n},{postgres.url(f'tenant_{n}')},{'trial' if n == 3 else 'gold'}\n" for n in (1, 2, 3))
        (desired / "tenants.csv").write_text(f"name,url,tier\n{rows}")
        (desired / "targets.yaml").write_text(
            "targets:\n  tenants:\n    each: {file: tenants.csv}\n    postgres: '${url}'\n    memory: 16GB\n"
            "    labels: {tier: '${tier}'}\n"
        )
        text = (desired / "tasks.yaml").read_text()
        (desired / "tasks.yaml").write_text(text.replace("target: main", "target: {where: system = postgres}"))
        yield found
