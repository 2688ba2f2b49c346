"""Rows of CSV (RFC 4180): a header, commas, UTF-8. No error quotes a line: in the wrong file it may be a secret."""

from __future__ import annotations

import csv
import io

from reconciler.desired.each.rows import LONGEST_VALUE, MOST_ROWS, Row, Rows, refuse_columns, refuse_number
from reconciler.errors import DesiredError


def csv_rows(data: bytes, said: str, file: str, name: str) -> Rows:
    """The rows of `data`; `file` is its path in places, `name` that in words. Raises DesiredError."""
    text = _text(data, file)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    rows: list[Row] = []
    line = 1
    try:
        for values in reader:
            at, where, line = f"{file}:{line}:1", f"{name}:{line}", reader.line_num + 1
            if not values:  # an empty line
                continue
            if not columns:
                refuse_columns(values, at)
                columns = values
            elif len(values) != len(columns):
                raise DesiredError(
                    f"this row has {len(values)} values, and the header {len(columns)} columns",
                    at=at,
                    hint='put a value that holds a comma between quotes: "a,b"',
                )
            else:
                rows.append(Row(at, where, dict(zip(columns, values, strict=True))))
            if len(rows) > MOST_ROWS:
                break
    except csv.Error:
        raise DesiredError(
            f"this is not CSV: a quote is not closed, or stands inside of a value, or a value is longer than "
            f"{max(csv.field_size_limit(), LONGEST_VALUE):,} letters",
            at=f"{file}:{line}:1",
            hint='a value with quotes is written "so ""quoted"""',
        ) from None
    if not columns:
        raise DesiredError(f"{said} is empty", at=f"{file}:1:1", hint="its first line names columns: name,url,region")
    refuse_number(said, rows, f"{file}:1:1")
    return Rows(said, columns, rows)


def _text(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = "save it as UTF-8: iconv -f LATIN1 -t UTF-8"
        raise DesiredError("this is not UTF-8 text", at=f"{file}:{line}:1", hint=hint) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DesiredError("this is no text: it holds a NUL", at=f"{file}:{line}:1", hint="save it as UTF-8")
    return text
