"""A connection to PostgreSQL on which no wait is without a bound on our side.

libpq and psycopg wait for an answer for as long as the other end keeps the connection open, and a proxy keeps it open
for a server that is long gone. Every wait of psycopg's goes through `Connection.wait`: that is the one place.

Decided: docs/decisions.md#bounds-of-waits, docs/decisions.md#transactions-on-one-round-trip
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import generators, pq, sql
from psycopg.waiting import Ready

from reconciler.model import PostgresTarget
from reconciler.targets import bounds, log
from reconciler.targets.postgres.redacted_statements import as_logged

CANCEL_SECONDS = 2.0
"""For asking a server to stop what it does for us: another connection, to a server that answered a moment ago."""

Row = dict[str, Any]
Result = TypeVar("Result")


class Silent(psycopg.OperationalError):
    """Nothing was heard of the other end for as long as we wait, or no whole answer. The connection is closed."""


def code(error: BaseException) -> str:
    """The SQLSTATE of what the server said; else what went wrong on the way."""
    return getattr(error, "sqlstate", None) or type(error).__name__


class GivenUp(psycopg.OperationalError):
    """Whoever waited was interrupted. The question was cancelled, and the connection is closed."""


_giving_up = threading.Event()


@contextmanager
def given_up() -> Iterator[None]:
    """While this lasts, no connection of this process waits for an answer."""
    _giving_up.set()
    try:
        yield
    finally:
        _giving_up.clear()


class HeardConnection(psycopg.Connection[Row]):
    """Gives up where nothing is heard, which a long answer is not: each byte begins the wait anew.

    at_work  asks by other means whether the server still works for this connection, which is as good as a byte: a
             build may take hours without one. Blocks for a bounded time, never raises. None: nobody can be asked.
    silence  seconds without either.
    pid      the server process as pg_backend_pid() tells it, which a pooler hides.
    target   for the log; None before there is a connection.
    """

    target: PostgresTarget | None = None
    at_work: Callable[[], bool] | None = None
    silence: float | None = None
    pid: int = 0
    _heard: float = 0.0
    _ends: float | None = None
    _stays_in: psycopg.Pipeline | None = None
    _leaving: ExitStack = ExitStack()

    def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Row]:
        """As psycopg's, and the log tells of it; of what is sent in a pipeline, which has no answer yet, `logged`."""
        if not log.is_wanted() or self.pgconn.pipeline_status != pq.PipelineStatus.OFF:
            return super().execute(query, params, **options)
        began = time.monotonic()
        try:
            cursor = super().execute(query, params, **options)
        except psycopg.Error as error:
            self.logged(query, began, error=code(error))
            raise
        self.logged(query, began, rows=cursor.rowcount if cursor.description else None)
        return cursor

    def together(self, asked: Sequence[tuple[Any, Any]]) -> list[psycopg.Cursor[Row]]:
        """The cursors of queries with their parameters, sent at once: one round trip. Raises psycopg.Error."""
        began, error = time.monotonic(), ""
        cursors: list[psycopg.Cursor[Row]] = []
        try:
            with self.pipeline():
                cursors += [self.execute(query, params) for query, params in asked]
        except psycopg.Error as failed:
            error = code(failed)
            raise
        finally:
            if log.is_wanted():
                for number, (query, _) in enumerate(asked):
                    answered = None if error or not cursors[number].description else cursors[number].rowcount
                    self.logged(query, began, rows=answered, error=error, together=len(asked))
        return cursors

    def whole(self, statements: Sequence[str], refused: Callable[[str], object]) -> None:
        """Runs `statements` as one transaction, on one round trip, so that no lock waits for the network. Tells which
        was `refused`. Raises psycopg.Error, after which nothing of it is left."""
        began, error = time.monotonic(), ""
        sent = ["begin", *statements, "commit"]
        try:
            with self.lock:
                self.pgconn.send_query("\n;\n".join(sent).encode())
                for number, result in enumerate(self.wait(generators.execute(self.pgconn))):
                    if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
                        refused(statements[min(max(number - 1, 0), len(statements) - 1)])
                        raise psycopg.errors.error_from_result(result, "utf-8")
        except psycopg.Error as failed:
            error = code(failed)
            with suppress(psycopg.Error):
                self.rollback()
            raise
        finally:
            if log.is_wanted():
                for statement in statements:
                    self.logged(statement.encode(), began, error=error, together=len(statements))

    def logged(self, query: Any, began: float, *, rows: int | None = None, error: str = "", together: int = 1) -> None:
        """The log tells of `query`, without its parameters."""
        text = query.decode(errors="replace") if isinstance(query, bytes) else query
        shown = text.as_string(None) if isinstance(text, sql.Composable) else str(text)
        name, hidden = (self.target.name, self.target.hide_values) if self.target else ("", False)
        log.statement(name, as_logged(shown, hide_values=hidden), began, rows=rows, error=error, together=together)

    def in_pipeline(self) -> psycopg.Pipeline:
        """The pipeline in which this connection is from now on: to leave it is a round trip."""
        if self._stays_in is None:
            self._leaving = ExitStack()
            self._stays_in = self._leaving.enter_context(self.pipeline())
        return self._stays_in

    def leave_pipeline(self) -> None:
        """Takes the answers that are still to come, and is in no pipeline any more. Never raises."""
        self._stays_in = None
        with suppress(psycopg.Error):
            self._leaving.close()

    def close(self) -> None:
        """As psycopg's."""
        super().close()
        self.leave_pipeline()  # else psycopg would warn of it when it is forgotten

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """While the body runs, all of its waits together last no longer, however much is heard: an answer may come drop
        by drop. For what the server itself bounds; nobody knows how long a build takes."""
        before, ends = self._ends, time.monotonic() + seconds
        self._ends = ends if before is None else min(before, ends)
        try:
            yield
        finally:
            self._ends = before

    def heard(self) -> None:
        """Somebody else has just seen the server work for this connection. May be called from another thread."""
        self._heard = time.monotonic()

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """As psycopg's, which consumes `gen`. Raises Silent."""
        return super().wait(self._listening(gen), *arguments, **options)

    def _listening(self, gen: Any) -> Any:
        """`gen` with a look at the clock each time that psycopg looks whether there is something to read."""
        self.heard()
        asked = self._heard
        silence = bounds.SILENCE_SECONDS if self.silence is None else self.silence
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready and ready & Ready.R:
                    self.heard()
                if _giving_up.is_set():
                    with suppress(psycopg.Error):
                        self.cancel_safe(timeout=CANCEL_SECONDS)
                    self.pgconn.finish()
                    raise GivenUp("interrupted")
                now = time.monotonic()
                if now - self._heard >= silence:
                    self.pgconn.finish()
                    raise Silent(f"nothing was heard for {silence:g} s")
                if self._ends is not None and now >= self._ends:
                    self.pgconn.finish()
                    raise Silent("no answer came to its end in the time that the server has for it")
                if self.at_work is not None and now - max(self._heard, asked) >= bounds.ASKING_SECONDS:
                    if self.at_work():
                        self.heard()
                    asked = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
