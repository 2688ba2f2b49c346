"""Settings by which a server becomes slow for all, or fills its disk: by values far from what anybody runs it with.

What is ordinary is read off the manual, its defaults, and what people recommend; ten times beyond it is no tuning.
Memory is held against the machine's (see together).
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.risk.model import DISK, MILLIONS, Risk, stops, unsafe
from reconciler.kinds.pg_setting.risk.turns import above, below, to

_BLOAT = "dead rows pile up, and tables grow that need not"
_STALE = "statistics become stale, and plans bad with them"
_CRAWLS = "vacuum takes hours for what took minutes, and dead rows pile up meanwhile"
_PLANNING = "planning a statement with that many tables may take longer than it"
_SENSELESS = "what statements cost is estimated far from what they do, and their plans are bad"
_TO_DISK = "what fitted into memory no longer does, and is written to disk and read again"
_LOW_COUNT = "so few rows are looked at that statistics, and plans, are bad"

RISKS: Mapping[str, tuple[Risk, ...]] = {
    # Vacuum.
    "autovacuum_analyze_scale_factor": (unsafe(above(1), _STALE),),
    "autovacuum_analyze_threshold": (unsafe(above(MILLIONS), _STALE),),
    "autovacuum_vacuum_cost_delay": (unsafe(above(20), _CRAWLS),),
    "autovacuum_vacuum_cost_limit": (unsafe(below(100, -1), _CRAWLS),),
    "autovacuum_vacuum_insert_scale_factor": (unsafe(above(1), _BLOAT),),
    "autovacuum_vacuum_insert_threshold": (unsafe(above(100 * MILLIONS), "rows that are only added are frozen late"),),
    "autovacuum_vacuum_scale_factor": (unsafe(above(1), _BLOAT),),
    "autovacuum_vacuum_threshold": (unsafe(above(MILLIONS), _BLOAT),),
    "autovacuum_work_mem": (stops(below(8192, -1), "vacuum reads every index many times over"),),
    "gin_pending_list_limit": (stops(above(256 * 1024), "searches by GIN indexes read all that is not yet in them"),),
    "maintenance_work_mem": (stops(below(8192), "vacuum reads every index many times over, and builds are slow"),),
    "vacuum_cost_delay": (unsafe(above(20), _CRAWLS),),
    "vacuum_cost_limit": (unsafe(below(100), _CRAWLS),),
    "vacuum_cost_page_dirty": (unsafe(above(100), _CRAWLS),),
    "vacuum_cost_page_hit": (unsafe(above(20), _CRAWLS),),
    "vacuum_cost_page_miss": (unsafe(above(20), _CRAWLS),),
    "vacuum_defer_cleanup_age": (unsafe(above(100_000), _BLOAT),),

    # Memory and disk.
    "checkpoint_timeout": (stops(above(3600), "after a crash the server needs as long until it lets anybody in"),),
    "commit_delay": (stops(above(10_000), "every commit beside others waits that long"),),
    "max_wal_size": (
        stops(above(256 * 1024), DISK),
        stops(below(64), "the server writes all that has changed to disk again and again"),
    ),
    "min_wal_size": (stops(above(256 * 1024), DISK),),
    "shared_buffers": (stops(below(1024), "next to nothing stays in memory"),),
    "work_mem": (stops(below(1024), _TO_DISK),),

    # Plans.
    "cpu_index_tuple_cost": (stops(above(1), _SENSELESS),),
    "cpu_operator_cost": (stops(above(1), _SENSELESS),),
    "cpu_tuple_cost": (stops(above(1), _SENSELESS),),
    "default_statistics_target": (stops(below(10), _LOW_COUNT),),
    "enable_indexscan": (stops(to("off"), "rows that are found by an index are found by reading more"),),
    "enable_partition_pruning": (stops(to("off"), "every partition is read for what is in one"),),
    "from_collapse_limit": (stops(above(20), _PLANNING),),
    "geqo_generations": (stops(above(10_000), _PLANNING),),
    "geqo_pool_size": (stops(above(10_000), _PLANNING),),
    "geqo_threshold": (stops(above(20), _PLANNING),),
    "jit_above_cost": (stops(below(1000, -1), "every statement is compiled first, which takes longer than most run"),),
    "join_collapse_limit": (stops(above(20), _PLANNING),),
    "random_page_cost": (stops(above(40), _SENSELESS),),
    "seq_page_cost": (stops(above(40), _SENSELESS),),
}  # fmt: skip
"""By setting, as `table.RISKS`."""
