"""Queries with the constants of an index in the place of their parameters.

pg_stat_statements knows `status = $1` and `meta ->> $2 = $3`. No plan of that uses an index where status = 'pending',
or one on `meta ->> 'email'`; with the index's own constants it may. Whether it does is for the planner to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.insight.workload.statement import Statement, statement_of
from reconciler.targets.sql_tree import SyntaxProblem, printed_expression

_ANY = "= any"
"""Stands for the operator of `column = any (array)`."""


class Constants(NamedTuple):
    """What an index is made of, as nodes of the parse tree.

    compared      by column and operator, the constants that its predicate compares with.
    expressions   its keys and the terms of its predicate, as far as they are no bare columns.
    """

    compared: Mapping[tuple[str, str], Sequence[Any]]
    expressions: Sequence[Any]


def constants(index: Any) -> Constants:
    """The constants of an index, of its statement in the parse tree."""
    expressions = [key.index_elem.expr for key in index.index_params if key.index_elem.HasField("expr")]
    if not index.HasField("where_clause"):
        return Constants({}, expressions)
    found: dict[tuple[str, str], list[Any]] = {}
    for node in _conjuncts(index.where_clause):
        column, value = _flag(node)
        if column:
            found.setdefault((column, "="), []).append(value)
        else:
            expressions.append(node)
    for each in _comparisons(index.where_clause):
        values = [node for node in _right(each) if _is_constant(node)]
        if names := _column(each.lexpr):
            found.setdefault((names[-1], _operator(each)), []).extend(values)
            if _operator(each) == _ANY:
                found.setdefault((names[-1], "="), []).extend(values)
    return Constants({key: values for key, values in found.items() if values}, expressions)


def with_constants(statement: Statement, table: str, known: Constants) -> Statement | None:
    """`statement` with constants of an index of `table` in place of parameters, wherever its expressions or comparisons
    are otherwise the same. None where there is none of them.
    """
    tree = statement.tree
    theirs = {alias or name for _, name, alias in statement.relations if name == table}
    filled: dict[int, Any] = {}
    for node in _nodes(tree):
        for expression in known.expressions:
            found: dict[int, Any] = {}
            if _matches(expression, node, theirs, found):
                filled |= {number: value for number, value in found.items() if number not in filled}
    for each in _comparisons(tree):
        names, operator = _column(each.lexpr), _operator(each)
        if names and (len(names) == 1 or names[-2] in theirs):
            values = known.compared.get((names[-1], operator))
            if values is None and operator == _ANY:
                values = known.compared.get((names[-1], "="))
            _fill(each, values or (), filled)
    if not filled:
        return None
    texts = {number: printed_expression(node) for number, node in filled.items()}
    try:
        special = statement_of(
            statement.text, statement.calls, {number: f"({text})" for number, text in texts.items() if text}
        )
    except SyntaxProblem:
        return None
    return replace(special, shown=statement.shown)


def _matches(wanted: Any, there: Any, theirs: set[str], filled: dict[int, Any]) -> bool:
    """Whether two nodes are the same but for constants in the one and parameters in the other: those go to `filled`."""
    if wanted.DESCRIPTOR.name == "Node":
        kind, found = wanted.WhichOneof("node"), there.WhichOneof("node")
        if _is_constant(wanted) and (number := _parameter(there)) is not None:
            filled[number] = wanted
            return True
        if kind != found:
            return False
        if kind == "column_ref":
            mine, its = _column(wanted), _column(there)
            return bool(mine) and mine[-1:] == its[-1:] and (len(its) == 1 or its[-2] in theirs)
        return kind is None or _matches(getattr(wanted, kind), getattr(there, kind), theirs, filled)
    for field in wanted.DESCRIPTOR.fields:
        if "location" in field.name or field.name.startswith("rexpr_list_"):
            continue
        mine, its = getattr(wanted, field.name), getattr(there, field.name)
        if field.type != field.TYPE_MESSAGE:
            same = mine == its
        elif field.is_repeated:
            same = len(mine) == len(its) and all(
                _matches(one, other, theirs, filled) for one, other in zip(mine, its, strict=True)
            )
        else:
            same = wanted.HasField(field.name) == there.HasField(field.name) and _matches(mine, its, theirs, filled)
        if not same:
            return False
    return True


def _fill(comparison: Any, values: Sequence[Any], filled: dict[int, Any]) -> None:
    """Notes in `filled` the constant, or array of them, for each parameter on the right of `comparison`."""
    from postgast.pg_query_pb2 import Node

    for n, node in enumerate(_right(comparison)):
        if not values or (number := _parameter(node)) is None:
            continue
        value = values[n % len(values)]
        if _operator(comparison) == _ANY and comparison.rexpr.WhichOneof("node") != "a_array_expr":
            value = Node()
            value.a_array_expr.elements.extend(values)
        filled.setdefault(number, value)


def _conjuncts(node: Any) -> Iterator[Any]:
    from postgast.pg_query_pb2 import BoolExprType

    if node.WhichOneof("node") == "bool_expr" and node.bool_expr.boolop == BoolExprType.AND_EXPR:
        for each in node.bool_expr.args:
            yield from _conjuncts(each)
    else:
        yield node


def _flag(node: Any) -> tuple[str, Any]:
    """Column and constant of `done` and `not done`; an empty name of anything else."""
    from postgast.pg_query_pb2 import BoolExprType, Node

    value = Node()
    value.a_const.boolval.boolval = True
    if node.WhichOneof("node") == "bool_expr" and node.bool_expr.boolop == BoolExprType.NOT_EXPR:
        node = node.bool_expr.args[0]
        value.a_const.boolval.boolval = False
    names = _column(node)
    return (names[-1] if names else ""), value


def _comparisons(message: Any) -> Iterator[Any]:
    from postgast import find_nodes
    from postgast.pg_query_pb2 import A_Expr, A_Expr_Kind

    kinds = (A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_IN, A_Expr_Kind.AEXPR_OP_ANY)
    return (each for each in find_nodes(message, A_Expr) if each.kind in kinds)


def _operator(comparison: Any) -> str:
    from postgast.pg_query_pb2 import A_Expr_Kind

    name = str(comparison.name[-1].string.sval)
    return f"{name} any" if comparison.kind == A_Expr_Kind.AEXPR_OP_ANY else name


def _right(comparison: Any) -> list[Any]:
    node = comparison.rexpr
    match node.WhichOneof("node"):
        case "list":
            return list(node.list.items)
        case "a_array_expr":
            return list(node.a_array_expr.elements)
        case _:
            return [node]


def _column(node: Any) -> list[str]:
    """The parts of a column's name, also of one that is cast; none of anything else."""
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    if node.WhichOneof("node") != "column_ref":
        return []
    return [part.string.sval for part in node.column_ref.fields if part.HasField("string")]


def _is_constant(node: Any) -> bool:
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    return bool(node.WhichOneof("node") == "a_const")


def _parameter(node: Any) -> int | None:
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    return node.param_ref.number if node.WhichOneof("node") == "param_ref" else None


def _nodes(message: Any) -> Iterator[Any]:
    """Every `Node` below `message`, which postgast's own walk passes over; the innermost first, to be replaced."""
    for _, value in message.ListFields():
        for each in value if isinstance(value, list) or hasattr(value, "add") else [value]:
            if hasattr(each, "ListFields"):
                yield from _nodes(each)
                if each.DESCRIPTOR.name == "Node":
                    yield each
