"""Statements that set and reset, verbatim as they will run."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from reconciler.kinds.pg_setting import lists
from reconciler.kinds.pg_setting.model import Definition, FileEntry
from reconciler.model import Hazard, SqlStep

RELOAD = SqlStep(statements=("select pg_catalog.pg_reload_conf()",))


def alter(
    subject: str, name: str, literals: Sequence[str], *, custom: bool = False, hazards: tuple[Hazard, ...] = ()
) -> SqlStep:
    """`alter <subject> set <name> = …`, or `… reset <name>` where there are no literals.

    `subject` is SQL already: "system", `role "Reporting" in database app`. A `custom` name is not the server's and may
    hold reserved words: it is quoted. Outside a transaction, as ALTER SYSTEM wants it.
    """
    setting = sql.Identifier(*name.split(".")) if custom else sql.SQL(name)
    words: list[sql.Composable] = [sql.SQL("alter"), sql.SQL(subject)]
    if literals:
        values = sql.SQL(", ").join(_literal(text) for text in literals)
        words += [sql.SQL("set"), setting, sql.SQL("="), values]
    else:
        words += [sql.SQL("reset"), setting]
    return SqlStep(statements=(sql.SQL(" ").join(words).as_string(None),), hazards=hazards)


def previous(definition: Definition, entry: FileEntry | None) -> tuple[str, ...]:
    """The literals that bring back what a file holds; none where it holds nothing: RESET."""
    return () if entry is None else spelled(definition.name, entry.setting)


def spelled(name: str, stored: str) -> tuple[str, ...]:
    """The literals that make the server store `stored` again."""
    return lists.literals(name, lists.split(name, stored)) if lists.is_quoted(name) else (stored,)


def _literal(text: str) -> sql.Composable:
    # A backslash is spelled E'…', which is right whatever standard_conforming_strings is; psycopg puts a space before.
    return sql.SQL(sql.Literal(text).as_string(None).strip())
