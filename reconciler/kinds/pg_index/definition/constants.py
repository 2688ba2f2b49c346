"""Constants that are spelled otherwise and mean the same.

In a clause of a predicate, `x > 1.50` keeps the rows of `x > 1.5`, and PostgreSQL, which proves that a query's clause
implies an index's by comparing the values of their constants, uses the one for the other (seen on 13 to 18). The same
goes for the blanks at the end of a char(n), and for the length or the fields that a constant of an interval, a time or
bits was cut to when it was folded: `'01:30:00'::interval minute`.

In a key, they are different things: an index on `n + 1.50` is not used for `n + 1.5` (seen likewise).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from reconciler.kinds.booleans import parse_bool

_AND, _OR = 1, 2  # libpg_query's BoolExprType
_OP, _OP_ANY, _OP_ALL = 1, 2, 3  # libpg_query's A_Expr_Kind

_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}
_LABELLED = {"bit", "bpchar", "interval", "numeric", "time", "timestamp", "timestamptz", "timetz", "varbit", "varchar"}
"""Types whose constants may bear a length, a precision or fields."""

ELEMENT = r'"(?:[^"\\]|\\.)*"|[^{},"\\\s][^{},"\\]*'
FLAT_ARRAY = re.compile(rf"\{{(?:{ELEMENT})(?:,(?:{ELEMENT}))*\}}\Z", re.DOTALL)
"""An array's text of one dimension; an element that needs quotes has them."""

_BOOLEAN = {"bool", "boolean"}
_BLANKS = " \t\n\r\v\f"
"""What the input function of booleans leaves out around a word."""


def is_always_true(node: Any) -> bool:
    """Whether PostgreSQL takes a predicate for the constant TRUE when it reads it: then it stores none.

    `'yes'` and `'on'::boolean` are constants. `1 = 1` and `not false` are not: they are stored as they are.
    """
    while node.HasField("type_cast") and _is_boolean(node.type_cast.type_name):
        node = node.type_cast.arg
    if not node.HasField("a_const"):
        return False
    constant = node.a_const
    if constant.HasField("boolval"):
        return bool(constant.boolval.boolval)
    return parse_bool(constant.sval.sval.strip(_BLANKS)) is True


def _is_boolean(type_name: Any) -> bool:
    names = [part.string.sval for part in type_name.names]
    return names[-1] in _BOOLEAN and names[:-1] in ([], ["pg_catalog"]) and not type_name.array_bounds


def settle(parsed: Any, operators: Collection[str]) -> None:
    """Gives the constants in the clauses of a predicate one spelling. `operators`: those that users have made for such
    constants, whose meaning is not known."""
    _settle_clauses(parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val, operators)


def _settle_clauses(node: Any, operators: Collection[str]) -> None:
    if node.HasField("bool_expr") and node.bool_expr.boolop in (_AND, _OR):
        for clause in node.bool_expr.args:
            _settle_clauses(clause, operators)
    elif node.HasField("a_expr"):
        clause = node.a_expr
        sign = clause.name[0].string.sval if len(clause.name) == 1 else ""
        if clause.kind in (_OP, _OP_ANY, _OP_ALL) and sign in _COMPARISONS and sign not in operators:
            for side in (clause.lexpr, clause.rexpr):
                _settle_constant(side)


def _settle_constant(node: Any) -> None:
    if node.HasField("a_const") and node.a_const.HasField("fval"):
        # The server prints no other constants than those of numeric like this.
        text = node.a_const.fval.fval
        node.type_cast.arg.a_const.sval.sval = _without_zeros(text)
        node.type_cast.type_name.names.add().string.sval = "numeric"
        node.type_cast.type_name.typemod = -1
        return
    if not node.HasField("type_cast") or not node.type_cast.arg.HasField("a_const"):
        return
    type_name, constant = node.type_cast.type_name, node.type_cast.arg.a_const
    names = [part.string.sval for part in type_name.names]
    if names[-1] not in _LABELLED or names[:-1] not in ([], ["pg_catalog"]):
        return
    if constant.HasField("fval"):
        constant.sval.sval = constant.fval.fval
    if not constant.HasField("sval"):
        return
    del type_name.names[:-1]
    del type_name.typmods[:]
    spelled: Callable[[str], str] | None = {"numeric": _without_zeros, "bpchar": _without_blanks}.get(names[-1])
    if spelled:
        text = constant.sval.sval
        constant.sval.sval = _each(text, spelled) if type_name.array_bounds else spelled(text)


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text.lower() else text


def _without_blanks(text: str) -> str:
    return text.rstrip(" ")


def _each(array: str, spelled: Callable[[str], str]) -> str:
    """`array` with its elements respelled; as it is, where it has more dimensions than one."""
    if not FLAT_ARRAY.match(array):
        return array
    found = []
    for element in re.findall(ELEMENT, array, re.DOTALL):
        bare = element[1:-1] if element.startswith('"') else element
        # Without quotes, NULL is none of the values.
        found.append(element if element == "NULL" else f'"{spelled(bare)}"')
    return "{" + ",".join(found) + "}"
