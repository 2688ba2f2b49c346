"""Puts what has no order into one: the operands of AND and OR, and the elements of `= ANY ('{…}')`. Calls lose the
syntax that they were written in: `x at time zone 'UTC'` is `timezone('UTC', x)`.

Applied to expressions as the server prints them after folding. `a and b` and `b and a` keep the same rows, and
rebuilding an index for that would help nobody.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from reconciler.kinds.pg_index.mended import mended
from reconciler.kinds.pg_index.tree import SyntaxProblem, parse_select, shape

_ELEMENT = r'"(?:[^"\\]|\\.)*"|[^{},"\\\s][^{},"\\]*'
_FLAT_ARRAY = re.compile(rf"\{{(?:{_ELEMENT})(?:,(?:{_ELEMENT}))*\}}\Z", re.DOTALL)
"""An array's text of one dimension; an element that needs quotes has them."""
_AND, _OR = 1, 2  # libpg_query's BoolExprType
_EXPLICIT_CALL = 1  # libpg_query's CoercionForm
_OP_ANY, _OP_ALL = 2, 3  # libpg_query's A_Expr_Kind


@lru_cache(maxsize=20_000)
def meaning(expression: str, pg_catalog_first: bool) -> str:
    """What `expression` says when everything unordered is sorted: equal for equal trees, and for nothing else. Texts
    that the parser does not know come back as they are.

    `pg_catalog_first`: a bare name of a function can only be pg_catalog's, where pg_catalog has one of that name.
    """
    try:
        parsed = parse_select(mended(expression))
    except SyntaxProblem:
        return expression
    _sort(parsed, pg_catalog_first)
    return shape(parsed)


def _sort(node: Any, pg_catalog_first: bool) -> None:
    """Sorts below `node`, inside first, so that equal operands have equal shapes when they are compared."""
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                _sort(child, pg_catalog_first)
    match node.DESCRIPTOR.name:
        case "BoolExpr" if node.boolop in (_AND, _OR):
            operands = {shape(operand): operand for operand in node.args}
            kept = [operands[each] for each in sorted(operands)]
            copies = [type(operand)() for operand in kept]
            for copy, operand in zip(copies, kept, strict=True):
                copy.CopyFrom(operand)
            del node.args[:]
            node.args.extend(copies)
        case "FuncCall" if pg_catalog_first and [part.string.sval for part in node.funcname[:-1]] == ["pg_catalog"]:
            # The server prints a bare name only where it finds pg_catalog's function by it.
            del node.funcname[0]
            node.funcformat = _EXPLICIT_CALL
        case "A_Expr" if node.kind in (_OP_ANY, _OP_ALL):
            _sort_array(node)


def _sort_array(node: Any) -> None:
    """Sorts the constant array of `x = ANY ('{b,a}')` and of `x <> ALL (…)`: the order of elements means nothing."""
    operator = node.name[0].string.sval if node.name else ""
    if (node.kind, operator) not in {(_OP_ANY, "="), (_OP_ALL, "<>")}:
        return
    constant = node.rexpr.type_cast.arg.a_const if node.rexpr.HasField("type_cast") else node.rexpr.a_const
    array = constant.sval.sval
    if _FLAT_ARRAY.match(array):
        elements = dict.fromkeys(re.findall(_ELEMENT, array, re.DOTALL))
        constant.sval.sval = "{" + ",".join(sorted(elements)) + "}"
