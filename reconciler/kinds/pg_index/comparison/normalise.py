"""Puts what has no order in a predicate into one: the operands of AND and OR, and the elements of `= ANY ('{…}')`.
Calls lose the syntax that they were written in: `x at time zone 'UTC'` is `timezone('UTC', x)`.

Applied to expressions as the server prints them after folding. `where a and b` and `where b and a` keep the same rows,
and rebuilding an index for that would help nobody. In a key the order counts: PostgreSQL does not use an index on
`(a or b)` for `b or a` (seen on 13 to 18).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.definition.constants import ELEMENT, FLAT_ARRAY, settle
from reconciler.kinds.pg_index.definition.server_printing_faults import mended
from reconciler.targets.sql_tree import SyntaxProblem, parse_select, shape

_AND, _OR = 1, 2  # libpg_query's BoolExprType
_EXPLICIT_CALL = 1  # libpg_query's CoercionForm
_OP_ANY, _OP_ALL = 2, 3  # libpg_query's A_Expr_Kind


@lru_cache(maxsize=20_000)
def meaning(expression: str, made: Made, is_predicate: bool) -> str:
    """What `expression` says, equal for equal trees and for nothing else; of a predicate with everything unordered
    sorted, and the constants of its clauses alike. Texts that the parser does not know come back as they are.

    `made`: what users have made, whose names may hide those of pg_catalog.
    """
    try:
        parsed = parse_select(mended(expression))
    except SyntaxProblem:
        return expression
    if is_predicate:
        settle(parsed, made.comparing)
    _sort(parsed, made.functions, is_predicate)
    return shape(parsed)


def is_read_otherwise(expression: str) -> bool:
    """Whether PostgreSQL reads what it printed as another tree, of the same meaning: it casts each element of an array
    that it printed as cast in one, `(ARRAY['x'::varchar, (s)::varchar])::text[]`."""
    if "(ARRAY[" not in expression:
        return False
    from postgast import find_nodes
    from postgast.pg_query_pb2 import TypeCast

    try:
        parsed = parse_select(mended(expression))
    except SyntaxProblem:
        return False
    return any(
        cast.type_name.array_bounds and cast.arg.HasField("a_array_expr") for cast in find_nodes(parsed, TypeCast)
    )


def _sort(node: Any, hiding: Collection[str], is_predicate: bool) -> None:
    """Sorts below `node`, inside first, so that equal operands have equal shapes when they are compared."""
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                _sort(child, hiding, is_predicate)
    match node.DESCRIPTOR.name:
        case "BoolExpr" if is_predicate and node.boolop in (_AND, _OR):
            operands = {shape(operand): operand for operand in node.args}
            kept = [operands[each] for each in sorted(operands)]
            copies = [type(operand)() for operand in kept]
            for copy, operand in zip(copies, kept, strict=True):
                copy.CopyFrom(operand)
            del node.args[:]
            node.args.extend(copies)
        case "FuncCall" if _of_pg_catalog(node) and node.funcname[-1].string.sval not in hiding:
            # The server prints a bare name where it finds the function by it: this one, since no other has the name.
            del node.funcname[0]
            node.funcformat = _EXPLICIT_CALL
        case "A_Expr" if is_predicate and node.kind in (_OP_ANY, _OP_ALL):
            _sort_array(node)
        case "TypeCast" if _is_cast_twice(node):
            inner = type(node.arg)()
            inner.CopyFrom(node.arg.type_cast.arg)
            node.arg.CopyFrom(inner)


def _is_cast_twice(cast: Any) -> bool:
    """Whether it is cast to what it is already: where a COLLATE between them was forgotten, PostgreSQL prints both."""
    inner = cast.arg.type_cast.type_name if cast.arg.HasField("type_cast") else None
    return inner is not None and not inner.typmods and shape(inner) == shape(cast.type_name)


def _of_pg_catalog(call: Any) -> bool:
    return [part.string.sval for part in call.funcname[:-1]] == ["pg_catalog"]


def _sort_array(node: Any) -> None:
    """Sorts the constant array of `x = ANY ('{b,a}')` and of `x <> ALL (…)`: the order of elements means nothing."""
    operator = node.name[0].string.sval if node.name else ""
    if (node.kind, operator) not in {(_OP_ANY, "="), (_OP_ALL, "<>")}:
        return
    constant = node.rexpr.type_cast.arg.a_const if node.rexpr.HasField("type_cast") else node.rexpr.a_const
    array = constant.sval.sval
    if FLAT_ARRAY.match(array):
        elements = dict.fromkeys(re.findall(ELEMENT, array, re.DOTALL))
        constant.sval.sval = "{" + ",".join(sorted(elements)) + "}"
