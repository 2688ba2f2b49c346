"""How often indexes are used, on this server and on its replicas, and since when that is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple

from psycopg import ProgrammingError, sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from reconciler.errors import ConnectionFailed, TargetError
from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, BoundedQueries, Refused
from reconciler.insight.candidate import Name
from reconciler.targets.postgres.session import PostgresSession, connect

REPLICA_SECONDS = 15.0
"""For all questions to one replica, after it is connected."""

# Of a partitioned index the parts are counted. A size cannot be asked for while somebody has the table locked.
_USAGE = """
    with locked as materialized (
        select l.relation from pg_catalog.pg_locks l
        where l.mode = 'AccessExclusiveLock'
          and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    )
    select wanted.schema, wanted.name,
           pg_catalog.sum(pg_catalog.pg_stat_get_numscans(leaf.oid))::pg_catalog.int8 as scans,
           {last_scan} as last_scan,
           case when not pg_catalog.bool_or(leaf.oid in (select relation from locked where relation is not null)
                                 or x.indrelid in (select relation from locked where relation is not null))
                then pg_catalog.sum(pg_catalog.pg_relation_size(leaf.oid))::pg_catalog.int8 end as bytes
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(names)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class i on i.relnamespace = n.oid and i.relname = wanted.name and i.relkind in ('i', 'I')
    cross join lateral (
        select i.oid where i.relkind = 'i'
        union select tree.relid from pg_catalog.pg_partition_tree(i.oid) tree where i.relkind = 'I' and tree.isleaf
    ) leaf
    join pg_catalog.pg_index x on x.indexrelid = leaf.oid
    group by wanted.schema, wanted.name
"""

# A database that was never reset says nothing in 15 and later; what a crash took away, shared statistics remember.
_SINCE = """
    select pg_catalog.to_char(greatest(d.stats_reset, b.stats_reset) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
               as since,
           pg_catalog.current_setting('track_counts')::boolean as counting, pg_catalog.pg_is_in_recovery() as standby
    from pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b
    where d.datname = pg_catalog.current_database()
"""

_LAST_SCAN = """pg_catalog.to_char(
    pg_catalog.max(pg_catalog.pg_stat_get_lastscan(leaf.oid)) at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')"""


class Use(NamedTuple):
    """What one server counts of one index; `bytes` None: its table is locked as a whole at this moment."""

    scans: int
    last_scan: str | None
    bytes: int | None


class Counts(NamedTuple):
    """What one server counts, the target itself (`server` empty) or a replica (host and port of it).

    `since`: when it began to; `counting` false: it does not count at all; `remembers_last`: it knows of a last scan.
    """

    server: str
    uses: Mapping[Name, Use]
    since: str
    counting: bool
    remembers_last: bool


class Uncounted(NamedTuple):
    """A server of which nothing is known, and why."""

    server: str
    why: str


def index_usage(bounded: BoundedQueries, names: Sequence[Name]) -> list[Counts | Uncounted]:
    """What is counted of indexes (schema, name): by the target itself, and by each of its replicas.

    Raises ConnectionFailed for the target alone.
    """
    session = bounded.session
    found = [_counts(bounded, names, "")]
    replicas = (*session.target.replicas, *(standby.url for standby in session.target.standbys))
    if replicas:
        with ThreadPoolExecutor(max_workers=min(len(replicas), 8)) as pool:
            places = [_place(url, number) for number, url in enumerate(replicas, 1)]
            found += pool.map(lambda url, place: _of_replica(url, session, names, place), replicas, places)
    return found


def _counts(bounded: BoundedQueries, names: Sequence[Name], server: str) -> Counts | Uncounted:
    session = bounded.session
    remembers = session.version_num >= 160000
    query = sql.SQL(_USAGE).format(last_scan=sql.SQL(_LAST_SCAN if remembers else "null"))
    by_name = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
    rows, since = bounded.all([(query, by_name), (_SINCE, None)], seconds=CATALOGUE_SECONDS)
    if isinstance(rows, Refused):
        return Uncounted(server, rows.message)
    if isinstance(since, Refused):
        return Uncounted(server, since.message)
    uses = {(row["schema"], row["name"]): Use(row["scans"], row["last_scan"], row["bytes"]) for row in rows}
    about: Mapping[str, Any] = since[0] if since else {"since": None, "counting": True}
    return Counts(server, uses, about["since"] or "", about["counting"], remembers)


def _of_replica(url: SecretStr, primary: PostgresSession, names: Sequence[Name], server: str) -> Counts | Uncounted:
    target = primary.target.model_copy(update={"url": url, "replicas": ()})
    try:
        with closing(connect(target, primary.secrets)) as session:
            if not session.in_recovery:
                return Uncounted(server, "it is not a standby")
            theirs, ours = _system(session), _system(primary)
            if theirs and ours and theirs != ours:
                return Uncounted(server, "it is a standby of another server")
            return _counts(BoundedQueries(session, REPLICA_SECONDS), names, server)
    except ConnectionFailed:
        return Uncounted(server, "it cannot be reached")
    except TargetError as error:
        return Uncounted(server, error.said)


def _system(session: PostgresSession) -> str:
    """PostgreSQL's system identifier, which a standby has in common with its primary; empty where it is not visible."""
    system = session.info.identity.partition("/")[0]
    return system if system.isdigit() else ""


def _place(url: SecretStr, number: int) -> str:
    """Host and port of a replica, or its number where its URL does not say."""
    try:
        parsed = conninfo_to_dict(url.get_secret_value())
    except ProgrammingError:
        return f"replica {number}"
    host = parsed.get("host") or parsed.get("hostaddr")
    return f"{host}:{parsed.get('port') or 5432}" if host else f"replica {number}"
