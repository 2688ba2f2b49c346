"""How much a PostgreSQL bears at this moment, asked beside what is asked anyway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.insight.data_directory import free, is_here
from reconciler.model import Headroom, Replica

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession, Row

_REPLICAS_AND_DATA = """
    select pg_catalog.pg_has_role('pg_read_all_stats', 'usage')
               or not exists (select from pg_catalog.pg_stat_replication) as replicas_seen,
           array(select r.application_name from replica r order by r.pid) as names,
           array(select r.behind from replica r order by r.pid) as behind,
           array(select r.late from replica r order by r.pid) as late,
           case when pg_catalog.pg_has_role('pg_read_all_settings', 'usage')
                then pg_catalog.current_setting('data_directory') end as data,
           pg_catalog.current_setting('port') as port,
           extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8 as started,
           array(select pg_catalog.pg_tablespace_location(oid) from pg_catalog.pg_tablespace) as tablespaces
"""

_REPLICAS = """
    with written (lsn) as (
        select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                    else pg_catalog.pg_current_wal_lsn() end
    ), replica as (
        select s.pid, s.application_name::pg_catalog.text as application_name,
               greatest(pg_catalog.pg_wal_lsn_diff(w.lsn, s.replay_lsn), 0)::pg_catalog.int8 as behind,
               coalesce(extract(epoch from case when s.replay_lsn >= w.lsn then interval '0'
                                                else coalesce(s.replay_lag,
                                                              pg_catalog.clock_timestamp() - s.reply_time) end),
                        0)::pg_catalog.float8 as late
        from pg_catalog.pg_stat_replication s cross join written w
        where s.replay_lsn is not null
    )
"""
"""Who only receives WAL (pg_receivewal, a base backup) replays none, and holds nobody. Of one that has just been sent
something after a silence there is no lag yet: it is as late as its last answer."""

_WAL = "select coalesce(pg_catalog.sum(size), 0)::pg_catalog.int8 as kept from pg_catalog.pg_ls_waldir()"
"""Of its own: a server that lets this role not list them refuses the statement that it stands in."""


def headroom(session: PostgresSession) -> Callable[[], Headroom]:
    """Asks beside whatever is asked next; the answer raises ObservationFailed, ConnectionFailed."""
    asked = session.beside(_REPLICAS + _REPLICAS_AND_DATA)
    wal = session.beside(_WAL) if session.may_list_wal else None

    def answer() -> Headroom:
        [row] = session.answer(asked)
        found = zip(row["names"], row["behind"], row["late"], strict=True)
        replicas = tuple(Replica(name, behind, timedelta(seconds=late)) for name, behind, late in found)
        return Headroom(
            replicas if row["replicas_seen"] else None,
            session.answer(wal)[0]["kept"] if wal else None,
            _free_disk(row),
        )

    return answer


def _free_disk(row: Row) -> int | None:
    """Of the fullest disk; None where one of them is not seen from here."""
    if row["data"] is None:
        return None
    data = Path(row["data"])
    if not is_here(data, row["port"], row["started"]):
        return None
    try:
        return min(free(data / place) for place in ("", "pg_wal", *row["tablespaces"]))
    except OSError:
        return None
