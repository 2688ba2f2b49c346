"""What the YAML writes of an index in SQL, read with PostgreSQL's own parser: names of tables, keys, conditions.

Nothing here knows a server. Everything that ends up verbatim in a statement has been through the parser here first.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

from psycopg import sql

from reconciler.kinds.pg_index.definition.create_index import parse_condition, parse_index
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.sql_patterns import Pattern
from reconciler.targets.sql_tokens import Source
from reconciler.targets.sql_tree import REMEMBERED, SELECT, SyntaxProblem, column_references

NO_TABLE = " "
"""The name of no table."""

_NAME = r'(?P<quoted>"(?:[^"]|"")+")|(?P<bare>[^\W\d][\w$]*)'
_SIMPLE_ELEMENT = re.compile(
    rf"(?:{_NAME})(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\Z", re.IGNORECASE
)
_LEADING_NAME = re.compile(_NAME)
_QUALIFIED = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))(?:\.(?:"((?:[^"]|"")+)"|([^".]+)))?\Z')


class NoKey(SyntaxProblem):
    """An entry of `columns` that is neither a column nor an expression."""


def expression(text: str) -> sql.Composable:
    """An expression as a key: SQL takes a function call as it is, and wants parentheses around everything else."""
    try:
        [key] = parse_index(f"create index on t ({text})").definition.keys
    except (SyntaxProblem, ValueError):
        return sql.SQL("({})").format(verbatim(text))
    is_call = key.expression == text and not (key.collation or key.opclass or key.descending or key.nulls_first)
    return verbatim(text) if is_call else sql.SQL("({})").format(verbatim(text))


def qualified_name(text: str) -> tuple[str, str]:
    """Schema and name of `public.tasks`, `tasks` (schema public) or `"odd.schema"."Table"`; names are taken as written.

    Raises SyntaxProblem where it is neither.
    """
    found = _QUALIFIED.match(text)
    if not found:
        raise SyntaxProblem(f"{text!r} is not a table name: expected schema.table; quote names that hold dots")
    first = (found[1] or "").replace('""', '"') or found[2]
    second = (found[3] or "").replace('""', '"') or found[4]
    return (first, second) if second else ("public", first)


def mentions_whole_row(text: str, table: str) -> bool:
    """Whether an expression is about a whole row of `table`: `f(tasks)`, `tasks.*`. False where it cannot be parsed."""
    return any(
        node.fields[-1].HasField("a_star") or [part.string.sval for part in node.fields] == [table]
        for node in column_references(text)
    )


@lru_cache(maxsize=REMEMBERED)
def unqualified(text: str, schema: str, table: str) -> str:
    """An expression without the schema before the table's columns: `public.tasks.status` becomes `tasks.status`.

    As written in all else. Text that cannot be parsed comes back as it is.
    """
    places = [
        node.location - len(SELECT)
        for node in column_references(text)
        if len(node.fields) > 2 and [part.string.sval for part in node.fields[:2]] == [schema, table]
    ]
    if not places:
        return text
    source = Source(text)
    instead: dict[int, str] = {}
    for place in places:
        name = source.starts.index(place)
        instead |= {name: "", name + 1: ""}  # and the dot behind it
    return source.cut(instead=instead)


@lru_cache(maxsize=REMEMBERED)
def parse_predicate(text: str) -> str:
    """A WHERE clause's condition as written, in one line and without comments; empty for one that is always met.

    Raises SyntaxProblem.
    """
    try:
        return parse_condition(text)
    except SyntaxProblem as problem:
        raise SyntaxProblem(f"where {text!r} is not a condition: {problem}") from None


@lru_cache(maxsize=REMEMBERED)
def parse_element(text: str, method: str = "btree", table: str = NO_TABLE) -> Element:
    """One entry of `columns`: `status`, `created_at desc nulls last`, `lower(email)`, `meta jsonb_path_ops`, `a || b`.

    A bare name is a column by that very name, upper case included. In parentheses, the name of `table` may be its whole
    row, and is left as it is. Raises SyntaxProblem.
    """
    simple = _SIMPLE_ELEMENT.match(text.strip())
    if simple:
        descending = (simple["direction"] or "").lower() == "desc"
        nulls = (simple["nulls"] or "").lower()
        return Element.of_known(
            column=_name_in(simple), descending=descending, nulls_first=nulls == "first" if nulls else descending
        )
    pattern = Pattern.of(text)
    if pattern.strings:
        with suppress(SyntaxProblem):  # which is told of the text as it is written
            element = _parse_expression(pattern.text, method, table)
            if not element.opclass_options and (expression := pattern.filled(element.expression)):
                return element.model_copy(update={"expression": expression})
    return _parse_expression(text, method, table)


@lru_cache(maxsize=REMEMBERED)
def _parse_expression(text: str, method: str, table: str) -> Element:
    """An entry that is no bare column. Raises SyntaxProblem."""
    definition = _first_that_parses(text, method, table)
    if definition != Definition(method=definition.method, keys=definition.keys):
        raise SyntaxProblem(f"{text!r} is more than a key: include, where and with have entries of their own")
    if len(definition.keys) != 1:
        raise SyntaxProblem(f"{text!r} is not one key: give each its own entry")
    [element] = definition.keys
    leading = _LEADING_NAME.match(text.strip())
    if element.column and leading and leading["bare"] and leading["bare"].lower() == element.column:
        return element.model_copy(update={"column": leading["bare"]})
    return element


def _name_in(found: re.Match[str]) -> str:
    return found["quoted"][1:-1].replace('""', '"') if found["quoted"] else found["bare"]


def _first_that_parses(text: str, method: str, table: str) -> Definition:
    """SQL wants parentheses around an expression that is not a function call; `a || b` without them is understood."""
    start = _start(method, table)
    try:
        return parse_index(f"{start} ({text}\n)").definition
    except SyntaxProblem as problem:
        try:
            return parse_index(f"{start} (({text}\n))").definition
        except SyntaxProblem:
            raise NoKey(f"{text!r} is not an index key: {problem}") from None


@lru_cache(maxsize=REMEMBERED)
def _start(method: str, table: str) -> str:
    return sql.SQL("create index on {} using {}").format(identifier(table), identifier(method)).as_string(None)
