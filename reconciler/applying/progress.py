"""What a concurrent build is doing, and who it waits for, read by a connection beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from reconciler.errors import ReconcilerError
from reconciler.model import System, Target
from reconciler.secrets import Secrets

INTERVAL = 0.5
"""Seconds between two looks: smooth enough to watch, one cheap query each."""

_LOOK = """
    select p.phase,
           case when p.phase like '%%waiting%%' then null
                when p.tuples_total > 0 then p.tuples_done::float8 / p.tuples_total
                when p.blocks_total > 0 then p.blocks_done::float8 / p.blocks_total end as fraction,
           p.lockers_done, p.lockers_total
    from pg_catalog.pg_stat_progress_create_index p where p.pid = %(pid)s
"""

_BLOCKERS = """
    select a.pid, coalesce(a.usename, '?') as user, coalesce(a.application_name, '') as application,
           coalesce(a.state, '?') as state, coalesce(a.query, '') as query,
           extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8 as seconds
    from pg_catalog.pg_stat_activity a where a.pid = any (pg_catalog.pg_blocking_pids(%(pid)s))
    order by a.pid
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that ours waits for. `seconds` is the age of its transaction; `query` its current or last statement."""

    pid: int
    user: str
    application: str
    state: str
    query: str
    seconds: float

    def __str__(self) -> str:
        name = f" ({self.application})" if self.application else ""
        query = " ".join(self.query.split())[:80]
        return f"process {self.pid}, user {self.user}{name}, {self.state} for {self.seconds:.0f} s: {query}"


@dataclass(frozen=True, slots=True)
class Progress:
    """One look. `fraction` is of the phase, 0 to 1; None where the server does not say."""

    phase: str
    fraction: float | None
    blockers: tuple[Blocker, ...]


class Watch:
    """Remembers the last blockers that were seen, for the error if it comes to one."""

    def __init__(self) -> None:
        self.blockers: tuple[Blocker, ...] = ()


@contextmanager
def watched(target: Target, secrets: Secrets, pid: int, tell: Callable[[Progress], None]) -> Iterator[Watch]:
    """Looks at server process `pid` twice a second while the body runs, and tells what it sees.

    Only PostgreSQL has something to see. A look that fails ends the watching, never the body.
    """
    watch = Watch()
    if target.system is not System.POSTGRES:
        yield watch
        return
    done = threading.Event()
    thread = threading.Thread(target=_look, args=(target, secrets, pid, tell, watch, done), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


def _look(
    target: Target,
    secrets: Secrets,
    pid: int,
    tell: Callable[[Progress], None],
    watch: Watch,
    done: threading.Event,
) -> None:
    from reconciler.targets.postgres import connect

    # Most steps are over before anybody could look: no connection is made for those.
    if done.wait(INTERVAL):
        return
    with suppress(ReconcilerError):
        session = connect(target, secrets)
        try:
            while True:
                rows, blockers = session.fetch_all([(_LOOK, {"pid": pid}), (_BLOCKERS, {"pid": pid})])
                watch.blockers = tuple(Blocker(**row) for row in blockers)
                phase, fraction = (rows[0]["phase"], rows[0]["fraction"]) if rows else ("", None)
                if phase or watch.blockers:
                    tell(Progress(phase or "waiting for a lock", fraction, watch.blockers))
                if done.wait(INTERVAL):
                    return
        finally:
            session.close()
