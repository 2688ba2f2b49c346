"""Poolers that hand one session of the server to several clients, one transaction each.

What is set for a session there, or locked, is left to whoever comes next. That something keeps sessions of its own is
seen by the number of the server process, which it does not know when a client connects; whether it shares them has to
be found out. One that keeps a session for each client (`pool_mode = session`) is as good as none.

Decided: docs/decisions.md#poolers, docs/decisions.md#session-mode
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from itertools import chain, repeat

import psycopg

from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget
from reconciler.targets import bounds
from reconciler.targets.postgres.bounded_connection import HeardConnection

ROUNDS = 12
"""Each has two chances that one which shares does not show it: that the pool gives the same process to the same client
twice, among all that are free, though others take and return them meanwhile."""

WAY_OUT = (
    "what writes needs a session of its own: let the target's URL lead straight to the server (with PgBouncer, "
    "Supabase or Neon: the direct connection, not the pooled one), or to a pool in session mode"
)
DECLARED = f"{WAY_OUT}; where it does so already, say `direct: yes` of the target"

TWICE = "it gave process {} of the server to two connections at once"

_ASKED = "select pg_catalog.pg_backend_pid() as pid"
_BESIDE = """
    select pg_catalog.pg_backend_pid() as pid,
           array(select coalesce(a.query, '') from pg_catalog.pg_stat_activity a
                 where a.pid operator(pg_catalog.=) %s) as last
"""
"""What the server process of another session of ours has run last: nothing but `_ASKED`, if it is ours alone."""

_UNSEEN = ("", "<insufficient privilege>")


def refuse_shared(target: PostgresTarget, pid: int, others: Collection[int]) -> None:
    """Raises ConnectionFailed where process `pid` also serves one of `others`, sessions of ours that are idle."""
    if pid in others:
        raise _refused(target, TWICE.format(pid))


def refuse_sharing(target: PostgresTarget, first: HeardConnection, another: Callable[[], HeardConnection]) -> None:
    """Raises ConnectionFailed where a pooler between shares sessions, or where that cannot be found out.

    `first` is outside of a transaction, and nothing was set in it yet. `another` opens a second connection.
    """
    try:
        with closing(another()) as second:
            first.silence = second.silence = bounds.CONNECT_SECONDS
            looks = chain([_given_twice], repeat(_shown, ROUNDS))
            proof = next(filter(None, (look(first, second) for look in looks)), "")
            first.silence = None
    except (ConnectionFailed, psycopg.Error) as error:
        said = error.message if isinstance(error, ConnectionFailed) else str(error).strip()
        raise ConnectionFailed(
            target.name,
            f"a pooler stands between, and whether it shares sessions could not be found out: {said}",
            hint=DECLARED,
        ) from None
    if proof:
        raise _refused(target, proof)


def _refused(target: PostgresTarget, proof: str) -> ConnectionFailed:
    return ConnectionFailed(
        target.name, f"a pooler that shares sessions stands between: {proof}; nothing was set or run", hint=WAY_OUT
    )


def _given_twice(first: HeardConnection, second: HeardConnection) -> str:
    """The same without a transaction, in which a pool of one process would have none for the other connection."""
    before, beside = _pid(first), _pid(second)
    return TWICE.format(before) if before == beside else ""


def _shown(first: HeardConnection, second: HeardConnection) -> str:
    """What one look shows of sharing; empty: nothing."""
    before = _pid(first)
    with second.transaction(force_rollback=True):
        [row] = second.execute(_BESIDE, (before,))
        after = _pid(first)
    if row["pid"] in (before, after):
        return TWICE.format(row["pid"])
    if after != before:
        return f"one connection was served by process {before} of the server, and then by {after}"
    if not row["last"]:
        return f"process {before} of the server is gone, and its connection goes on"
    if row["last"][0] not in (*_UNSEEN, _ASKED):
        return f"process {before} of the server has served somebody else meanwhile"
    return ""


def _pid(connection: HeardConnection) -> int:
    [row] = connection.execute(_ASKED)
    return int(row["pid"])
