"""What is said of a query that a server did not answer."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import PostgresTarget
from reconciler.targets.postgres.bounded_connection import Silent
from reconciler.targets.postgres.redacted_statements import masked
from reconciler.targets.postgres.server_messages import CAME_MEANWHILE, SOMEBODY_MADE, said
from reconciler.targets.postgres.transactions import Asked, Query


def query_error(
    error: psycopg.Error | UnicodeError, target: PostgresTarget, queries: Sequence[Asked], *, is_broken: bool
) -> ConnectionFailed | ObservationFailed:
    """Why `queries`, sent together, were not answered: the connection `is_broken`, or lost, or the server refused one.

    No value of a table is in it where the target hides them.
    """
    if isinstance(error, UnicodeError):
        return ObservationFailed(target.name, f"text in the way of a query cannot be told: {error}")
    hidden = target.hide_values
    answer = said(error, hide_values=hidden, sent=_texts(queries) if hidden else "")
    # What the server itself has said has an SQLSTATE; a pipeline whose other end is gone may not look broken.
    if isinstance(error, psycopg.OperationalError) and (is_broken or not error.sqlstate):
        silent = isinstance(error, Silent)
        what = f"{answer} while waiting for the answer to: {_shown(queries[-1][0])}" if silent else answer
        return ConnectionFailed(target.name, f"the connection was lost: {what}", silent=silent, ended=not silent)
    if error.sqlstate == CAME_MEANWHILE:
        return ObservationFailed(target.name, SOMEBODY_MADE, sqlstate=CAME_MEANWHILE)
    return ObservationFailed(target.name, answer, sqlstate=error.sqlstate or "")


def _shown(query: Query) -> str:
    """The beginning of a query of ours, to know it by."""
    return masked(query if isinstance(query, str) else query.as_string(None))


def _texts(queries: Sequence[Asked]) -> str:
    """All that was sent, names among the parameters included."""
    texts = (query if isinstance(query, str) else query.as_string(None) for query, _ in queries)
    return "\n".join([*texts, *(str(params) for _, params in queries if params)])
