"""How many indexes a server can build at once.

Decided: docs/decisions.md#builds-at-once
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

MEMORY_SHARE = 4
"""Builds together may take a quarter of the memory: shared_buffers usually has another, and queries and the
operating system's cache live on the rest."""

CONNECTIONS_SHARE = 10
"""All sessions of an apply take no more than a tenth of the connections that are free: the others are for those who
work there."""

BESIDE_BUILDS = 2
"""Sessions of an apply on one server beside those that build: the one that holds its lock, and the one that looks."""

# A role may have a maintenance_work_mem of its own; this session is the same role's as the one that builds.
# numbackends, and not pg_stat_activity, since it counts the sessions of other users for everybody.
_READ = """
    select pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) as each,
           pg_catalog.current_setting('maintenance_work_mem') as shown,
           pg_catalog.current_setting('max_connections')::int as connections,
           pg_catalog.current_setting('superuser_reserved_connections')::int
               + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int as reserved,
           (select coalesce(pg_catalog.sum(numbackends), 0)::int from pg_catalog.pg_stat_database) as taken
"""


class Bound(NamedTuple):
    """`builds` at once, and a sentence about why that is less than asked; empty where it is not."""

    builds: int
    why: str


def bound(session: PostgresSession, asked: int) -> Bound:
    """How many of `asked` builds may run at once: at least one. Raises TargetError.

    maintenance_work_mem bounds a whole CREATE INDEX, its parallel workers included (PostgreSQL's documentation of
    max_parallel_maintenance_workers, "Resource Consumption"): builds × maintenance_work_mem is the memory they take.
    Workers do not bound it: where max_parallel_workers are at work already, a build goes on with fewer.
    """
    asked_beside = session.beside(_READ)
    memory = session.memory()  # where the server is asked for it, both are one round trip
    [row] = session.answer(asked_beside)
    by_memory = asked if memory is None else memory // MEMORY_SHARE // row["each"]
    free = row["connections"] - row["reserved"] - row["taken"]
    by_connections = free // CONNECTIONS_SHARE - BESIDE_BUILDS
    builds = max(1, min(asked, by_memory, by_connections))
    if builds == asked:
        return Bound(asked, "")
    if by_memory <= by_connections:
        why = (
            f"each may take maintenance_work_mem ({row['shown']}), and together they take no more than a quarter of the"
            f" memory ({(memory or 0) >> 20} MB)"
        )
    else:
        why = f"an apply takes no more than a tenth of the connections that are free ({free} of {row['connections']})"
    return Bound(builds, f"builds at once: {builds} instead of {asked}, since {why}")
