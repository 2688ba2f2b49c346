"""Rows of a query's answer, which is run under the rules of SQL checks: read only, bounded, as `checks_as` may."""

from __future__ import annotations

from contextlib import closing

from reconciler.desired.each.rows import LONGEST_VALUE, MOST_ROWS, Row, Rows, refuse_columns, refuse_number
from reconciler.desired.each.source import QuerySource, words
from reconciler.errors import ConnectionFailed, DesiredError, TargetError, Unanswered
from reconciler.model import PostgresTarget
from reconciler.secrets import Secrets


def rows_of_query(source: QuerySource, catalogue: PostgresTarget, at: str, secrets: Secrets) -> Rows:
    """The rows; `at` is where the query stands. Raises Unanswered where nobody is there, DesiredError."""
    from reconciler.targets.foreign.users_statements import bounded, judged, lesser
    from reconciler.targets.postgres.session import connect

    said = words(source)
    try:
        with closing(connect(catalogue, secrets)) as session, lesser(session) as reading:
            known = judged(reading, {at: source.query})
            if why := known.refused.get(at):
                raise DesiredError(f"{said} was not run: {why}", at=at)
            query = bounded(source.query, shown=MOST_ROWS, rows=MOST_ROWS, longest=LONGEST_VALUE)
            answer = reading.fetch_all([*known.own_path, (query, None)])[-1]
    except ConnectionFailed as error:
        raise Unanswered(f"{said} failed: {secrets.redact(error.said)}", error, at=at) from None
    except TargetError as error:
        raise DesiredError(f"{said} failed: {secrets.redact(error.said)}", at=at, hint=error.hint) from None
    refuse_number(said, answer, at)
    columns: list[str] = list(answer[0]["names"])
    refuse_columns(columns, at)
    rows = [
        Row(at, f"row {number} of {said}", dict(zip(columns, (text or "" for text in found["texts"]), strict=True)))
        for number, found in enumerate(answer, 1)
    ]
    return Rows(said, columns, rows)
