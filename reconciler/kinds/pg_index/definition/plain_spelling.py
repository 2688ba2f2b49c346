"""Expressions as people write them: what PostgreSQL adds when it prints one is taken away again.

`((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))` was once
`status in ('a', 'b')`. Nothing here knows the types of columns, so that the result is only a proposal: whoever uses it
asks the server whether it still means the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from reconciler.targets.sql_tokens import Source
from reconciler.targets.sql_tree import SyntaxProblem, parse_select, printed_select

_OP, _OP_ANY, _OP_ALL, _IN, _LIKE, _ILIKE = 1, 2, 3, 7, 8, 9  # libpg_query's A_Expr_Kind
_MATCHES = {"~~": _LIKE, "!~~": _LIKE, "~~*": _ILIKE, "!~~*": _ILIKE}

_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}
"""PostgreSQL prints negative numbers as `'-3'::integer`; as mere text they could become numbers of another type."""


@lru_cache(maxsize=20_000)
def plainly(expression: str) -> str:
    """`expression` without what goes without saying; in its own words, where it cannot be printed so."""
    try:
        parsed = parse_select(expression)
    except SyntaxProblem:
        return expression
    [target] = parsed.stmts[0].stmt.select_stmt.target_list
    whole = target.res_target.val
    # A constant alone has no place that would give it its type.
    if not _is_folded(whole):
        _simplify_below(whole.type_cast if whole.HasField("type_cast") else whole)
    return printed_select(parsed) or _in_a_line(expression)


def tidily(expression: str) -> str:
    """`expression` without superfluous parentheses; likewise."""
    try:
        return printed_select(parse_select(expression)) or _in_a_line(expression)
    except SyntaxProblem:
        return expression


def _in_a_line(expression: str) -> str:
    source = Source(expression)
    return source.cut(*source.bare(0, len(source.kinds)))


def _simplify(node: Any) -> None:
    """Simplifies `node` and all below it."""
    if node.DESCRIPTOR.name == "A_Expr" and node.kind in (_OP_ANY, _OP_ALL) and not _as_in(node):
        return
    if node.DESCRIPTOR.name == "Node" and (_is_folded(node) or _may_vanish(node)):
        # The server folds it before it is compared, so that nothing would tell what a constant in it is taken for.
        return
    _simplify_below(node)
    if node.DESCRIPTOR.name == "Node" and node.HasField("type_cast") and _goes_without_saying(node.type_cast):
        inner = type(node)()
        inner.CopyFrom(node.type_cast.arg)
        node.CopyFrom(inner)
    elif node.DESCRIPTOR.name == "A_Expr" and node.kind == _OP and len(node.name) == 1:
        node.kind = _MATCHES.get(node.name[0].string.sval, _OP)


_TRANSPARENT = frozenset({"a_const", "a_array_expr", "list", "row_expr", "type_name", "string"})
"""Nodes whose type is that of what is in them, and seen after folding."""


def _is_folded(node: Any) -> bool:
    """Whether something is computed in it, of constants alone."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import ColumnRef

    kind = node.WhichOneof("node")
    if kind == "type_cast" and node.type_cast.arg.WhichOneof("node") == "a_const":
        return bool(node.type_cast.type_name.typmods)
    if kind == "type_cast" or kind not in _TRANSPARENT:
        return next(find_nodes(node, ColumnRef), None) is None
    return False


def _may_vanish(node: Any) -> bool:
    """Whether a constant decides that something beside it is left out when the server folds: a branch of CASE, an
    argument of COALESCE, an operand of AND or OR."""
    match node.WhichOneof("node"):
        case "case_expr":
            deciding = [node.case_expr.arg, *(each.case_when.expr for each in node.case_expr.args)]
        case "coalesce_expr":
            deciding = list(node.coalesce_expr.args)[:-1]
        case "bool_expr":
            deciding = list(node.bool_expr.args)
        case _:
            return False
    return any(each.WhichOneof("node") == "a_const" or (each.WhichOneof("node") and _is_folded(each))
               for each in deciding)  # fmt: skip


def _simplify_below(node: Any) -> None:
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                _simplify(child)


def _goes_without_saying(cast: Any) -> bool:
    """Constants take the type that their place asks for, and varchar is text wherever text is wanted."""
    kind, to = cast.arg.WhichOneof("node"), str(cast.type_name.names[-1].string.sval)
    is_array = bool(cast.type_name.array_bounds)
    if kind == "a_const":
        return bool(cast.arg.a_const.HasField("sval")) and (is_array or to not in _NUMBERS)
    return kind == "column_ref" and to == "text" and not is_array


def _as_in(node: Any) -> bool:
    """`x = ANY (ARRAY[a, b])` is `x IN (a, b)`, and `x <> ALL (…)` is NOT IN; false where it is best left alone.

    Of one element, IN would be a mere comparison. Of a varchar, IN casts the whole array; where its elements are cast
    one by one, or not at all, something else was written.
    """
    operator = node.name[0].string.sval if len(node.name) == 1 else ""
    is_cast = node.rexpr.HasField("type_cast")
    array = node.rexpr.type_cast.arg if is_cast else node.rexpr
    if not array.HasField("a_array_expr"):
        return True
    elements = [type(element).FromString(element.SerializeToString()) for element in array.a_array_expr.elements]
    if (
        (node.kind, operator) not in {(_OP_ANY, "="), (_OP_ALL, "<>")}
        or len(elements) == 1
        or is_cast != node.lexpr.HasField("type_cast")
    ):
        return False
    node.kind = _IN
    node.rexpr.Clear()
    node.rexpr.list.items.extend(elements)
    return True
