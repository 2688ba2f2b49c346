"""A CREATE INDEX statement, taken apart. Its expressions stay as they are written: cut out of it, not printed.

Decided: docs/decisions.md#the-words-of-an-author
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.kinds.pg_index.definition.collate_placement import keeps_collation
from reconciler.kinds.pg_index.definition.constants import is_always_true
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.sql_tokens import DOT, OPEN, SEMICOLON, Source, kind
from reconciler.targets.sql_tree import REMEMBERED, SyntaxProblem, parse, parse_expression, shape


class ParsedIndex(NamedTuple):
    """A CREATE INDEX statement, taken apart."""

    name: str
    schema_name: str
    table: str
    definition: Definition


@lru_cache(maxsize=REMEMBERED)
def parse_index(statement: str) -> ParsedIndex:
    """Takes one CREATE INDEX apart. Raises SyntaxProblem where it is not exactly that."""
    tree = _only(statement)
    source = Source(statement)
    keys = [_key(node.index_elem, tree.relation.relname) for node in tree.index_params]
    columns = source.kinds.index(OPEN)  # nothing before them has a parenthesis
    places = source.items(columns)
    definition = Definition.of_known(
        method=str(tree.access_method or "btree"),
        unique=tree.unique,
        nulls_not_distinct=tree.nulls_not_distinct,
        keys=tuple(_element(key, source, *place) for key, place in zip(keys, places, strict=True)),
        include=tuple(_included(node.index_elem) for node in tree.index_including_params),
        predicate="" if _is_always_met(tree.where_clause) else _condition(source, columns),
        options=tuple((node.def_elem.defname, _value(node.def_elem)) for node in tree.options),
        tablespace=tree.table_space,
    )
    return ParsedIndex(tree.idxname, tree.relation.schemaname, tree.relation.relname, definition)


def parse_condition(text: str) -> str:
    """The condition of a partial index as it is written, in one line and without comments; empty for one that is always
    met. Raises SyntaxProblem."""
    statement = f"create index on t (a) where {text}\n"
    if _is_always_met(_only(statement).where_clause):
        return ""
    if text.isprintable() and not any(sign in text for sign in _MORE_THAN_ONE):
        return text.strip()
    source = Source(statement)
    return _condition(source, source.kinds.index(OPEN))


_MORE_THAN_ONE = (";", "--", "/*")
"""What a text in one line has that may be more than an expression."""


class Explicit(NamedTuple):
    """Whether a key names a collation, and an operator class."""

    collation: bool
    opclass: bool


@lru_cache(maxsize=REMEMBERED)
def explicit(keys: str) -> tuple[Explicit, ...]:
    """What each key names in the rest of a CREATE INDEX, from `using` or `(` on. Raises SyntaxProblem."""
    elements = [node.index_elem for node in _only(f"create index on t {keys}").index_params]
    return tuple(Explicit(bool(_key(element, "t").collation), bool(element.opclass)) for element in elements)


def _included(tree: Any) -> str:
    """The name of an included column, of which PostgreSQL takes nothing but the name. Raises SyntaxProblem."""
    if not tree.name or tree.collation or tree.opclass or tree.ordering > 1 or tree.nulls_ordering > 1:
        raise SyntaxProblem("include takes names of columns alone: no expressions, collations, classes or directions")
    return str(tree.name)


def _only(statement: str) -> Any:
    parsed = parse(statement)
    if len(parsed.stmts) != 1 or not parsed.stmts[0].stmt.HasField("index_stmt"):
        raise SyntaxProblem("expected exactly one CREATE INDEX statement")
    return parsed.stmts[0].stmt.index_stmt


def _is_always_met(tree: Any) -> bool:
    """PostgreSQL forgets a condition that is always met."""
    return tree.WhichOneof("node") is None or is_always_true(tree)


def _condition(source: Source, columns: int) -> str:
    """What follows WHERE, the last clause of all."""
    end = len(source.kinds)
    while source.kinds[end - 1] == SEMICOLON:
        end -= 1
    where = kind("WHERE")
    begin = next(number for number in source.outside(columns, end) if source.kinds[number] == where) + 1
    return source.cut(begin, end)


class _Key(NamedTuple):
    """A key of the tree, without COLLATE around its expression: `(title collate "C")` and `title collate "C"` are one
    and the same to PostgreSQL, and of several only the outermost counts.

    collated   how many of them there were.
    inside     where in the statement one more stands, inside of casts, out of which PostgreSQL takes it.
    table      its name. In parentheses, it is the whole row where no column has that name.
    """

    tree: Any
    value: Any
    collation: tuple[str, ...]
    collated: int
    inside: int | None
    table: str

    @property
    def column(self) -> str:
        """Its name; empty for an expression. `(status)` and `status` are the same, too."""
        if self.value.HasField("column_ref") and len(self.value.column_ref.fields) == 1:
            name = str(self.value.column_ref.fields[0].string.sval)
            return name if name != self.table else ""
        return str(self.tree.name)


def _key(tree: Any, table: str) -> _Key:
    value, collation, collated = tree.expr, tree.collation, 0
    while value.HasField("collate_clause"):
        collation = collation or value.collate_clause.collname
        value = value.collate_clause.arg
        collated += 1
    below = value
    while below.HasField("type_cast") and keeps_collation(below.type_cast):
        below = below.type_cast.arg
    inside = None
    if below is not value and below.HasField("collate_clause"):
        clause = type(below.collate_clause)()
        clause.CopyFrom(below.collate_clause)
        collation, inside = collation or clause.collname, clause.location
        below.CopyFrom(clause.arg)
    return _Key(tree, value, tuple(part.string.sval for part in collation), collated, inside, table)


def _element(key: _Key, source: Source, begin: int, end: int) -> Element:
    tree = key.tree
    descending = tree.ordering == 3  # SORTBY_DESC of libpg_query's SortByDir
    nulls = tree.nulls_ordering  # SortByNulls: 1 default, 2 first, 3 last
    return Element.of_known(
        column=key.column,
        expression="" if key.column else _expression(key, source, begin, end),
        collation=key.collation,
        opclass=tuple(part.string.sval for part in tree.opclass),
        opclass_options=tuple((node.def_elem.defname, _value(node.def_elem)) for node in tree.opclassopts),
        descending=descending,
        nulls_first=nulls == 2 if nulls in (2, 3) else descending,
    )


def _expression(key: _Key, source: Source, begin: int, end: int) -> str:
    """The text of a key's expression, of the tokens of the key: in parentheses, or a call. Raises SyntaxProblem."""
    # What follows it has no part in it: a collation, an operator class, a direction.
    last = end
    opening = next((number for number in source.outside(begin, end) if source.kinds[number] == OPEN), None)
    end = end if opening is None else source.closing(opening) + 1
    is_certain = not key.collated and key.inside is None and (opening == begin or end == last)
    begin, end = source.bare(begin, end)
    for _ in range(key.collated):
        collate = kind("COLLATE")
        end = [number for number in source.outside(begin, end) if source.kinds[number] == collate][-1]
        begin, end = source.bare(begin, end)
    text = source.cut(begin, end, instead=_collate(source, key.inside))
    if not is_certain and shape(parse_expression(text)) != shape(key.value):
        raise SyntaxProblem(f"{text!r} cannot be told from what stands around it")
    return text


def _collate(source: Source, place: int | None) -> dict[int, str]:
    """The tokens of the COLLATE at this place, which are to be left out."""
    if place is None:
        return {}
    first = source.starts.index(place)
    last = first + 1
    while last + 1 < len(source.kinds) and source.kinds[last + 1] == DOT:
        last += 2
    return dict.fromkeys(range(first, last + 1), "")


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
