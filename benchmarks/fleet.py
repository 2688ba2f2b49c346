"""How long a fleet takes: many databases on one server, and three addresses that do not answer.

    python benchmarks/fleet.py [--databases 497] [--runs 1] [--jobs 16]

Starts an embedded PostgreSQL on loopback with so many databases, each with a table and two indexes (7 MB of disk each),
and beside it one address that refuses, one that accepts and is silent, and one that stops after its first answer, which
is the one to the log-in. Then runs `plan`, `drift` and `check` on all of them, and prints for each the seconds, the
processor's seconds of it and of the server's sessions, the most memory, and how many verdicts and errors it gave. Fails
where one is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from ending import end_in_order

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_binaries import embedded_postgres

SILENT = ("refuses", "is_silent", "stops")

TABLE = """
create table orders (id bigint primary key, customer bigint not null, status text not null, created_at timestamptz);
create index orders_customer_idx on orders (customer);
create index orders_open_idx on orders (created_at) where status in ('new', 'open');
"""

DECLARED = """---
target: {name}
tables:
  public.orders:
    indexes:
      orders_customer_idx: {{columns: [customer]}}
      orders_open_idx: {{columns: [created_at], where: "status in ('new', 'open')"}}
{more}checklist:
  - {{id: pages, title: Pages are checked, check: {{pg_setting: data_checksums, equals: "off"}}}}
"""

MORE = "      orders_status_idx: {columns: [status, created_at desc]}\n"
"""Of every tenth database one index is missing."""


class Took(NamedTuple):
    """What one process took."""

    seconds: float
    cpu: float
    megabytes: float
    server: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", type=int, default=497)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=16)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off", "max_connections": "100"})
    try:
        postgres.start()
        names = make_databases(postgres, asked.databases)
        with unanswering(postgres.port) as ports:
            write_desired(folder / "desired", postgres, names, ports)
            table(folder / "desired", len(names), max(1, asked.runs), asked.jobs, _postmaster(postgres))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _postmaster(postgres: PostgresServer) -> int:
    return int((postgres.data / "postmaster.pid").read_text().splitlines()[0])


def make_databases(postgres: PostgresServer, count: int) -> Sequence[str]:
    names = [f"db_{number:03}" for number in range(count)]
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create database the_template")
        with psycopg.connect(postgres.url("the_template"), autocommit=True) as of_template:
            of_template.execute(TABLE)
        for name in names:
            connection.execute(f"create database {name} template the_template")
    return names


def write_desired(folder: Path, postgres: PostgresServer, names: Sequence[str], ports: Sequence[int]) -> None:
    folder.mkdir()
    urls = {name: postgres.url(name) for name in names}
    for name, port in zip(SILENT, ports, strict=True):
        urls[name] = f"postgresql://postgres@127.0.0.1:{port}/{names[0]}?sslmode=disable"
    lines = ["targets:", *(f"  {name}: {{postgres: {json.dumps(url)}}}" for name, url in urls.items())]
    (folder / "targets.yaml").write_text("\n".join(lines) + "\n")
    documents = [DECLARED.format(name=name, more="" if place % 10 else MORE) for place, name in enumerate(urls)]
    (folder / "all.yaml").write_text("".join(documents))


@contextmanager
def unanswering(port: int) -> Iterator[Sequence[int]]:
    """The ports of SILENT: one that nobody listens on, one that accepts and says nothing, and one that passes on what
    the server behind `port` says until that has nothing more to say, and nothing from then on."""
    kept: list[socket.socket] = []
    with socket.socket() as nobody, socket.create_server(("127.0.0.1", 0)) as mute:
        nobody.bind(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as stopping:
            threading.Thread(target=_stop_after_an_answer, args=(stopping, port, kept), daemon=True).start()
            try:
                yield [each.getsockname()[1] for each in (nobody, mute, stopping)]
            finally:
                for each in kept:
                    each.close()


def _stop_after_an_answer(listening: socket.socket, port: int, kept: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            server = socket.create_connection(("127.0.0.1", port))
            kept += [client, server]
            server.sendall(client.recv(65_536))
            server.settimeout(1)
            with suppress(TimeoutError):
                while answer := server.recv(65_536):
                    client.sendall(answer)


def table(desired: Path, databases: int, runs: int, jobs: int, postmaster: int) -> None:
    """Prints what each verb took, and whether it told of everything."""
    print(f"{'whole process':<28} {'s':>6} {'cpu s':>6} {'server':>6} {'MB':>6}  verdicts")
    for verb in ("plan", "drift", "check"):
        took, told = [], ""
        for _ in range(runs):
            code, out, one = run([verb, "--format", "json", "--jobs", str(jobs)], desired, postmaster)
            took.append(one)
            told = _told(json.loads(out), databases) if code == 1 and out else f"exit code {code}"
        middle = Took(*(statistics.median(each) for each in zip(*took, strict=True)))
        print(
            f"{verb:<28} {middle.seconds:>6.1f} {middle.cpu:>6.1f} {middle.server:>6.1f} {middle.megabytes:>6.0f}",
            told,
        )


def _told(content: dict[str, Any], databases: int) -> str:
    unread = content["unreachable"]
    if "targets" in content:
        found = Counter(each["verdict"] for each in content["targets"].values())
    else:
        found = Counter(check["verdict"] for check in content["checks"])
        found["undecided"] -= len(unread)
    if found.total() != databases or sorted(each["target"] for each in unread) != sorted(SILENT):
        sys.exit(f"not all was told: {found}, unreachable {unread}")
    reasons = ", ".join(f"{each['target']} {each['reason']}" for each in unread)
    return f"{', '.join(f'{count} {name}' for name, count in found.items() if count)}; {len(unread)} errors: {reasons}"


def run(arguments: Sequence[str], desired: Path, postmaster: int) -> tuple[int, str, Took]:
    """Exit code, standard output and costs of one process, and what the server worked for it."""
    before = _worked(postmaster)
    program = [sys.executable, "-m", "reconciler", "--desired", str(desired), *arguments]
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(program, stdout=out, stderr=err, env=os.environ)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        text = out.read().decode()
        if not text:
            print(err.read().decode()[-2000:], file=sys.stderr)
    return code, text, Took(seconds, used.ru_utime + used.ru_stime, _megabytes(used), _worked(postmaster) - before)


def _worked(postmaster: int) -> float:
    """Seconds of the processor that the sessions of a server took which are over; 0 where Linux does not tell."""
    with suppress(OSError):
        fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    end_in_order()
    main()
