"""Marks around parts of an expression, and in their place: what a part leans on, and what it is given.

Decided: docs/decisions.md#what-folding-hides
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from reconciler.targets.sql_tree import parse_expression, parse_select

Name = tuple[str, str]
"""Schema, empty where it is not written, and name."""


class Meant(NamedTuple):
    """The one thing that a leaning can mean: how it is told apart, and the types (schema, name) of its arguments, where
    they are certain. `has_more`: it takes any number of further ones, in an array, which is of the type `rest` where
    that is certain, too. `is_certain`: it is one thing, not one of some."""

    identity: str
    types: Sequence[Name | None] = ()
    has_more: bool = False
    rest: Name | None = None
    is_certain: bool = True


def put(around: Any, node: Any, type_name: Name | None = None) -> None:
    """Puts the mark `around` around `node`, or in its place where its type is given."""
    inside = cast(parse_expression("null"), type_name) if type_name else node
    around.case_expr.args[0].case_when.result.CopyFrom(inside)
    node.CopyFrom(around)


def mark(meant: Meant, arguments: Sequence[Any], *, is_variadic: bool = False) -> Any:
    """`case when concat(identity, arguments) is not null then … end`."""
    marked = parse_select("case when pg_catalog.concat('') is not null then null end")
    node = marked.stmts[0].stmt.select_stmt.target_list[0].res_target.val
    call = node.case_expr.args[0].case_when.expr.null_test.arg.func_call
    call.args[0].a_const.sval.sval = meant.identity
    for argument, type_name in zip(arguments, meant.types, strict=False):
        call.args.extend(_fields(argument) if type_name is None else [cast(argument, type_name)])
    if meant.has_more and (more := arguments[len(meant.types) :]):
        # PostgreSQL stores an array, and shows it so.
        together = parse_select("array[null]").stmts[0].stmt.select_stmt.target_list[0].res_target.val
        del together.a_array_expr.elements[:]
        together.a_array_expr.elements.extend(more)
        array = more[0] if is_variadic else together
        call.args.add().CopyFrom(cast(array, meant.rest) if meant.rest else array)
    return node


def _fields(argument: Any) -> list[Any]:
    """An argument of any type: each field of a row, since of a constant one PostgreSQL does not show their types."""
    if not argument.HasField("row_expr"):
        return [argument]
    fields = argument.row_expr.args
    return [parse_expression(f"'row of {len(fields)}'"), *(each for field in fields for each in _fields(field))]


def cast(argument: Any, type_name: Name) -> Any:
    """The argument, cast to a type."""
    found = type(argument)()
    found.type_cast.arg.CopyFrom(argument)
    found.type_cast.type_name.typemod = -1
    for part in type_name:
        found.type_cast.type_name.names.add().string.sval = part
    return found
