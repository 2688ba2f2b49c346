"""One statement that reads.

What
    Its one value is as expected, or with `is_empty` it has no rows. One statement, run read-only, of at most 1,000 rows
    that count; it may call [what only reads](yaml.md#what-sql-may-call)

    A column whose name ends in `_bytes` is shown as memory.

Why
    What the catalogs and the statistics views tell is more than any list of types: tables never vacuumed, transactions
    left open, replication slots that hold back WAL.

How to write it
    id: pg-autovacuum
    title: Autovacuum is on
    check: {sql: "select name from pg_settings where name = 'autovacuum' and setting = 'off'", is_empty: yes}
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, model_validator

from reconciler.errors import ObservationFailed, TargetError
from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.expectations import Expectations, MemoryUnknown, NotComparable, about, plain_scale, unmet
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen, System
from reconciler.targets.foreign.reading_statement import one_reading_statement
from reconciler.targets.postgres.server_messages import UNPRIVILEGED

if TYPE_CHECKING:
    from psycopg import sql

    from reconciler.targets.postgres.session import Asked, PostgresSession, Row

ROWS_SHOWN = 3
"""Rows of an `is_empty` item that its message quotes: enough to begin with, and it stays one line."""

MOST_ROWS = 1000
"""Rows that are read of an answer: the server sends no more, and one beyond them is told as "more than"."""

LONGEST = 8192
"""Characters of a value that the server sends."""

SECONDS = 90.0
"""For all statements of a target together, where they are run one by one because one was refused or took too long: each
may take 60 s, and a checklist has many."""

LONGEST_VALUE = 80
"""Characters of one value that a message quotes."""

HIDDEN = "(hidden)"
"""In the place of values that the target does not say (`hide_values`)."""


class SqlCheck(Expectations):
    """One statement that reads: its single value is as expected, or it has no rows. Bounds may be bytes ("64MB",
    "100% of memory") where the value is bytes."""

    sql: Annotated[str, AfterValidator(one_reading_statement)]
    is_empty: bool | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SqlCheck:
        if self.expects_something == (self.is_empty is not None):
            raise ValueError("expected either is_empty, or what its one value has to be (equals, at_most, …)")
        return self


class FoundRows(Frozen):
    """What a statement answered: the number of rows, the first few as text (None is null), and their columns.

    `count` beyond MOST_ROWS means: more. `cut`: a value was longer than LONGEST. `hidden`: no value
    may be said.
    """

    columns: tuple[str, ...]
    count: int
    rows: tuple[tuple[str | None, ...], ...]
    cut: bool = False
    hidden: bool = False


def read(session: PostgresSession, checks: Mapping[Part, SqlCheck]) -> dict[Part, FoundRows | Unavailable]:
    """Runs each statement in a read-only transaction: all at once, and where one is refused, one by one.

    Rows, their length and the time are bounded by the server; of rows beyond the first few it sends that they are
    there. Statements are refused that may run code of strangers, or
    call what does more than reading. Raises ConnectionFailed.
    """
    if session.target.checks_as is None:
        return _read(session, checks)
    from reconciler.targets.foreign.users_statements import lesser

    try:
        with lesser(session) as as_lesser:
            return _read(as_lesser, checks)
    except TargetError as error:
        message = f"as `checks_as` says: {error.said}"
        return dict.fromkeys(checks, Unavailable(status=CheckStatus.ERROR, message=message))


def _read(session: PostgresSession, checks: Mapping[Part, SqlCheck]) -> dict[Part, FoundRows | Unavailable]:
    from reconciler.targets.foreign.users_statements import judged

    known = judged(session, {part: check.sql for part, check in checks.items()})
    found: dict[Part, FoundRows | Unavailable] = {part: _refused(why) for part, why in known.refused.items()}
    queries = {part: _bounded(check.sql) for part, check in checks.items() if part not in found}
    if queries:
        first = known.own_path
        try:
            answers = session.fetch_all([*first, *((query, None) for query in queries.values())])[len(first) :]
            found |= {part: _found(session, rows) for part, rows in zip(queries, answers, strict=True)}
        except ObservationFailed:
            found |= _one_by_one(session, queries, first)
    return found


def _one_by_one(
    session: PostgresSession, queries: Mapping[Part, sql.Composed], own_path: Sequence[Asked]
) -> dict[Part, FoundRows | Unavailable]:
    found: dict[Part, FoundRows | Unavailable] = {}
    began = time.monotonic()
    for part, query in queries.items():
        if time.monotonic() - began < SECONDS:
            found[part] = _alone(session, query, own_path)
        else:
            found[part] = _refused(f"those before it have taken the {SECONDS:.0f} s that all of a target may take")
    return found


def _refused(why: str) -> Unavailable:
    return Unavailable(status=CheckStatus.ERROR, message=f"the statement was not run: {why}")


def _bounded(statement: str) -> sql.Composed:
    from reconciler.targets.foreign.users_statements import bounded

    return bounded(statement, shown=ROWS_SHOWN, rows=MOST_ROWS, longest=LONGEST)


def _alone(session: PostgresSession, query: sql.Composed, own_path: Sequence[Asked]) -> FoundRows | Unavailable:
    from reconciler.targets.postgres.server_messages import CAME_MEANWHILE, SOMEBODY_MADE

    try:
        return _found(session, session.fetch_all([*own_path, (query, None)])[-1])
    except ObservationFailed as error:
        if error.sqlstate == CAME_MEANWHILE:
            return _refused(SOMEBODY_MADE)
        said = error.said
        denied = error.sqlstate == UNPRIVILEGED
        return Unavailable(
            status=CheckStatus.NOT_VISIBLE if denied else CheckStatus.ERROR,
            message=f"this role may not run the statement: {said}" if denied else f"the statement failed: {said}",
        )


def _found(session: PostgresSession, answer: list[Row]) -> FoundRows | Unavailable:
    columns = tuple(answer[0]["names"]) if answer else ()
    if len(set(columns)) < len(columns):
        message = "two columns of the answer have the same name: name them apart"
        return Unavailable(status=CheckStatus.ERROR, message=f"the statement failed: {message}")
    shown = [row["texts"] for row in answer[:ROWS_SHOWN]]
    return FoundRows(
        columns=columns,
        count=len(answer),
        rows=tuple(tuple(None if text is None else session.secrets.redact(text) for text in row) for row in shown),
        cut=any(len(text or "") > LONGEST for row in shown for text in row),
        hidden=session.target.hide_values,
    )


def decide(check: SqlCheck, found: FoundRows, known: Circumstances) -> Verdict:
    """`is_empty`: no rows. Else the one value of the one row is as expected; a column `…_bytes` is shown as memory."""
    if check.is_empty is not None:
        seen = _rows(found) if found.count else "no rows"
        return passed_if("" if check.is_empty == (found.count == 0) else _wanted_rows(check), seen, "live")
    if found.cut:
        return Verdict(CheckStatus.ERROR, f"a value of the answer is longer than {LONGEST:,} characters", "live")
    if found.count != 1 or len(found.columns) != 1:
        shape = f"{_many(found)} rows" if found.count != 1 else f"{len(found.columns)} columns"
        return Verdict(CheckStatus.ERROR, f"the statement answered {shape}: expected one value", "live")
    value = found.rows[0][0]
    if value is None:
        return Verdict(CheckStatus.NO_DATA, f"{found.columns[0]} is null: there is nothing to compare", "live")
    try:
        missing = unmet(check, value, plain_scale(known.memory))
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
    many = f"{_many(found)} row{'s' if found.count != 1 else ''}"
    if found.hidden:
        return f"{many} {HIDDEN}"
    if found.cut:
        return f"{many}, too long to be told"
    quoted = [", ".join("null" if value is None else _short(value) for value in row) for row in found.rows]
    more = f"; and {found.count - len(quoted)} more" if len(quoted) < found.count <= MOST_ROWS else ""
    return f"{many}: {'; '.join(quoted)}{more}"


def _many(found: FoundRows) -> str:
    return str(found.count) if found.count <= MOST_ROWS else f"more than {MOST_ROWS:,}"


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"


TYPE = CheckType(SqlCheck, System.POSTGRES, read, decide)
