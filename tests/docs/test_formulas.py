"""The formulas in the manual, worked out on live servers of the oldest and the newest version."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters.ports import lasting_port
from docs.pages import marked
from fix_servers import postgres_binaries, version_of
from live import changes, converge
from waiting import reload

from reconciler.demo.postgres_server import PostgresServer
from reconciler.desired.load import load
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.registry import KINDS
from reconciler.secrets import Secrets

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "yaml.md"
COLUMNS = {"web": None, "oltp": 1, "dw": 2, "mixed": 3}

_numbers = itertools.count()


@pytest.fixture
def own(postgres: PostgresServer, folder: Path) -> Iterator[PostgresServer]:
    """A server of one's own, to restart."""
    server = PostgresServer(
        folder / f"pgtune-{next(_numbers)}",
        postgres_binaries()[version_of(postgres.binaries / "postgres")],
        {"fsync": "off"},
    )
    server.port = lasting_port()
    server.start()
    yield server
    server.stop("immediate")


def declared(use: str, folder: Path, url: str, memory: str, cpus: str):
    """The documented declarations for `use`, on a target of this size."""
    text = marked("pgtune").replace("memory: 16GB, cpus: 8", f"memory: {memory}, cpus: {cpus}")
    for setting, *others in re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", MANUAL.read_text("utf-8"), re.M):
        if COLUMNS[use] is None or others[COLUMNS[use] - 1] == "as above":
            continue
        value = others[COLUMNS[use] - 1] if others[COLUMNS[use] - 1] != "as dw" else others[COLUMNS["dw"] - 1]
        text, found = re.subn(rf"^  {setting}: .*$", f"  {setting}: {value.strip('`')}", text, flags=re.M)
        assert found == 1, setting
    (folder / "pgtune.yaml").write_text(text, encoding="utf-8")
    env = {"DATABASE_URL": url}
    desired = load(folder, KINDS, env, Secrets(env))
    return desired.targets["main"], desired.resources


def pgtune(use: str, memory: int, cpus: int) -> dict[str, int]:
    """What pgtune says, in kB and in numbers. `memory` in kB."""
    connections = {"web": 200, "oltp": 300, "dw": 40, "mixed": 100}[use]
    buffers = memory // 4
    return {
        "max_connections": connections,
        "shared_buffers": buffers,
        "effective_cache_size": memory * 3 // 4,
        "maintenance_work_mem": min(2 << 20, memory // (8 if use == "dw" else 16)),
        "wal_buffers": max(32, min(16 << 10, 3 * buffers // 100)),
        "default_statistics_target": 500 if use == "dw" else 100,
        "work_mem": max(
            64, int((memory - buffers) / ((connections + cpus) * 3) / (2 if use in ("dw", "mixed") else 1))
        ),
        "min_wal_size": {"oltp": 2 << 20, "dw": 4 << 20}.get(use, 1 << 20),
        "max_wal_size": {"oltp": 8 << 20, "dw": 16 << 20}.get(use, 4 << 20),
        "max_worker_processes": cpus,
        "max_parallel_workers": cpus,
        "max_parallel_workers_per_gather": -(-cpus // 2) if use == "dw" else min(4, -(-cpus // 2)),
        "max_parallel_maintenance_workers": min(4, -(-cpus // 2)),
    }


def counted(sql, name: str, text: str) -> int:
    """In kB where the setting is an amount."""
    query = "select pg_size_bytes(%s) / case when unit is null then 1 else 1024 end from pg_settings where name = %s"
    return sql.execute(query, [text, name]).fetchone()[0]


@pytest.mark.parametrize("use", COLUMNS)
@pytest.mark.parametrize(("memory", "cpus"), [(16, 8), (2, 4), (256, 17)])
def test_the_documented_formulas_come_to_what_pgtune_says(sql, database, tmp_path, monkeypatch, use, memory, cpus):
    # The declared memory is that of another machine: what this one has is not looked at.
    monkeypatch.setattr("reconciler.kinds.pg_setting.observing.surroundings._contents", lambda session, paths: {})
    target, resources = declared(use, tmp_path, database, f"{memory}GB", str(cpus))
    planned = {change.address.name: change.steps[0].statements[0] for change in changes(KIND, target, resources)}
    for name, expected in pgtune(use, memory << 20, cpus).items():
        text = (
            re.search(r"= '(.+)'", planned[name])[1] if name in planned else sql.execute(f"show {name}").fetchone()[0]
        )
        found = counted(sql, name, text)
        [(unit,)] = sql.execute("select unit from pg_settings where name = %s", [name]).fetchall()
        # pgtune counts in kB, and the server in blocks of 8 kB.
        assert 0 <= expected - found < (8 if unit == "8kB" else 1), name


@pytest.mark.parametrize("use", COLUMNS)
def test_the_documented_formulas_converge_over_a_restart(own, tmp_path, use):
    target, resources = declared(use, tmp_path, own.url(), "2GB", "4")
    converge(KIND, target, resources)
    own.restart()
    assert changes(KIND, target, resources) == []


def test_the_documented_examples_note_is_the_programs(sql, database, tmp_path):
    (tmp_path / "targets.yaml").write_text(
        f"targets: {{main: {{postgres: '{database}', memory: 16GB, cpus: 8}}}}", encoding="utf-8"
    )
    (tmp_path / "settings.yaml").write_text(marked("formulas"), encoding="utf-8")
    desired = load(tmp_path, KINDS, {}, Secrets({}))
    planned = {change.address.name: change for change in changes(KIND, desired.targets["main"], desired.resources)}
    manual = MANUAL.read_text(encoding="utf-8")
    assert planned["work_mem"].summary in manual
    assert "; ".join(planned["work_mem"].notes[:2]) in manual
    converge(KIND, desired.targets["main"], desired.resources)
    sql.execute("alter system reset all")
    reload(sql)
