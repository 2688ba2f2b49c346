"""Items decided by one statement of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import ObservationFailed
from reconciler.kinds.check.expectations import MemoryUnknown, NotComparable, about, plain_scale, unmet
from reconciler.kinds.check.model import SqlCheck
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen

if TYPE_CHECKING:
    from psycopg import sql

    from reconciler.targets.postgres import PostgresSession, Row

ROWS_SHOWN = 3
"""Rows of an `is_empty` item that its message quotes: enough to begin with, and it stays one line."""

LONGEST_VALUE = 80
"""Characters of one value that a message quotes."""

HIDDEN = "(hidden)"
"""In the place of values that the target does not say (`hide_values`)."""


class FoundRows(Frozen):
    """What a statement answered: the number of rows, the first few as text (None is null), and their columns.

    `hidden`: the target says no value of a user's table.
    """

    columns: tuple[str, ...]
    count: int
    rows: tuple[tuple[str | None, ...], ...]
    hidden: bool = False


def read(session: PostgresSession, checks: Mapping[Part, SqlCheck]) -> dict[Part, FoundRows | Unavailable]:
    """Runs each statement in the read-only session, whose statement_timeout bounds it: all at once, and where one is
    refused, one by one. Raises ConnectionFailed."""
    queries = {part: _verbatim(check.sql) for part, check in checks.items()}
    try:
        answers = session.fetch_all([(query, None) for query in queries.values()])
    except ObservationFailed:
        return {part: _alone(session, query) for part, query in queries.items()}
    return {part: _found(session, rows) for part, rows in zip(queries, answers, strict=True)}


def _alone(session: PostgresSession, query: sql.SQL) -> FoundRows | Unavailable:
    try:
        return _found(session, session.fetch(query))
    except ObservationFailed as error:
        said = error.message.removeprefix(f"{error.target}: ")
        denied = "(42501)" in said  # insufficient_privilege
        return Unavailable(
            status=CheckStatus.NOT_VISIBLE if denied else CheckStatus.ERROR,
            message=f"this role may not run the statement: {said}" if denied else f"the statement failed: {said}",
        )


def _verbatim(statement: str) -> sql.SQL:
    # Percent signs stay as they are: without parameters the driver looks for no placeholders.
    from psycopg import sql

    return sql.SQL(statement)


def _found(session: PostgresSession, rows: list[Row]) -> FoundRows:
    return FoundRows(
        columns=tuple(rows[0]) if rows else (),
        count=len(rows),
        rows=tuple(tuple(_text(session, value) for value in row.values()) for row in rows[:ROWS_SHOWN]),
        hidden=session.target.hide_values,
    )


def _text(session: PostgresSession, value: Any) -> str | None:
    if value is None:
        return None
    return session.secrets.redact(str(value).lower() if isinstance(value, bool) else str(value))


def decide(check: SqlCheck, found: FoundRows, memory: int | None) -> Verdict:
    """`is_empty`: no rows. Else the one value of the one row is as expected; a column `…_bytes` is shown as memory."""
    if check.is_empty is not None:
        seen = _rows(found) if found.count else "no rows"
        return passed_if("" if check.is_empty == (found.count == 0) else _wanted_rows(check), seen, "live")
    if found.count != 1 or len(found.columns) != 1:
        shape = f"{found.count} rows" if found.count != 1 else f"{len(found.columns)} columns"
        return Verdict(CheckStatus.ERROR, f"the statement answered {shape}: expected one value", "live")
    value = found.rows[0][0]
    if value is None:
        return Verdict(CheckStatus.NO_DATA, f"{found.columns[0]} is null: there is nothing to compare", "live")
    try:
        missing = unmet(check, value, plain_scale(memory))
    except MemoryUnknown as error:
        return Verdict(CheckStatus.NOT_VISIBLE, str(error), "live")
    except NotComparable as error:
        why = HIDDEN if found.hidden else str(error)
        return Verdict(CheckStatus.ERROR, f"{found.columns[0]} cannot be compared: {why}", "live")
    if found.hidden:
        return passed_if(missing, f"{found.columns[0]} is {HIDDEN}", "live")
    shown = about(int(value)) if found.columns[0].endswith("_bytes") and value.isdecimal() else _short(value)
    return passed_if(missing, f"{found.columns[0]} is {shown}", "live")


def _wanted_rows(check: SqlCheck) -> str:
    return "none" if check.is_empty else "at least one"


def _rows(found: FoundRows) -> str:
    if found.hidden:
        return f"{found.count} row{'s' if found.count != 1 else ''} {HIDDEN}"
    quoted = [", ".join("null" if value is None else _short(value) for value in row) for row in found.rows]
    more = f"; and {found.count - len(quoted)} more" if found.count > len(quoted) else ""
    return f"{found.count} row{'s' if found.count != 1 else ''}: {'; '.join(quoted)}{more}"


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"
