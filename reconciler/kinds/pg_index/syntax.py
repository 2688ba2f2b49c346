"""SQL as text and as PostgreSQL's own parser sees it: names, expressions, index elements.

Nothing here knows a server. Everything that ends up verbatim in a statement has been through the parser here first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import sql

from reconciler.kinds.pg_index.literals import is_always_true
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.reached import Reached

_REMEMBERED = 50_000
"""Texts whose reading is kept: tables that are alike have indexes that are spelled alike."""

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_NAME = r'(?P<quoted>"(?:[^"]|"")+")|(?P<bare>[^\W\d][\w$]*)'
_SIMPLE_ELEMENT = re.compile(
    rf"(?:{_NAME})(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\Z", re.IGNORECASE
)
_LEADING_NAME = re.compile(_NAME)
_QUALIFIED = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))(?:\.(?:"((?:[^"]|"")+)"|([^".]+)))?\Z')


class SyntaxProblem(ValueError):
    """A text that PostgreSQL's parser does not take, or takes for something else than what was asked for."""


def verbatim(text: str) -> sql.SQL:
    """`text` as SQL that is not quoted again. Only for what came out of PostgreSQL's parser or catalogue."""
    return sql.SQL(text)


def identifier(*names: str) -> sql.Composable:
    """A possibly qualified name, quoted only where it has to be, so that plans stay readable."""
    return sql.SQL(".").join(verbatim(name) if _needs_no_quotes(name) else sql.Identifier(name) for name in names)


@lru_cache(maxsize=_REMEMBERED)
def _needs_no_quotes(name: str) -> bool:
    if not _PLAIN_NAME.match(name):
        return False
    import postgast

    try:
        # In a place where only an identifier can stand, an unreserved keyword is one too.
        parsed = postgast.parse(f"create index {name} on {name} ({name})")
    except postgast.PgQueryError:
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


def canonical(text: str) -> str:
    """An expression as the parser spells its tree: equal texts mean equal trees. Raises SyntaxProblem."""
    import postgast

    try:
        # The line break ends a comment that the expression may end with.
        parsed = postgast.parse(f"select ({text}\n)")
    except postgast.PgQueryError as error:
        raise SyntaxProblem(f"{text!r} is not SQL: {error}") from None
    statement = parsed.stmts[0].stmt.select_stmt
    # A text that closes our parenthesis and goes on is more than one bare output column.
    alone = len(parsed.stmts) == 1 and len(statement.target_list) == 1 and not statement.from_clause
    if not alone or statement.where_clause.WhichOneof("node"):
        raise SyntaxProblem(f"{text!r} is more than one expression")
    return str(postgast.deparse(parsed)).removeprefix("SELECT ")


@lru_cache(maxsize=_REMEMBERED)
def reached(text: str) -> Reached | None:
    """The names by which an expression may reach code; None where it cannot be parsed."""
    import postgast

    try:
        return Reached.of(postgast.parse(f"select ({text}\n)"))
    except postgast.PgQueryError:
        return None


def mentions_whole_row(text: str, table: str) -> bool:
    """Whether an expression is about a whole row of `table`: `f(tasks)`, `tasks.*`. False where it cannot be parsed."""
    import postgast
    from postgast.pg_query_pb2 import ColumnRef

    try:
        parsed = postgast.parse(f"select ({text}\n)")
    except postgast.PgQueryError:
        return False
    return any(
        node.fields[-1].HasField("a_star") or [part.string.sval for part in node.fields] == [table]
        for node in postgast.find_nodes(parsed, ColumnRef)
    )


@lru_cache(maxsize=_REMEMBERED)
def unqualified(text: str, schema: str, table: str) -> str:
    """An expression without the schema before the table's columns: `public.tasks.status` becomes `tasks.status`.

    As written, where there is nothing to be done. Text that cannot be parsed comes back as it is.
    """
    import postgast
    from postgast.pg_query_pb2 import ColumnRef

    try:
        parsed = postgast.parse(f"select ({text}\n)")
    except postgast.PgQueryError:
        return text
    found = False
    for node in postgast.find_nodes(parsed, ColumnRef):
        if len(node.fields) > 2 and [part.string.sval for part in node.fields[:2]] == [schema, table]:
            del node.fields[0]
            found = True
    return str(postgast.deparse(parsed)).removeprefix("SELECT ") if found else text


@lru_cache(maxsize=_REMEMBERED)
def parse_predicate(text: str) -> str:
    """A WHERE clause's condition, as written; re-spelt where line breaks or comments would tear a statement apart.

    Raises SyntaxProblem.
    """
    try:
        predicate = parse_index(f"create index on t (a) where {text}\n").definition.predicate
    except SyntaxProblem as problem:
        raise SyntaxProblem(f"where {text!r} is not a condition: {problem}") from None
    return predicate if not predicate or any(sign in text for sign in ("\n", "--", "/*")) else text.strip()


@lru_cache(maxsize=_REMEMBERED)
def parse_element(text: str, method: str = "btree") -> Element:
    """One entry of `columns`: `status`, `created_at desc nulls last`, `lower(email)`, `meta jsonb_path_ops`, `a || b`.

    A bare name is a column by that very name, upper case included. Raises SyntaxProblem.
    """
    simple = _SIMPLE_ELEMENT.match(text.strip())
    if simple:
        descending = (simple["direction"] or "").lower() == "desc"
        nulls = (simple["nulls"] or "").lower()
        return Element(
            column=_name_in(simple), descending=descending, nulls_first=nulls == "first" if nulls else descending
        )
    definition = _first_that_parses(text, method)
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


def _first_that_parses(text: str, method: str) -> Definition:
    """SQL wants parentheses around an expression that is not a function call; `a || b` without them is understood."""
    try:
        return parse_index(f"create index on t using {method} ({text})").definition
    except SyntaxProblem as problem:
        try:
            return parse_index(f"create index on t using {method} (({text}))").definition
        except SyntaxProblem:
            raise SyntaxProblem(f"{text!r} is not an index key: {problem}") from None


class ParsedIndex(NamedTuple):
    """A CREATE INDEX statement, taken apart."""

    name: str
    schema_name: str
    table: str
    definition: Definition


@lru_cache(maxsize=_REMEMBERED)
def parse_index(statement: str) -> ParsedIndex:
    """Takes one CREATE INDEX apart. Raises SyntaxProblem where it is not exactly that."""
    import postgast

    try:
        parsed = postgast.parse(statement)
    except postgast.PgQueryError as error:
        raise SyntaxProblem(str(error)) from None
    if len(parsed.stmts) != 1 or not parsed.stmts[0].stmt.HasField("index_stmt"):
        raise SyntaxProblem("expected exactly one CREATE INDEX statement")
    tree = parsed.stmts[0].stmt.index_stmt
    definition = Definition(
        method=tree.access_method or "btree",
        unique=tree.unique,
        nulls_not_distinct=tree.nulls_not_distinct,
        keys=tuple(_element(node.index_elem) for node in tree.index_params),
        include=tuple(node.index_elem.name for node in tree.index_including_params),
        predicate=_predicate(tree.where_clause),
        options=tuple((node.def_elem.defname, _value(node.def_elem)) for node in tree.options),
        tablespace=tree.table_space,
    )
    return ParsedIndex(tree.idxname, tree.relation.schemaname, tree.relation.relname, definition)


def _predicate(tree: Any) -> str:
    """The SQL of a WHERE clause; PostgreSQL forgets a condition that is always met."""
    return _expression(tree) if tree.WhichOneof("node") and not is_always_true(tree) else ""


def _element(tree: Any) -> Element:
    descending = tree.ordering == 3  # SORTBY_DESC of libpg_query's SortByDir
    nulls = tree.nulls_ordering  # SortByNulls: 1 default, 2 first, 3 last
    column, inner, collation = tree.name, tree.expr, tree.collation
    if inner.HasField("collate_clause") and not collation:
        # `(title collate "C")` and `title collate "C"` are one and the same to PostgreSQL.
        inner, collation = inner.collate_clause.arg, inner.collate_clause.collname
    if inner.HasField("column_ref") and len(inner.column_ref.fields) == 1:
        column = inner.column_ref.fields[0].string.sval  # and so are `(status)` and `status`
    return Element(
        column=column,
        expression="" if column else _expression(inner),
        collation=tuple(part.string.sval for part in collation),
        opclass=tuple(part.string.sval for part in tree.opclass),
        opclass_options=tuple((node.def_elem.defname, _value(node.def_elem)) for node in tree.opclassopts),
        descending=descending,
        nulls_first=nulls == 2 if nulls in (2, 3) else descending,
    )


def _expression(node: Any) -> str:
    """The SQL of one expression node."""
    import postgast
    from postgast.pg_query_pb2 import ParseResult

    tree: Any = ParseResult(version=180000)
    target = tree.stmts.add().stmt.select_stmt.target_list.add().res_target
    target.val.CopyFrom(node)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def _value(option: Any) -> str:
    """A storage parameter's value as pg_class.reloptions spells it."""
    kind = option.arg.WhichOneof("node")
    if kind is None:
        return "true"
    node = getattr(option.arg, kind)
    match kind:
        case "integer":
            return str(node.ival)
        case "float":
            return str(node.fval)
        case "string":
            return str(node.sval)
        case "type_name":  # `on`, `off`, `auto` come back as type names
            return str(node.names[-1].string.sval)
        case "boolean":
            return "true" if node.boolval else "false"
        case _:
            raise SyntaxProblem(f"the value of {option.defname} is not understood")
