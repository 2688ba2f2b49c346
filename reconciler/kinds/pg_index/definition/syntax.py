"""SQL as text and as PostgreSQL's own parser sees it: names, expressions, index elements.

Nothing here knows a server. Everything that ends up verbatim in a statement has been through the parser here first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from psycopg import sql

from reconciler.kinds.pg_index.definition.create_index import REMEMBERED, parse_index
from reconciler.kinds.pg_index.definition.source import Source
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.foreign.reached import Reached
from reconciler.targets.sql_tree import SELECT, parse, parse_expression, parse_select, shape
from reconciler.targets.sql_tree import SyntaxProblem as SyntaxProblem

NO_TABLE = " "
"""The name of no table."""

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_NAME = r'(?P<quoted>"(?:[^"]|"")+")|(?P<bare>[^\W\d][\w$]*)'
_SIMPLE_ELEMENT = re.compile(
    rf"(?:{_NAME})(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\Z", re.IGNORECASE
)
_LEADING_NAME = re.compile(_NAME)
_QUALIFIED = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))(?:\.(?:"((?:[^"]|"")+)"|([^".]+)))?\Z')


def verbatim(text: str) -> sql.SQL:
    """`text` as SQL that is not quoted again. Only for what came out of PostgreSQL's parser or catalogue."""
    return sql.SQL(text)


def identifier(*names: str) -> sql.Composable:
    """A possibly qualified name, quoted only where it has to be, so that plans stay readable."""
    return sql.SQL(".").join(verbatim(name) if _needs_no_quotes(name) else sql.Identifier(name) for name in names)


class NoKey(SyntaxProblem):
    """An entry of `columns` that is neither a column nor an expression."""


@lru_cache(maxsize=REMEMBERED)
def _needs_no_quotes(name: str) -> bool:
    if not _PLAIN_NAME.match(name):
        return False
    try:
        # In a place where only an identifier can stand, an unreserved keyword is one too.
        parsed = parse(f"create index {name} on {name} ({name})")
    except SyntaxProblem:
        return False
    element = parsed.stmts[0].stmt.index_stmt.index_params[0].index_elem
    return bool(element.name == name)


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


@lru_cache(maxsize=REMEMBERED)
def canonical(text: str) -> str:
    """What an expression says, whatever it looks like: equal for equal trees, and for nothing else.

    Raises SyntaxProblem.
    """
    return shape(parse_expression(text))


@lru_cache(maxsize=REMEMBERED)
def reached(text: str) -> Reached | None:
    """The names by which an expression may reach code; None where it cannot be parsed."""
    try:
        return Reached.of(parse_select(text))
    except SyntaxProblem:
        return None


def mentions_whole_row(text: str, table: str) -> bool:
    """Whether an expression is about a whole row of `table`: `f(tasks)`, `tasks.*`. False where it cannot be parsed."""
    return any(
        node.fields[-1].HasField("a_star") or [part.string.sval for part in node.fields] == [table]
        for node in column_references(text)
    )


def column_references(text: str) -> list[Any]:
    """The nodes of the columns that an expression names; none where it cannot be parsed."""
    import postgast
    from postgast.pg_query_pb2 import ColumnRef

    try:
        return list(postgast.find_nodes(parse_select(text), ColumnRef))
    except SyntaxProblem:
        return []


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
        return parse_index(f"create index on t (a) where {text}\n").definition.predicate
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
        return Element(
            column=_name_in(simple), descending=descending, nulls_first=nulls == "first" if nulls else descending
        )
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
    start = sql.SQL("create index on {} using {}").format(identifier(table), identifier(method)).as_string(None)
    try:
        return parse_index(f"{start} ({text}\n)").definition
    except SyntaxProblem as problem:
        try:
            return parse_index(f"{start} (({text}\n))").definition
        except SyntaxProblem:
            raise NoKey(f"{text!r} is not an index key: {problem}") from None
