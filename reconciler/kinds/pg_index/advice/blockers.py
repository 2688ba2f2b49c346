"""Who the concurrent steps of a plan would wait for, if they began at this moment.

Seen on 13 to 18: CREATE and REINDEX INDEX CONCURRENTLY wait for every snapshot that is held in their own database,
whatever it reads; CREATE for whoever has written to its table, DROP and REINDEX for whoever has touched it at all. A
prepared transaction counts by its locks alone, and autovacuum steps aside unless it prevents wraparound. Snapshots of
other databases, of VACUUM and of standbys, and replication slots, keep nobody waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, BoundedQueries, Refused
from reconciler.insight.candidate import Name
from reconciler.insight.table_sizes import TableSize
from reconciler.kinds.pg_index.advice.planned_statements import Command, Work
from reconciler.model import Address, Notice, NoticeType
from reconciler.targets.postgres.redacted_statements import blocker
from reconciler.targets.postgres.session import Row

LONG_SECONDS = 60.0
"""Transactions from this age on are told: shorter ones are the ordinary life of a server, and over soon."""

MOST_TOLD = 10
"""Sessions that are told one by one; the longest first."""

_COMPATIBLE = ("AccessShareLock", "RowShareLock")
"""Of locks on a table, those that CREATE INDEX CONCURRENTLY does not wait for."""

# Builds of plain indexes do not wait for each other's snapshots since 14. Of other roles' sessions, a role without
# pg_read_all_stats sees the snapshot and the locks, and neither age nor statement.
_SESSIONS = """
    select a.pid, coalesce(a.usename, '?') as user, coalesce(a.application_name, '') as application,
           coalesce(a.state, '?') as state, coalesce(a.query, '') as query,
           a.query = '<insufficient privilege>' as hidden,
           extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.query_start))::pg_catalog.float8
               as seconds,
           a.query like 'autovacuum: %%(to prevent wraparound)' as wraparound,
           a.query like 'autovacuum: %%' as autovacuum,
           a.backend_xmin is not null
               and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
               and not exists (
                   select from pg_catalog.pg_stat_progress_create_index p
                   join pg_catalog.pg_index x on x.indexrelid = p.index_relid
                   where p.pid = a.pid and p.command like '%%CONCURRENTLY' and x.indexprs is null and x.indpred is null
                     and pg_catalog.current_setting('server_version_num')::int >= 140000) as snapshot
    from pg_catalog.pg_stat_activity a
    where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
      and coalesce(a.backend_type, '') <> 'parallel worker'
      and (a.backend_xmin is not null
           or a.pid in (select l.pid from pg_catalog.pg_locks l
                        where l.locktype = 'relation' and l.granted
                              and l.relation = any (%(relations)s::pg_catalog.oid[])))
"""

# A prepared transaction has no process; its lock on its own transaction tells which one it is.
_LOCKS = """
    select l.pid, l.relation::pg_catalog.int8 as relation, pg_catalog.array_agg(distinct l.mode) as modes,
           x.gid, x.owner,
           extract(epoch from pg_catalog.clock_timestamp() - x.prepared)::pg_catalog.float8 as seconds
    from pg_catalog.pg_locks l
    left join pg_catalog.pg_locks own on l.pid is null and own.pid is null and own.locktype = 'transactionid'
      and own.virtualtransaction = l.virtualtransaction
    left join pg_catalog.pg_prepared_xacts x on x.transaction = own.transactionid
    where l.locktype = 'relation' and l.granted and l.relation = any (%(relations)s::pg_catalog.oid[])
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and l.pid is distinct from pg_catalog.pg_backend_pid()
    group by l.pid, l.relation, x.gid, x.owner, x.prepared
"""


class _Held(NamedTuple):
    """A lock that a step would wait for: on which table, and the changes whose steps would."""

    table: TableSize
    addresses: tuple[Address, ...]


def waits(bounded: BoundedQueries, works: Sequence[Work], sizes: Mapping[Name, TableSize]) -> list[Notice]:
    """A notice for each session and prepared transaction that would be waited for. Raises ConnectionFailed."""
    if not any(work.commands for work in works):
        return []
    sites = {table.oid: table for work in works for _, table in _sites(work, sizes)}
    asked = {"relations": list(sites)}
    locks, sessions = bounded.all([(_LOCKS, asked), (_SESSIONS, asked)], seconds=CATALOGUE_SECONDS)
    if isinstance(locks, Refused) or isinstance(sessions, Refused):
        why = next(each.message for each in (locks, sessions) if isinstance(each, Refused))
        return [_everywhere(works, f"who would be waited for is not known: {why}")]
    held: dict[int | str, list[_Held]] = {}
    for row in locks:
        table = sites[row["relation"]]
        waiting = tuple(work.change.address for work in works if _conflicts(work, table, sizes, row["modes"]))
        if waiting:
            held.setdefault(row["pid"] or row["gid"] or "", []).append(_Held(table, waiting))
    snapshots = any(command.verb != "drop" for work in works for command in work.commands)
    hide = bounded.session.target.hide_values
    told = [
        *_prepared(works, locks, held),
        *_told(works, sessions, held, snapshots=snapshots, hide=hide),
    ]
    return [*told, *_unseen(works, sessions, held, bounded.session.role, snapshots=snapshots)]


def _sites(work: Work, sizes: Mapping[Name, TableSize]) -> Iterator[tuple[Command, TableSize]]:
    """The tables that concurrent statements work on; one about an index that is not there yet is about the table's."""
    for command in work.commands:
        table = sizes.get((command.schema, command.name)) or sizes.get(work.table)
        if table is not None:
            yield command, table


def _conflicts(work: Work, table: TableSize, sizes: Mapping[Name, TableSize], modes: Sequence[str]) -> bool:
    return any(
        site.oid == table.oid and (command.verb != "create" or not set(modes) <= set(_COMPATIBLE))
        for command, site in _sites(work, sizes)
    )


def _prepared(
    works: Sequence[Work], locks: Sequence[Row], held: Mapping[int | str, Sequence[_Held]]
) -> Iterator[Notice]:
    seen = {row["gid"]: row for row in locks if row["gid"]}
    for gid, row in sorted(seen.items()):
        if gid in held:
            who = blocker(0, row["owner"], gid, "prepared", "", row["seconds"])
            yield _about(works, held[gid], f"{who}, has locked {_tables(held[gid])}: steps wait until it is finished")


def _told(
    works: Sequence[Work],
    sessions: Sequence[Row],
    held: Mapping[int | str, Sequence[_Held]],
    *,
    snapshots: bool,
    hide: bool,
) -> Iterator[Notice]:
    found = []
    for row in sessions:
        locked = held.get(row["pid"], ())
        if row["hidden"] or not (locked or (row["snapshot"] and snapshots)):
            continue
        if row["autovacuum"] and not (row["wraparound"] and locked):
            continue
        if row["wraparound"] or (row["seconds"] or 0.0) >= LONG_SECONDS:
            found.append((row, locked))
    found.sort(key=lambda each: -(each[0]["seconds"] or 0.0))
    for row, locked in found[:MOST_TOLD]:
        who = blocker(
            row["pid"],
            row["user"],
            row["application"],
            row["state"],
            row["query"],
            row["seconds"] or 0.0,
            hide_numbers=hide,
        )
        if row["wraparound"]:
            yield _about(
                works,
                locked,
                f"process {row['pid']} vacuums {_tables(locked)} to prevent wraparound, "
                f"for {row['seconds'] or 0:.0f} s: it does not step aside, and steps wait until it is done",
            )
        elif row["snapshot"] and snapshots:
            yield _everywhere(works, f"every concurrent build waits until it ends: {who}")
        else:
            yield _about(works, locked, f"it has locked {_tables(locked)}, and steps wait until it ends: {who}")
    if len(found) > MOST_TOLD:
        yield _everywhere(works, f"{len(found) - MOST_TOLD} more long transactions would be waited for")


def _unseen(
    works: Sequence[Work],
    sessions: Sequence[Row],
    held: Mapping[int | str, Sequence[_Held]],
    role: str,
    *,
    snapshots: bool,
) -> Iterator[Notice]:
    pids = [
        str(row["pid"]) for row in sessions if row["hidden"] and (row["pid"] in held or (row["snapshot"] and snapshots))
    ]
    if pids:
        more = f" and {len(pids) - MOST_TOLD} more" if len(pids) > MOST_TOLD else ""
        yield _everywhere(
            works,
            f"would be waited for, and for how long they have run is not visible to role {role}: "
            f"process {', '.join(pids[:MOST_TOLD])}{more}; grant pg_read_all_stats to {role} to see it",
        )


def _tables(held: Sequence[_Held]) -> str:
    return ", ".join(sorted({f"{each.table.schema}.{each.table.name}" for each in held}))


def _about(works: Sequence[Work], held: Sequence[_Held], message: str) -> Notice:
    """Under the one change that it concerns; under the target where there are several."""
    addresses = {address for each in held for address in each.addresses}
    if len(addresses) != 1:
        return _everywhere(works, message)
    [work] = [work for work in works if work.change.address in addresses]
    return Notice(
        address=work.change.address,
        type=NoticeType.PREFLIGHT,
        message=message,
        declared_at=work.change.declared_at,
    )


def _everywhere(works: Sequence[Work], message: str) -> Notice:
    address = works[0].change.address
    return Notice(
        address=Address(address.target, address.kind, "*"),
        type=NoticeType.PREFLIGHT,
        message=message,
    )
