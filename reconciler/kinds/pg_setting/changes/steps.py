"""Statements that set and reset, verbatim as they will run."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import FileEntry
from reconciler.kinds.pg_setting.values import lists
from reconciler.model import Hazard, SqlStep

RELOAD = SqlStep(statements=("select pg_catalog.pg_reload_conf()",), reloads=True)


def alter(
    subject: str, name: str, literals: Sequence[str], *, custom: bool = False, hazards: tuple[Hazard, ...] = ()
) -> SqlStep:
    """`alter <subject> set <name> = …`, or `… reset <name>` where there are no literals.

    `subject` is SQL already: "system", `role "Reporting" in database app`. A `custom` name is not the server's and may
    hold reserved words: it is quoted. Outside a transaction, as ALTER SYSTEM wants it.
    """
    words = [sql.SQL("alter"), sql.SQL(subject), *_assignment(name, literals, custom)]
    return SqlStep(statements=(sql.SQL(" ").join(words).as_string(None),), hazards=hazards)


def alter_system(
    definition: Definition, literals: Sequence[str], version_num: int, hazards: tuple[Hazard, ...] = ()
) -> SqlStep:
    """The same of the instance. Before 17 ALTER SYSTEM only takes names that the session knows: one that no library
    has defined it knows once it was set there."""
    step = alter("system", definition.name, literals, custom=definition.unloaded, hazards=hazards)
    if not definition.unloaded or version_num >= _ANY_NAME:
        return step
    first = sql.SQL(" ").join(_assignment(definition.name, literals or ("",), custom=True)).as_string(None)
    return step.model_copy(update={"statements": (first, *step.statements)})


_ANY_NAME = 170000


def _assignment(name: str, literals: Sequence[str], custom: bool) -> list[sql.Composable]:
    setting = sql.Identifier(*name.split(".")) if custom else sql.SQL(name)
    if not literals:
        return [sql.SQL("reset"), setting]
    return [sql.SQL("set"), setting, sql.SQL("="), sql.SQL(", ").join(_literal(text) for text in literals)]


def previous(definition: Definition, entry: FileEntry | None) -> tuple[str, ...]:
    """The literals that bring back what a file holds; none where it holds nothing: RESET."""
    return () if entry is None else spelled(definition.name, entry.setting)


def spelled(name: str, stored: str) -> tuple[str, ...]:
    """The literals that make the server store `stored` again."""
    return lists.literals(name, lists.split(name, stored)) if lists.is_quoted(name) else (stored,)


def _literal(text: str) -> sql.Composable:
    # A backslash is spelled E'…', which is right whatever standard_conforming_strings is; psycopg puts a space before.
    return sql.SQL(sql.Literal(text).as_string(None).strip())
