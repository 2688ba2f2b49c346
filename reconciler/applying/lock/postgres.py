"""The lock of a PostgreSQL database, that of a whole server, and what an apply without its lock may have left running.

An advisory lock belongs to one database, and pg_locks shows those of all: who wants the server's takes one key in the
own database and then looks for the same key in others, so that of two at once at least one sees the other.

Decided: docs/decisions.md#holders-that-fall-silent, docs/decisions.md#lock-of-a-whole-server,
docs/decisions.md#what-runs-without-its-lock
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import cast

import psycopg
from psycopg import sql

from reconciler.applying.executing.step_session import STEP_NAME
from reconciler.applying.lock import holding
from reconciler.applying.lock.advisory import (
    ADVISORY_KEY,
    HELD_BY,
    HOLDER_NAME,
    HOLDERS,
    INSTANCE_KEY,
    STAND_IN,
    STANDING_IN,
    STANDS_FOR_THIS,
    STILL_OURS,
    TRY,
    ending,
    held_by,
    holders,
    is_taken,
)
from reconciler.applying.lock.holding import WAIT, Speaking, lost, owner
from reconciler.errors import ApplyError, LockHeld
from reconciler.model import PostgresTarget
from reconciler.secrets import Secrets
from reconciler.targets import bounds
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.opening import FirstWords, opened_with
from reconciler.targets.postgres.redacted_statements import masked
from reconciler.targets.postgres.server_messages import said
from reconciler.targets.postgres.session import PostgresSession, Row
from reconciler.targets.postgres.taken_role import as_login
from reconciler.targets.servers_in_urls import places
from reconciler.targets.session import Session

_ENDS_THE_SILENT = ("idle_session_timeout", "idle_in_transaction_session_timeout")
_WITH_IDLE_SESSION_TIMEOUT = 140000

INSTANCE_ATTEMPTS = 5
INSTANCE_PAUSE = 0.5
"""How often the server's lock is tried, and the longest pause in seconds: two that saw each other both let go, and come
back at different moments."""

LETTING_GO_SECONDS = 15.0
"""For what a dead client began to end by itself: its session sees within a second that a client is gone (14+), and
needs some more to undo what it did."""

LOOK = 0.3

_STEPS = sql.SQL("""
    select a.pid, a.usename as user, coalesce(a.query, '') as query,
           coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.query_start), 0)::pg_catalog.float8 as seconds
    from pg_catalog.pg_stat_activity a
    where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
      and a.application_name = {} and a.state is distinct from 'idle'
    order by a.pid
""").format(STEP_NAME)
"""Of another role neither state nor statement is shown, but its name is."""


class PostgresLock:
    """A session's advisory lock, on a connection of its own that does nothing else; see `holding.Held`.

    An idle connection holds no snapshot, so the lock does not hold up a concurrent build; nor does one in a transaction
    that is READ COMMITTED, in which it is on 13: that ends the sessions of those alone that are silent there.
    """

    def __init__(
        self, target: PostgresTarget, secrets: Secrets, instance: bool, ours: Callable[[], Collection[int]],
        idle: Collection[int],
    ) -> None:  # fmt: skip
        self._target = target
        self._secrets = secrets
        self._instance = instance
        self._others = ours
        self._lost: ApplyError | None = None
        self._one_at_a_time = threading.Lock()
        self._database = 0
        self._ours, steps = self._taken(idle)
        try:
            self._wait_for_steps(steps)
            self._ends_if_silent()
        except BaseException:
            self._close()
            raise
        self._speaking = Speaking(self)

    @property
    def pid(self) -> int:
        """The server process that holds it."""
        return self._ours.pid

    def __call__(self) -> None:
        """See `holding.Held`."""
        self.holds(ADVISORY_KEY)

    def holds(self, key: int) -> None:
        """Raises ApplyError where its session, or its hold of `key`, was lost."""
        with self._one_at_a_time, self._ours.within(bounds.WHOLE_SECONDS):
            try:
                [row] = self._ours.execute(STILL_OURS, (key,))
            except psycopg.Error as error:
                self._lost = lost(self._target, said(error))
                raise self._lost from None
            if row["pid"] not in row["holders"]:
                why = "a pooler that shares sessions may stand between: let the URL lead past it"
                self._lost = lost(self._target, why)
                raise self._lost

    def beside(self, session: Session) -> Callable[[], None]:
        """See `holding.Held`."""
        return self.holds_beside(session, ADVISORY_KEY, here=True)

    def holds_beside(self, session: Session, key: int, *, here: bool) -> Callable[[], None]:
        """The same of `key`, held in the database of `session` (`here`) or in another: pg_locks has it for everybody,
        and the server gives it to nobody else meanwhile."""
        if self._lost:  # seen by its own connection, which speaks every few seconds
            raise self._lost
        reading = cast("PostgresSession", session)
        asked = reading.beside(HELD_BY, {"key": key, "pid": self.pid, "here": here})

        def check() -> None:
            [row] = reading.answer(asked)
            if not row["held"]:
                self.holds(key)  # it knows why
                raise lost(self._target, "the server has given it to nobody, or to another session")

        return check

    def again(self) -> None:
        """See `holding.Held`."""
        try:
            self()
        except ApplyError:
            with self._one_at_a_time:
                self._close()
                self._ours, _ = self._taken(())
                self._ends_if_silent()
                self._lost = None

    def is_at(self, target: PostgresTarget) -> bool:
        """Whether the URL of `target` leads to the server that this is held on."""
        return places(self._target) == places(target)

    @property
    def stands_in(self) -> int:
        """The key by which another session stands in for this lock."""
        return STANDING_IN | self._database

    def left_to(self, other: PostgresLock) -> bool:
        """Whether the session of `other` stands in for this lock from now on, and this one has ended. At no moment
        nobody holds it: what is seen from here is on this server, and not on another that is called alike."""
        if not other._stand_in(self.stands_in, instance=self._instance):
            return False
        try:
            with self._one_at_a_time, self._ours.within(bounds.WHOLE_SECONDS):
                sought = {"key": self.stands_in, "pid": other.pid, "here": False}
                [row] = self._ours.execute(HELD_BY, sought)
        except psycopg.Error:
            return False
        if row["held"]:
            self.close()
        return bool(row["held"])

    def _stand_in(self, key: int, *, instance: bool) -> bool:
        try:
            with self._one_at_a_time, self._ours.within(bounds.WHOLE_SECONDS):
                sought = {"key": key, "instance": instance, "instance_key": INSTANCE_KEY}
                [row] = self._ours.execute(STAND_IN, sought)
        except psycopg.Error:
            return False
        return bool(row["taken"] and row["instance"])

    def close(self) -> None:
        """Lets go of the lock. Never raises."""
        self._speaking.end()
        with self._one_at_a_time:
            self._close()

    def _close(self) -> None:
        with suppress(psycopg.Error):
            self._ours.close()

    def _taken(self, idle: Collection[int]) -> tuple[HeardConnection, list[Row]]:
        """The connection that holds the lock, and what earlier applies have begun that still runs."""
        named = {"application_name": f"{HOLDER_NAME}{owner()}"}
        limits = dict.fromkeys(_ENDS_THE_SILENT, f"{holding.DEAD_SECONDS}s")
        # Another role would not see what earlier sessions of ours do.
        first = FirstWords(self._first_words, taken_back="select pg_catalog.pg_advisory_unlock_all()")
        ours, ([row], elsewhere, standing_in, steps) = opened_with(
            as_login(self._target), self._secrets, named, first, where_there=limits, others=idle
        )
        try:
            if not row["taken"]:
                holder = next(iter(holders(ours, ADVISORY_KEY, here=True)), None)
                raise held_by(self._target, "another apply is at work", holder, ADVISORY_KEY)
            self._database = row["database"]
            strangers = [each for each in standing_in if each["pid"] not in self._others()]
            if strangers:
                raise held_by(self._target, "another apply is at work", strangers[0], self.stands_in)
            if self._instance:
                self._take_instance(ours, row["instance"], elsewhere)
            return ours, steps
        except psycopg.Error as error:
            ours.close()
            raise ApplyError(f"{self._target.name}: the lock cannot be taken: {said(error)}") from None
        except BaseException:
            ours.close()
            raise

    def _first_words(self, own: sql.Composable) -> Sequence[sql.Composable]:
        tried = TRY.format(own=own, key=ADVISORY_KEY, instance=self._instance, instance_key=INSTANCE_KEY)
        elsewhere = [HOLDERS.format(key=key, here=False) for key in (INSTANCE_KEY, STANDS_FOR_THIS)]
        return tried, *elsewhere, _STEPS

    def _ends_if_silent(self) -> None:
        """Has the server end the session on 13, too, where it says nothing. Not before all else is seen: a transaction
        keeps what it once saw of other sessions. Raises ApplyError."""
        if self._ours.info.server_version < _WITH_IDLE_SESSION_TIMEOUT:
            # By the simple protocol: a portal of the other keeps its snapshot to the next one, and builds wait for it.
            self._ours.cursor_factory = psycopg.ClientCursor
            try:
                self._ours.execute("begin transaction isolation level read committed read only")
            except psycopg.Error as error:
                raise lost(self._target, said(error)) from None

    def _take_instance(self, ours: HeardConnection, found: bool, elsewhere: Sequence[Row]) -> None:
        """`found`: the first attempt, after which there were holders `elsewhere`."""
        holder: Row | None = None
        for attempt in range(INSTANCE_ATTEMPTS):
            if attempt:
                time.sleep(random.random() * INSTANCE_PAUSE)  # noqa: S311 - nobody has to be kept from guessing it
                found, elsewhere = is_taken(ours, INSTANCE_KEY), holders(ours, INSTANCE_KEY, here=False)
            # Nobody else of this database takes it, who has not the lock of the database; but anybody may hold a key.
            if not found:
                holder = next(iter(holders(ours, INSTANCE_KEY, here=True)), None)
                break
            known = self._others()
            strangers = [each for each in elsewhere if each["pid"] not in known]
            if not strangers:
                return
            holder = strangers[0]
            ours.execute("select pg_catalog.pg_advisory_unlock(%s)", (INSTANCE_KEY,))
        what = "another apply, which changes settings or restarts, is at work on the same server"
        raise held_by(self._target, what, holder, INSTANCE_KEY)

    def _wait_for_steps(self, steps: Sequence[Row]) -> None:
        """Waits for what an apply began that holds no lock any more. Raises LockHeld where it does not end."""
        deadline = time.monotonic() + LETTING_GO_SECONDS
        try:
            while steps and time.monotonic() < deadline:
                time.sleep(LOOK)
                steps = self._ours.execute(_STEPS).fetchall()
        except psycopg.Error as error:
            raise ApplyError(
                f"{self._target.name}: whether an earlier apply still runs something cannot be seen: {said(error)}"
            ) from None
        if steps:
            hidden = self._target.hide_values
            lines = "".join(
                f"\n  process {step['pid']}, user {step['user']}, for {step['seconds']:.0f} s: "
                f"{masked(step['query'], numbers=hidden)}"
                for step in steps
            )
            raise LockHeld(
                f"{self._target.name}: what an apply has begun that lost its lock is still going on:{lines}",
                hint=f"{WAIT}; or end it: {ending(steps[0]['pid'])}",
            )
