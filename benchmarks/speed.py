"""How fast the command line is, beside psql reading the same catalogue in the same run.

    python benchmarks/speed.py [--runs 5] [--tables 1000]

Starts an embedded PostgreSQL and Redis on loopback, fills them, and times whole processes, in turn, so that a noisy
machine disturbs all alike. Medians; budgets are those of the design.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from catalogue import make_database, write_desired

from reconciler.demo import data
from reconciler.demo.embedded import embedded_postgres, embedded_redis
from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.redis_server import RedisServer

SEED = Path(__file__).parents[1] / "desired"
CATALOGUE = "select indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid, indisready from pg_index"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tables", type=int, default=1000, help="of the large catalogue, with 10 indexes each")
    asked = parser.parse_args()
    runs, tables = max(1, asked.runs), asked.tables
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off"})
    redis = RedisServer(folder / "redis", embedded_redis())
    try:
        postgres.start()
        redis.start()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("create database app")
            connection.execute("create database many")
        with psycopg.connect(postgres.url("app"), autocommit=True) as connection:
            data.load(connection, 20_000)
        with psycopg.connect(postgres.url("many"), autocommit=True) as connection:
            make_database(connection, tables)
        write_desired(folder / "many", tables)
        seed = {
            "DATABASE_URL": postgres.url("app"),
            "REDIS_URL": redis.url(password="benchmark"),
            "REDIS_PASSWORD": "benchmark",
            "APP_REDIS_PASSWORD": "benchmark",
        }
        many = {"DATABASE_URL": postgres.url("many")}
        program = [sys.executable, "-m", "reconciler"]
        made = subprocess.run(
            [*program, "--desired", SEED, "apply", "--yes", "--allow", "runs-programs"],
            env=os.environ | seed, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode != 0:
            sys.exit(f"the seed could not be applied:\n{made.stdout[-2000:]}{made.stderr}")
        psql = [postgres.binaries / "psql", "-X", "-q", "-A", "-t", "-o", os.devnull, "-c", CATALOGUE]
        of_many, in_sync = ["--desired", folder / "many"], ["plan", "--detailed-exitcode"]
        table(
            runs,
            [
                ("reconciler --help", [*program, "--help"], {}, 0.15),
                ("plan of the seed, in sync", [*program, "--desired", SEED, *in_sync], seed, 0.7),
                ("psql, the same catalogue", [*psql, postgres.url("app")], {}, None),
                (
                    f"plan of {10 * tables:,} indexes, in sync",
                    [*program, *of_many, *in_sync],
                    many,
                    2.0,
                ),
                ("psql, the same catalogue", [*psql, postgres.url("many")], {}, None),
            ],
        )
    finally:
        redis.stop()
        postgres.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def table(runs: int, rows: Sequence[tuple[str, Sequence[str | Path], Mapping[str, str], float | None]]) -> None:
    """Times every row once to warm up and `runs` times to count, row after row, and prints medians."""
    seconds: list[list[float]] = [[] for _ in rows]
    for run in range(runs + 1):
        for taken, (name, command, environment, _) in zip(seconds, rows, strict=True):
            started = time.perf_counter()
            done = subprocess.run(command, env=os.environ | environment, check=False, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr}")
            if run:
                taken.append(time.perf_counter() - started)
    print(f"{'whole process, seconds':34} {'min':>7} {'median':>7} {'max':>7} {'budget':>7}")
    for taken, (name, _, _, budget) in zip(seconds, rows, strict=True):
        limit = f"{budget:7.2f}" if budget else f"{'':>7}"
        print(f"{name:34} {min(taken):7.2f} {statistics.median(taken):7.2f} {max(taken):7.2f} {limit}")


if __name__ == "__main__":
    main()
