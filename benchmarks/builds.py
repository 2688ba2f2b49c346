"""How long builds of many indexes take: typed by hand, one after the other, and by `apply --parallel`.

    python benchmarks/builds.py [--rows N] [--indexes N] [--runs N]

On an embedded PostgreSQL: as many indexes on as many tables, and on one table, each by CREATE INDEX CONCURRENTLY. By
hand is psql, which runs the very statements. Seconds are those of whole processes, of the run that was disturbed least.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from ending import end_in_order

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_binaries import embedded_postgres

COLUMNS = ("a", "b", "c", "a, b", "b, c", "c, a", "a, c", "b, a")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="of each table")
    parser.add_argument("--indexes", type=int, default=8, choices=range(1, len(COLUMNS) + 1), metavar="1..8")
    parser.add_argument("--runs", type=int, default=2)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-builds-"))
    folder.chmod(0o755)
    server = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off", "max_connections": "200"})
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for number in range(asked.indexes):
                connection.execute(f"create table t{number} (a int, b int, c text)".encode())
                rows = "select n, n::bigint * 7919 %% 1000003, md5(n::text) from generate_series(1, %s) n"
                connection.execute(f"insert into t{number} {rows}".encode(), (asked.rows,))
            connection.execute("vacuum analyze")
        os.environ["DATABASE_URL"] = server.url()
        print(f"| {asked.indexes} indexes, {asked.rows:,} rows each | by hand | --parallel 1 | 2 | 4 |")
        print("|---|---|---|---|---|")
        many = [(f"t{number}", columns) for number, columns in enumerate(COLUMNS[: asked.indexes])]
        for where, wanted in (("on as many tables", many), ("on one table", [("t0", each) for _, each in many])):
            print(f"| {where} | {' | '.join(_measured(server, folder, wanted, asked.runs))} |", flush=True)
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _measured(server: PostgresServer, folder: Path, wanted: list[tuple[str, str]], runs: int) -> list[str]:
    names = [f"built_{number}" for number in range(len(wanted))]
    tables: dict[str, list[str]] = {}
    for name, (table, columns) in zip(names, wanted, strict=True):
        tables.setdefault(table, []).append(f"      {name}: {{columns: [{columns}]}}")
    lines = [line for table, each in tables.items() for line in (f"  public.{table}:", "    indexes:", *each)]
    desired = folder / "desired"
    desired.mkdir(exist_ok=True)
    (desired / "targets.yaml").write_text('targets:\n  main: {postgres: "${DATABASE_URL}", memory: 64GB}\n')
    (desired / "indexes.yaml").write_text("\n".join(["target: main", "tables:", *lines, ""]))
    statements = [
        f"create index concurrently {name} on {table} ({columns})"
        for name, (table, columns) in zip(names, wanted, strict=True)
    ]
    tool = [sys.executable, "-m", "reconciler", "--desired", str(desired)]
    plan = str(folder / "plan.json")

    def by_hand() -> None:
        _run([str(server.binaries / "psql"), "-X", "-q", *(f"-c{each}" for each in statements), server.url()])

    def applied(parallel: int) -> Callable[[], None]:
        return lambda: _run([*tool, "apply", plan, "--parallel", str(parallel)])

    found = []
    for way in (by_hand, applied(1), applied(2), applied(4)):
        taken = []
        for _ in range(runs):
            with psycopg.connect(server.url(), autocommit=True) as connection:
                for name in names:
                    connection.execute(f"drop index if exists {name}".encode())
                connection.execute("checkpoint")
            _run([*tool, "plan", "--out", plan])
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
        found.append(f"{min(taken):.1f} s")
    return found


def _run(words: list[str]) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise RuntimeError(f"{' '.join(words[:8])} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    end_in_order()
    main()
