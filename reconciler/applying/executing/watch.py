"""What a step is doing and who it waits for, read by a session beside it; and how it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from reconciler.applying.executing.progress import Progress
from reconciler.applying.executing.step import Executor, PostgresExecutor
from reconciler.model import Blocker
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.postgres.redacted_statements import blocker
from reconciler.targets.postgres.taken_role import as_login

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

INTERVAL = 0.5
"""Seconds between two looks: smooth enough to watch, one cheap query each."""

_LOOK = """
    select p.phase,
           case when p.phase like '%%waiting%%' then null
                when p.tuples_total > 0 then p.tuples_done::pg_catalog.float8 / p.tuples_total
                when p.blocks_total > 0 then p.blocks_done::pg_catalog.float8 / p.blocks_total end as fraction
    from pg_catalog.pg_stat_progress_create_index p where p.pid = %(pid)s
"""

_AT_WORK = """
    select a.state = 'active' and coalesce(a.wait_event_type, '') <> 'Client' as at_work
    from pg_catalog.pg_stat_activity a where a.pid = %(pid)s
"""

# A prepared transaction has no process: it stands as 0 among those that block.
_BLOCKERS = """
    with blocking as (select distinct pg_catalog.unnest(pg_catalog.pg_blocking_pids(%(pid)s)) as pid)
    select a.pid, coalesce(a.usename, '?') as user, coalesce(a.application_name, '') as application,
           coalesce(a.state, '?') as state, coalesce(a.query, '') as query,
           coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start)),
                    0)::pg_catalog.float8 as seconds
    from pg_catalog.pg_stat_activity a join blocking using (pid)
    union all
    select 0, x.owner, x.gid, 'prepared', '',
           extract(epoch from pg_catalog.clock_timestamp() - x.prepared)::pg_catalog.float8
    from pg_catalog.pg_prepared_xacts x
    where x.database = pg_catalog.current_database() and 0 in (select pid from blocking)
    order by 1, 6 desc
"""


class Watch:
    """Remembers the last blockers that were seen, for the error if it comes to one."""

    def __init__(self) -> None:
        self.blockers: tuple[Blocker, ...] = ()


@contextmanager
def watched(
    sessions: OpenSessions,
    running: Executor,
    tell: Callable[[Progress], None],
    interrupted: Callable[[], bool],
) -> Iterator[Watch]:
    """While the body runs a step with `running`: looks at it twice a second, tells what is seen, and cancels it when
    `interrupted` becomes true.

    Only PostgreSQL has something to see or to cancel. Watching may fail, and never makes the body fail.
    """
    watch = Watch()
    if not isinstance(running, PostgresExecutor):
        yield watch
        return
    done = threading.Event()

    # Another role would not see at what the session of who logged in is at work.
    target = as_login(running.target)

    def beside() -> None:
        looking, looked = True, time.monotonic()
        # Most steps are over before anybody could look: nothing is asked for those.
        while not done.wait(INTERVAL):
            if interrupted():
                # Again each time: a request that arrives between two statements is lost.
                running.cancel()
            elif looking:
                now = time.monotonic()
                look = partial(_look, running=running, watch=watch, tell=tell, since=now - looked)
                try:
                    # The session that looks before and after: whoever reads in it is not waited for.
                    if sessions.ask_in_passing(target, look):
                        looked = now
                except Exception:  # the server has no connection to spare, or who is told cannot listen
                    looking = False

    thread = threading.Thread(target=beside, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


def _look(
    session: PostgresSession, running: PostgresExecutor, watch: Watch, tell: Callable[[Progress], None], *, since: float
) -> bool:
    """Tells what is seen; true: somebody looked. `since`: seconds that have passed since the last look."""
    asked = {"pid": running.pid}
    rows, blockers, at_work = session.fetch_all([(_LOOK, asked), (_BLOCKERS, asked), (_AT_WORK, asked)])
    if at_work and at_work[0]["at_work"]:
        running.heard()  # a build says nothing for hours: this is what shows that it is no dead network
    hidden = session.target.hide_values
    watch.blockers = tuple(blocker(**row, hide_numbers=hidden) for row in blockers)
    phase, fraction = (rows[0]["phase"], rows[0]["fraction"]) if rows else ("", None)
    if phase or watch.blockers:
        waited = since if watch.blockers else 0.0
        tell(Progress(phase or "waiting for a lock", fraction, watch.blockers, waited=waited))
    return True
