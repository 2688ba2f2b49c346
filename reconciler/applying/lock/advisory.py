"""The advisory locks of an apply on PostgreSQL: their keys, how they are tried, and who holds them.

One belongs to the database of the session that holds it, and pg_locks shows those of all databases. So a key that has
the number of a database in it, held in another, stands for that database's lock, and whoever takes that looks for it.

Decided: docs/decisions.md#one-session-for-the-locks-of-a-server
"""

from __future__ import annotations

from psycopg import sql

from reconciler.applying.lock.holding import WAIT
from reconciler.errors import LockHeld
from reconciler.model import PostgresTarget
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.session import Row

ADVISORY_KEY = 0x7265_636F_6E63_696C
"""The letters "reconcil": one number for all, since an advisory lock already belongs to one database."""

INSTANCE_KEY = 0x7265_636F_6E63_6961
"""The same for the server, with its last letter changed."""

STANDING_IN = 0x7265_6366_0000_0000
"""With a database's number in its lower half: its lock, held in another database. "recf", as "reco" would be ours."""

HOLDER_NAME = "reconciler apply by "
"""How the application_name of a lock's session begins; who holds it follows."""

STANDS_FOR_THIS = sql.SQL("""{} | (select own.oid::bigint from pg_catalog.pg_database own
                                where own.datname = pg_catalog.current_database())""").format(STANDING_IN)

HOLDERS = sql.SQL("""
    select l.pid, coalesce(a.application_name, '') as application, a.usename as user, d.datname as database,
           pg_catalog.host(a.client_addr) as host,
           pg_catalog.to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
    from pg_catalog.pg_locks l
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    left join pg_catalog.pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and (l.classid::bigint << 32) | l.objid::bigint = ({key})
      and (d.datname = pg_catalog.current_database()) = {here}
""")

TRY = sql.SQL("""
    select tried.taken,
           case when tried.taken and {instance} then pg_catalog.pg_try_advisory_lock({instance_key}) end as instance,
           (select d.oid::bigint from pg_catalog.pg_database d
            where d.datname = pg_catalog.current_database()) as database
    from (select case when {own} then pg_catalog.pg_try_advisory_lock({key}) end as taken offset 0) as tried
""")
"""Only in a session of ours: one that a pooler shares would keep it. The server's lock is not even tried by who has not
the database's: who has would find it held by somebody else."""

STAND_IN = """
    select pg_catalog.pg_try_advisory_lock(%(key)s) as taken,
           case when %(instance)s then pg_catalog.pg_try_advisory_lock(%(instance_key)s) else true end as instance
"""

STILL_OURS = """
    select pg_catalog.pg_backend_pid() as pid,
           array(select l.pid from pg_catalog.pg_locks l
                 join pg_catalog.pg_database d on d.oid = l.database
                 where l.locktype = 'advisory' and l.granted and l.objsubid = 1
                   and d.datname = pg_catalog.current_database()
                   and (l.classid::bigint << 32) | l.objid::bigint = %s) as holders
"""

HELD_BY = """
    select exists (
        select from pg_catalog.pg_locks l
        join pg_catalog.pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid = %(pid)s
          and (d.datname = pg_catalog.current_database()) = %(here)s
          and (l.classid::bigint << 32) | l.objid::bigint = %(key)s
    ) as held
"""


def is_taken(connection: HeardConnection, key: int) -> bool:
    """Tries to take `key`."""
    [row] = connection.execute("select pg_catalog.pg_try_advisory_lock(%s) as taken", (key,))
    return bool(row["taken"])


def holders(connection: HeardConnection, key: int, *, here: bool) -> list[Row]:
    """Who holds `key` in this database, or in any other."""
    return connection.execute(HOLDERS.format(key=key, here=here)).fetchall()


def held_by(target: PostgresTarget, what: str, holder: Row | None, key: int) -> LockHeld:
    """What is raised where `holder` has `key`; None where it has just ended."""
    if holder is None:
        return LockHeld(f"{target.name}: {what}: it has just ended", hint=WAIT)
    # Without pg_read_all_stats the sessions of other users have no start and no address.
    since = f", since {holder['since']}" if holder["since"] else ""
    host = f", host {holder['host']}" if holder["host"] else ""
    database = f", database {holder['database']}"
    session = f"process {holder['pid']}, user {holder['user']}{host}"
    application = holder["application"]
    # A name can be copied, so that this is for people: a stranger's hold refuses an apply as well.
    if application.startswith(HOLDER_NAME):
        return LockHeld(f"{target.name}: {what}: {application} ({session}){since}", hint=WAIT)
    name = f"{application or 'an unnamed application'} ({session}{database}){since}"
    return LockHeld(
        f"{target.name}: somebody who is no apply, as far as can be told, holds its lock: {name}",
        hint=f"have them let go of advisory lock {key}, or end their session: {ending(holder['pid'])}",
    )


def ending(pid: int) -> str:
    """The statement that ends a session."""
    return f"select pg_terminate_backend({pid})"
