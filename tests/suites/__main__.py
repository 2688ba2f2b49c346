"""The command behind `make suites`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import fix_servers
import sweep

import suites
from reconciler.demo.postgres_server import PostgresServer
from reconciler.demo.server_binaries import embedded_postgres
from suites import comparison
from suites.databases import Databases
from suites.facts import FAULTS, Fact, Result, faults, table, told
from suites.scripts import BUILDS_INDEXES, Psql, scripts, text_of

SETTINGS = fix_servers.POSTGRES_SETTINGS | {
    "allow_in_place_tablespaces": "on",  # PostgreSQL's own tests make one
    "autovacuum": "off",
    "jit": "off",
    "log_min_messages": "fatal",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing is missed, falsely different or made different; 1: something is; 2: nothing was tried."""
    parser = argparse.ArgumentParser(description=suites.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, help="a folder of SQL files, or one file")
    parser.add_argument("--only", default="", metavar="PATTERN", help="of the files, those whose path it fits")
    parser.add_argument("--setup", type=Path, metavar="FILE", help="is run before each script, in its database")
    parser.add_argument("--in-order", action="store_true", help="all scripts in one database: migrations")
    parser.add_argument("--server", nargs="+", default=[], metavar="VERSION", help="13 to 18, or all; the newest")
    parser.add_argument("--seconds", type=float, default=120, help="that a script may take (120)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="where each fact is written, as a line of JSON")
    asked = parser.parse_args(arguments)
    chosen = scripts(asked.place, asked.only)
    groups = [chosen] if asked.in_order else [[path] for path in chosen if BUILDS_INDEXES.search(text_of(path))]
    servers = chosen_servers(asked.server)
    if not any(groups):
        parser.error(f"no script of {asked.place} builds an index")
    if not servers:
        parser.error(f"no such server is found; there are {', '.join(chosen_servers(['all']))}")
    found: list[Fact] = []
    with (asked.report or Path(os.devnull)).open("w", encoding="utf-8") as report:
        for fact in tried(servers, groups, asked.setup, asked.seconds):
            found.append(fact)
            print(fact.line(), file=report, flush=True)
    print(*table(found), *faults(found), *told(found), sep="\n")
    return exit_code(found)


def exit_code(found: Sequence[Fact]) -> int:
    """As `main` has it: where nothing was declared, nothing was tried."""
    results = {fact.result for fact in found}
    if not results.isdisjoint(FAULTS):
        return 1
    return 0 if Result.DECLARED in results else 2


def chosen_servers(versions: Sequence[str]) -> dict[str, Path]:
    """Folders of binaries by version, of those that the tests find; none is named: the newest."""
    there = dict(sorted(fix_servers.postgres_binaries().items(), key=lambda each: int(each[0].split(".")[0])))
    if versions == ["all"]:
        return there
    wanted = versions or list(there)[-1:]
    return {version: there[version] for version in there if {version, version.split(".")[0]} & set(wanted)}


def tried(
    servers: dict[str, Path], groups: Sequence[Sequence[Path]], setup: Path | None, seconds: float
) -> Iterator[Fact]:
    """All facts; nothing of the servers is left when it is over."""
    folder = Path(tempfile.mkdtemp(prefix=sweep.PREFIX, dir=fix_servers.fastest_folder()))
    folder.chmod(0o755)
    os.environ[sweep.MARK] = str(folder)
    watcher = sweep.Watcher(folder)
    try:
        for version, binaries in servers.items():
            server = PostgresServer(folder / version, binaries, SETTINGS)
            server.start()
            databases = Databases(server, folder / "desired")
            yield from of_server(databases, version, groups, setup, Psql(psql(), seconds))
            server.stop("immediate")
    finally:
        watcher.sweep()


def of_server(
    databases: Databases, version: str, groups: Sequence[Sequence[Path]], setup: Path | None, client: Psql
) -> Iterator[Fact]:
    """Each group of scripts in a database of its own."""
    template = databases.copy()
    if setup and not client.run(databases.url(template), setup):
        yield Fact(version, setup.name, Result.CUT_SHORT, "")
    for group in groups:
        label = group[0].name if len(group) == 1 else f"{group[0].name} to {group[-1].name}"
        print(f"{version}: {label}", file=sys.stderr, flush=True)
        try:
            name, suite = comparison.build(databases, template, client, group)
            for each in comparison.examine(databases, name, suite):
                yield Fact(version, label, *each)
            databases.drop(name)
        except Exception:  # the other scripts are tried, too
            yield Fact(version, label, Result.FAILED, "", "", traceback.format_exc())


def psql() -> Path:
    """That of the wheel, else the one on the PATH."""
    embedded = embedded_postgres() / "psql"
    return embedded if embedded.exists() else Path(shutil.which("psql") or "psql")


if __name__ == "__main__":
    sys.exit(main())
