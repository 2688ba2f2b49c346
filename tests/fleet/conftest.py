from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from fleet.rollouts import ROLLOUT, declare
from reconciler.cli.app import run

INDEX = "tasks_status_idx"

YAML = """\
targets:
  fleet:
    each: {file: fleet.csv}
    postgres: "${url}"
    memory: 16GB
    labels: {env: prod}
---
target: {where: "env = prod"}
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status, priority desc]}
"""

TABLE = "create table tasks (id bigint primary key, status text, priority int, title text)"


@dataclass
class Databases:
    """Several databases of one server, each a target: `urls` by name."""

    desired: Path
    urls: dict[str, str]

    def sql(self, name: str, statement: str) -> list[tuple]:
        with psycopg.connect(self.urls[name], autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def built(self) -> dict[str, int]:
        """By target, the object id of the index: another one was built again. Those that have none are left out."""
        found = {name: self.sql(name, f"select to_regclass('{INDEX}')::oid::bigint")[0][0] for name in self.urls}
        return {name: oid for name, oid in found.items() if oid}

    def declare(self, **urls: str) -> None:
        rows = "".join(f"{name},{url}\n" for name, url in urls.items())
        (self.desired / "fleet.csv").write_text(f"name,url\n{rows}")


@pytest.fixture
def databases(tmp_path: Path, postgres) -> Iterator[Databases]:
    """Four databases with a table that wants an index, and no index yet."""
    desired = tmp_path / "desired"
    desired.mkdir()
    (desired / "fleet.yaml").write_text(YAML)
    names = ("acme", "globex", "initech", "umbrella")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database fleet_{name}")
    made = Databases(desired, {name: postgres.url(f"fleet_{name}") for name in names})
    for name in names:
        made.sql(name, TABLE)
        made.sql(name, "insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 500) n")
        made.sql(name, "analyze tasks")  # else the server does it between two plans, which then estimate otherwise
    made.declare(**made.urls)
    yield made
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"drop database fleet_{name} (force)")


@pytest.fixture
def reconciler(tmp_path: Path, capsys) -> Callable[..., tuple[int, str, str]]:
    """The command line: its exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["--desired", str(tmp_path / "desired"), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def plans(databases, reconciler, tmp_path):
    """Makes plans in the waves of a rollout, one after the other: acme, globex and initech, umbrella."""

    def make(rollout: str = ROLLOUT, more: str = "") -> Path:
        declare(databases, rollout, more)
        code, _, err = reconciler("plan", "--out-dir", tmp_path / "plans")
        assert code == 0, err
        return tmp_path / "plans"

    return make
