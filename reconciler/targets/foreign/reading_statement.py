"""Which SQL users may have us run: one statement that reads."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from reconciler.targets.foreign.reached_names import Reached
from reconciler.targets.sql_tree import SyntaxProblem, parse

READING = {"select_stmt": "SELECT", "variable_show_stmt": "SHOW"}
"""Statements that PostgreSQL's parser may find; VALUES, TABLE and WITH … SELECT are SELECT to it."""


def one_reading_statement(text: str) -> str:
    """`text` without its final semicolon. Raises ValueError where it is not exactly one statement that reads.

    What the functions in it do, only the server knows: see `reading_functions`.
    """
    statement = _parsed(text)
    if statement.WhichOneof("node") not in READING:
        raise ValueError("expected a statement that reads: SELECT, VALUES, TABLE or SHOW")
    if statement.select_stmt.HasField("into_clause") or statement.select_stmt.locking_clause:
        raise ValueError("expected a statement that reads, without INTO and without FOR UPDATE")
    if statement.variable_show_stmt.name == "all":
        raise ValueError("SHOW ALL is no single value: select from pg_settings")
    return _alone(text)


@lru_cache
def reached(statement: str) -> Reached:
    """The names by which it may reach code."""
    return Reached.of(_parsed(statement))


def as_select(statement: str) -> str:
    """`statement`, which has passed `one_reading_statement`, as what may stand in FROM: SHOW may not."""
    parsed = _parsed(statement)
    if parsed.WhichOneof("node") == "variable_show_stmt":
        name = parsed.variable_show_stmt.name
        quoted, column = name.replace("'", "''"), name.replace('"', '""')
        return f"select pg_catalog.current_setting('{quoted}') as \"{column}\""
    return statement


def _alone(text: str) -> str:
    """A statement without the semicolon that ends it, and what comes behind that."""
    raw = _raw(text)
    data = text.encode()
    end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(data)
    return data[raw.stmt_location : end].decode().strip()


def _parsed(text: str) -> Any:
    return _raw(text).stmt


def _raw(text: str) -> Any:
    try:
        statements = parse(text).stmts
    except SyntaxProblem as problem:
        raise ValueError(f"PostgreSQL's parser does not take it: {problem}") from None
    if len(statements) != 1:
        raise ValueError(f"expected one statement, found {len(statements)}")
    return statements[0]
