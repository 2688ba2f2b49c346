"""Shared memory and processes: what the server asks the machine for when it starts.

Decided: docs/decisions.md#shared-memory
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.formulas.memory_amounts import about, format_bytes
from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen
from reconciler.kinds.pg_setting.values import Canonical

BUFFER = 8560
"""Bytes for a page of shared_buffers: the page, its descriptor, and its entries in the lookup and checkpoint tables."""

SLRU_BUFFER = 8360
"""Bytes for a page of transaction_buffers and its like (17)."""

LOCK, PREDICATE_LOCK = 410, 260
"""Bytes for one slot of max_locks_per_transaction and max_pred_locks_per_transaction."""

PROCESS = 6500
"""Bytes for a server process beside its locks and its query: PGPROC, its status, its signals."""

SMALL = 512 << 20
"""Bytes that any machine has which runs PostgreSQL at all."""

MOST_PROCESSES = 2**18 - 1
"""MAX_BACKENDS in postmaster.h and procnumber.h."""

_SLRUS = (
    "commit_timestamp_buffers", "multixact_member_buffers", "multixact_offset_buffers", "notify_buffers",
    "serializable_buffers", "subtransaction_buffers", "transaction_buffers",
)  # fmt: skip

_WORKERS = ("autovacuum_worker_slots", "max_worker_processes", "max_wal_senders")

PROCESSES = frozenset({"autovacuum_max_workers", "max_connections", *_WORKERS})

SHARED = frozenset(
    {
        "io_max_combine_limit", "io_max_concurrency", "max_active_replication_origins", "max_locks_per_transaction",
        "max_pred_locks_per_transaction", "max_prepared_transactions", "max_replication_slots",
        "min_dynamic_shared_memory", "pg_stat_statements.max", "shared_buffers", "track_activity_query_size",
        "wal_buffers", *PROCESSES, *_SLRUS,
    }
)  # fmt: skip
"""Settings that the size of shared memory depends on."""

HUGE = frozenset({"huge_page_size", "huge_pages", "shared_memory_type"})


def shared(values: Mapping[str, Canonical]) -> int:
    """Bytes of shared memory that a server with these values asks for: the sum of what each setting costs.

    The costs were read off servers, 13 to 18, one setting at a time: `postgres -C shared_memory_size` from 15 on, the
    sum of pg_shmem_allocations before. A test holds the sum against the servers' own.
    """

    def number(name: str) -> int:
        value = values.get(name, 0)
        return int(value) if isinstance(value, int | float) else 0

    buffers = number("shared_buffers")
    backends = _processes(values) + 3
    others = 40 if "io_max_concurrency" in values else 8
    transactions = backends + number("max_prepared_transactions")
    wal = number("wal_buffers")
    per_transaction = (
        PROCESS + LOCK * number("max_locks_per_transaction") + PREDICATE_LOCK * number("max_pred_locks_per_transaction")
    )
    slrus = [number(name) or min(buffers // 512, 1024) for name in _SLRUS if name in values]
    concurrency = number("io_max_concurrency")
    if concurrency < 0:
        concurrency = min(64, max(1, buffers // (backends + others)))
    return (
        (5 << 20)
        + BUFFER * buffers
        + transactions * per_transaction
        + (backends + others) * (number("track_activity_query_size") + 1024)
        + 8200 * (wal if wal >= 0 else min(buffers // 32, 2048))
        + (number("min_dynamic_shared_memory") << 20)
        + 320 * (number("max_replication_slots") + number("max_active_replication_origins"))
        + SLRU_BUFFER * sum(slrus)
        + (backends + others) * concurrency * (150 + 24 * number("io_max_combine_limit"))
        + 460 * number("pg_stat_statements.max")
    )


def fits(start: Start) -> str:
    """Whether the machine has as much memory as the server will ask for.

    Linux refuses a mapping that exceeds all of memory (overcommit_memory 0). What the server has got already, it can
    have again.
    """
    if "shared_buffers" not in start.coming or "shared_buffers" not in start.now:
        return ""
    need, now = shared(start.coming), shared(start.now)
    if need <= max(now, SMALL):
        return ""
    memory = start.around.memory
    asked = f"its shared memory would come to {about(need)}"
    if memory is None or now >= memory:
        if need <= now * 1.1:
            return ""
        there = "how much memory the machine has cannot be seen" if memory is None else "the memory declared is wrong"
        return f"{asked} instead of {about(now)}, and {there}: declare memory in the target"
    if need < memory:
        return ""
    return f"{asked}, and the machine has {about(memory)} of memory: lower {_largest(start)}"


def processes(start: Start) -> str:
    """Whether there are no more processes than the server can number."""
    count = _processes(start.coming) + (2 if "autovacuum_worker_slots" in start.coming else 1)
    if count <= MOST_PROCESSES:
        return ""
    parts = " + ".join(
        f"{name} ({start.coming[name]})"
        for name in ("max_connections", _slots(start.coming), "max_worker_processes", "max_wal_senders")
        if name in start.coming
    )
    return f"{parts} must be less than {MOST_PROCESSES}: lower one of them"


def huge_pages(start: Start) -> str:
    """Whether huge pages are there if the server must have them."""
    if start.text("huge_pages") != "on":
        return ""
    if start.text("shared_memory_type") not in ("", "mmap"):
        return "huge_pages on needs shared_memory_type mmap: declare that, or huge_pages: try"
    size = start.number("huge_page_size") * 1024
    pages = start.around.huge_pages
    if pages is None:
        return Unseen("whether the machine has enough huge pages could not be seen")
    if size and size != pages.size:
        return (
            f"how many huge pages of {format_bytes(size)} there are cannot be seen, only those of "
            f"{format_bytes(pages.size)}: declare huge_pages: try, or huge_page_size: 0"
        )
    # The server gives back those that it has now before it asks again.
    there = (pages.total if start.now.get("huge_pages") == "on" else pages.free) * pages.size
    need = shared(start.coming)
    if need <= there:
        return ""
    return (
        f"huge_pages on needs {about(need)} of huge pages, and {format_bytes(there)} are free: "
        f"raise vm.nr_hugepages to {-(-need // pages.size) + pages.total - pages.free}, or declare huge_pages: try"
    )


def _slots(values: Mapping[str, Canonical]) -> str:
    """From 18 on the number of autovacuum's processes at a start has a setting of its own."""
    return "autovacuum_worker_slots" if "autovacuum_worker_slots" in values else "autovacuum_max_workers"


def _processes(values: Mapping[str, Canonical]) -> int:
    names = ("max_connections", _slots(values), "max_worker_processes", "max_wal_senders")
    return sum(value for name in names if isinstance(value := values.get(name), int))


def _largest(start: Start) -> str:
    """The setting without whose growth most of the growth would not be; the one to change, where none grows."""
    grown = [name for name in sorted(SHARED) if name in start.now and start.differs(name)]
    costs = {name: shared(start.coming) - shared({**start.coming, name: start.now[name]}) for name in grown}
    return max(costs, key=lambda name: costs[name]) if costs else start.name
