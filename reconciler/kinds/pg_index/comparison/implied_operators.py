"""The operators that syntax stands for: `x between y and z` calls `>=` and `<=`, and `x in (y)` calls `=`.

PostgreSQL looks them up by their bare names, so that they may be those of users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.targets.sql_tree import parse_expression

SIGNS = {
    "between": frozenset({"<", "<=", ">", ">="}),
    "case": frozenset({"="}),
    "distinct": frozenset({"="}),
    "in": frozenset({"=", "<>"}),
    "nullif": frozenset({"="}),
    "like": frozenset({"~~", "!~~"}),
    "ilike": frozenset({"~~*", "!~~*"}),
    "similar": frozenset({"~", "!~"}),
}
"""By the word that stands for them."""

# libpg_query's A_Expr_Kind
_OP, _OP_ANY, _OP_ALL, _IN = 1, 2, 3, 7
_OF_TWO = {_OP, 4, 5, 6, 8, 9, 10}
"""An operator, IS [NOT] DISTINCT FROM, NULLIF, LIKE, ILIKE and SIMILAR TO."""
_AND, _OR = 1, 2  # its BoolExprType
_JOINED = {"=": _OR, "<>": _AND}
"""How the comparisons with the elements of a list are joined; those of the fields of rows are the other way."""
_OTHER = {_AND: _OR, _OR: _AND}

_BETWEEN = {
    11: "x >= y and x <= z",
    12: "x < y or x > z",
    13: "(x >= y and x <= z) or (x >= z and x <= y)",
    14: "(x < y or x > z) and (x < z or x > y)",
}
"""BETWEEN, NOT BETWEEN, and both with SYMMETRIC: what PostgreSQL's own parser makes of them."""


def write_out(node: Any) -> None:
    """Replaces below `node` what stands for several calls of operators, as PostgreSQL does when it reads it."""
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else list(value):
                write_out(child)
    if node.DESCRIPTOR.name != "Node":
        return
    if node.HasField("bool_expr") and node.bool_expr.boolop in (_AND, _OR):
        _flatten(node.bool_expr)
    elif node.HasField("a_expr") and (found := _written_out(node.a_expr)):
        node.CopyFrom(found)


def _written_out(expression: Any) -> Any:
    """None where it stands for one operator."""
    sign = expression.name[0].string.sval if len(expression.name) == 1 else ""
    if expression.kind in _BETWEEN:
        low, high = expression.rexpr.list.items
        return _filled(_BETWEEN[expression.kind], {"x": expression.lexpr, "y": low, "z": high})
    if expression.kind == _IN and sign in _JOINED:
        return _of_list(sign, expression)
    sides = [side.row_expr.args for side in (expression.lexpr, expression.rexpr) if side.HasField("row_expr")]
    if expression.kind == _OP and sign in _JOINED and len(sides) == 2 and len(sides[0]) == len(sides[1]):
        return _joined(_OTHER[_JOINED[sign]], [_compared(sign, *pair) for pair in zip(*sides, strict=True)])
    return None


def _of_list(sign: str, expression: Any) -> Any:
    """Values that hold no column are compared in one, where there are more than one and none is a row."""
    items = list(expression.rexpr.list.items)
    constants = [each for each in items if not has_column(each)]
    together: list[Any] = []
    if len(constants) > 1 and not any(each.HasField("row_expr") for each in (expression.lexpr, *items)):
        if len(constants) == len(items):
            return None
        in_one = parse_expression("null in (null)")
        in_one.a_expr.CopyFrom(expression)
        del in_one.a_expr.rexpr.list.items[:]
        in_one.a_expr.rexpr.list.items.extend(constants)
        together = [in_one]
        items = [each for each in items if each not in constants]
    each_by_itself = [_compared(sign, expression.lexpr, each) for each in items]
    for each in each_by_itself:
        write_out(each)
    return _joined(_JOINED[sign], [*together, *each_by_itself])


def _compared(sign: str, one: Any, other: Any) -> Any:
    found = parse_expression("null = null")
    found.a_expr.name[0].string.sval = sign
    found.a_expr.lexpr.CopyFrom(one)
    found.a_expr.rexpr.CopyFrom(other)
    return found


def _joined(how: int, clauses: Sequence[Any]) -> Any:
    if len(clauses) == 1:
        return clauses[0]
    found = parse_expression("null and null")
    found.bool_expr.boolop = how
    del found.bool_expr.args[:]
    found.bool_expr.args.extend(clauses)
    _flatten(found.bool_expr)
    return found


def _flatten(clauses: Any) -> None:
    """An AND in an AND is one, as PostgreSQL's parser and planner have it."""
    flat = []
    for each in clauses.args:
        is_alike = each.HasField("bool_expr") and each.bool_expr.boolop == clauses.boolop
        for clause in each.bool_expr.args if is_alike else [each]:
            copy = type(each)()
            copy.CopyFrom(clause)
            flat.append(copy)
    del clauses.args[:]
    clauses.args.extend(flat)


def has_column(node: Any) -> bool:
    """Whether anything in it is a column."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import ColumnRef

    return next(iter(find_nodes(node, ColumnRef)), None) is not None


def _filled(form: str, by_name: dict[str, Any]) -> Any:
    """The tree of `form`, with these nodes in the place of its columns."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import A_Expr

    found = parse_expression(form)
    for each in list(find_nodes(found, A_Expr)):  # found before anything stands in it
        for side in (each.lexpr, each.rexpr):
            side.CopyFrom(by_name[side.column_ref.fields[0].string.sval])
    return found


def operands(node: Any) -> list[Any]:
    """What is compared by an operator, or by syntax that stands for one; without the elements of a list or an array,
    which may be written as either."""
    if node.HasField("case_expr"):
        return [node.case_expr.arg, *(each.case_when.expr for each in node.case_expr.args)]
    expression = node.a_expr
    if expression.kind in (_OP_ANY, _OP_ALL, _IN):
        return [expression.lexpr]
    sides = [getattr(expression, side) for side in ("lexpr", "rexpr") if expression.HasField(side)]
    return sides if expression.kind in _OF_TWO else []
