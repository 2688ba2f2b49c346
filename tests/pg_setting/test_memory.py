"""How much shared memory a server asks for, against what the server itself says."""

from __future__ import annotations

import pytest
from fix_servers import _numbers, postgres_binaries, version_of

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_setting.startup.memory import SHARED, shared

PAGES = {"io_max_combine_limit", "notify_buffers", "shared_buffers", "transaction_buffers", "wal_buffers"}
UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}

MEMORY_CASES = [
    {},
    {"shared_buffers": "1GB"},
    {"max_connections": "5000"},
    {"max_connections": "5000", "max_locks_per_transaction": "1000"},
    {"max_connections": "2000", "track_activity_query_size": "100kB"},
    {"max_pred_locks_per_transaction": "10000"},
    {"max_prepared_transactions": "5000"},
    {"max_worker_processes": "5000", "max_wal_senders": "3000"},
    {"wal_buffers": "512MB"},
    {"max_replication_slots": "50000"},
    {"min_dynamic_shared_memory": "1000MB"},
    {"transaction_buffers": "1GB", "notify_buffers": "512MB"},
    {"max_connections": "3000", "io_max_concurrency": "1024", "io_max_combine_limit": "1MB"},
    {"autovacuum_worker_slots": "3000"},
]


@pytest.mark.matrix
@pytest.mark.pg(">= 15")
def test_shared_memory_is_estimated_as_the_server_counts_it(postgres, folder, sql):
    """`postgres -C` computes without starting: no less is estimated, and at most a tenth and 20MB more."""
    rows = sql.execute("select lower(name), boot_val, setting from pg_settings where vartype = 'integer'").fetchall()
    defaults = {name: int(boot if boot == "-1" else setting, 0) for name, boot, setting in rows if name in SHARED}
    binaries = postgres_binaries()[version_of(postgres.binaries / "postgres")]
    server = PostgresServer(folder / f"counted-{next(_numbers)}", binaries)
    server._initialise()
    defaults["max_prepared_transactions"] = 0  # the shared server has some
    wrong = []
    for case in MEMORY_CASES:
        if not case.keys() <= defaults.keys():
            continue
        lines = "".join(f"{name} = '{text}'\n" for name, text in case.items())
        (server.data / "postgresql.auto.conf").write_text(lines)
        counted = int(server._run("postgres", "-D", server.data, "-C", "shared_memory_size").stdout.split()[-1]) << 20
        estimated = shared(defaults | {name: number(name, text) for name, text in case.items()})
        if not counted * 0.98 <= estimated <= counted * 1.1 + (20 << 20):
            wrong.append((case, counted >> 20, estimated >> 20))
    assert wrong == []


def number(name: str, text: str) -> int:
    """`text` in the setting's own unit."""
    if text[-2:] not in UNITS:
        return int(text)
    unit = 8192 if name in PAGES else 1 << 20 if name == "min_dynamic_shared_memory" else 1
    return int(text[:-2]) * UNITS[text[-2:]] // unit
