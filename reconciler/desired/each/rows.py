"""Rows: by column, the values of one target. What is wrong with them is said without them: they may be secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import DesiredError
from reconciler.yaml.suggestions import quoted

MOST_ROWS = 10_000
"""Of one template: what has more is not a list of databases."""

LONGEST_VALUE = 4096
"""Letters of one value. The longest are URLs, with a list of hosts and names of files."""

_COLUMN = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""What `${NAME}` can name."""

LONGEST_COLUMN = 63
"""Letters, as of PostgreSQL's names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One of them, `at` file:line:column, `where` in the words of errors. `values` by column."""

    at: str
    where: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """All of one source, which is `said` like "the file tenants.csv"."""

    said: str
    columns: Sequence[str]
    rows: Sequence[Row]


def refuse_columns(columns: Sequence[str], at: str) -> None:
    """Raises DesiredError where they are no names, or are there twice. One that is none is not quoted: without a header
    it is a value."""
    for number, name in enumerate(columns, 1):
        if not _COLUMN.fullmatch(name) or len(name) > LONGEST_COLUMN:
            raise DesiredError(
                f"column {number} has no name: expected letters, digits and _, without blanks around them",
                at=at,
                hint="the first line names the columns, divided by commas: name,url,region",
            )
        if name in columns[: number - 1]:
            raise DesiredError(f"two columns are called {quoted(name)}", at=at, hint="rename one of them")


def refuse_values(row: Row, errors: list[DesiredError]) -> None:
    """Adds an error for each value that cannot be one."""
    wrong = {column: why for column, value in row.values.items() if (why := _wrong(value))}
    errors += (
        DesiredError(f"the value of the column {quoted(column)} {why} ({row.where})", at=row.at, hint=hint)
        for column, (why, hint) in wrong.items()
    )


def _wrong(value: str) -> tuple[str, str] | None:
    if len(value) > LONGEST_VALUE:
        return f"is longer than {LONGEST_VALUE:,} letters", "keep such data elsewhere"
    if not value.isprintable():
        return "holds a line break, or another sign that cannot be printed", "write it on one line"
    if "${" in value:
        return "holds ${", "values are never read again: write the value itself; %24%7B stands for ${ in a URL"
    return None


def refuse_number(said: str, rows: Iterable[object], at: str) -> None:
    """Raises DesiredError where there are none, or more than anybody means."""
    number = sum(1 for _ in rows)
    if not number:
        hint = "remove the template, or add a row"
        raise DesiredError(f"{said} has no rows: there would be no target", at=at, hint=hint)
    if number > MOST_ROWS:
        raise DesiredError(f"{said} has more than {MOST_ROWS:,} rows", at=at, hint="divide the fleet")
