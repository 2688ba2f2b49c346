"""Transactions that only read, each sent as a whole before any answer is waited for: one round trip of the network.

psycopg's own `transaction()` waits for BEGIN and for COMMIT, and leaving its pipeline waits once more: five round trips
for one question, which over 100 ms are half a second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from reconciler.targets import bounds, log
from reconciler.targets.postgres.bounded_connection import HeardConnection, Row, code

Query = LiteralString | sql.SQL | sql.Composed

Asked = tuple[Query, Mapping[str, Any] | None]
"""A query and its parameters."""

_BEGIN = "begin isolation level read committed read only not deferrable"
"""Whatever the role or the database has as its own: a deferrable one waits for others before it begins."""


class Transactions:
    """The transactions of one connection, which has to be in autocommit mode, and nobody else's."""

    def __init__(self, connection: HeardConnection) -> None:
        self._connection = connection

    def run(self, asked: Sequence[Asked], on_failure: Sequence[Asked] = ()) -> list[psycopg.Cursor[Row]]:
        """The cursors of all that is asked, in one transaction, which is over: each knows its columns and its rows.

        A pipeline uses the extended protocol, so that each is one statement only. One that ends the transaction would
        end it: whoever asks what somebody else wrote sees to it that it is a query (see the check type `sql`).
        Where one is refused, nothing is answered, and each of `on_failure` is run in the same transaction, whatever
        becomes of the others. Raises psycopg.Error, and UnicodeError of what cannot be sent.
        """
        with self._connection.within(bounds.WHOLE_SECONDS * (len(asked) + len(on_failure) + 1)):
            return self._run(asked, on_failure)

    def _run(self, asked: Sequence[Asked], on_failure: Sequence[Asked]) -> list[psycopg.Cursor[Row]]:
        connection = self._connection
        began = time.monotonic()
        pipeline = connection.in_pipeline()
        try:
            connection.execute(_BEGIN)
            if on_failure:
                connection.execute("savepoint asked")
            cursors = [connection.execute(query, params) for query, params in asked]
            connection.execute("commit")
            pipeline.sync()  # only then does a cursor know its columns
        except BaseException as error:
            self._logged(asked, began, error=code(error))
            self._end(on_failure)
            raise
        self._logged(asked, began, [each.rowcount if each.description else None for each in cursors])
        return cursors

    def _logged(
        self, asked: Sequence[Asked], began: float, rows: Sequence[int | None] = (), *, error: str = ""
    ) -> None:
        if log.is_wanted():
            for (query, _), count in zip(asked, rows or [None] * len(asked), strict=True):
                self._connection.logged(query, began, rows=count, error=error, together=len(asked))

    def _end(self, on_failure: Sequence[Asked]) -> None:
        """Takes the rest of the answers, and leaves no transaction behind."""
        connection = self._connection
        connection.leave_pipeline()
        with suppress(psycopg.Error):
            if on_failure:
                # What was set at the beginning is taken back with all that came after it.
                connection.execute("rollback to savepoint asked")
                for query, params in on_failure:
                    with suppress(psycopg.Error), connection.transaction():
                        connection.execute(query, params)
        with suppress(psycopg.Error):
            connection.rollback()
