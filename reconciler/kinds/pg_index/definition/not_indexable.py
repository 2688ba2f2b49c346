"""What PostgreSQL takes in no index, told by the names in an expression: nothing of it is planned or run to find out.

PostgreSQL refuses subqueries, aggregates, window functions and functions that return sets (parse_expr.c, parse_func.c,
parse_agg.c). Whether all is immutable is not told by names: what is inlined, or folded away, does not count.
"""

from __future__ import annotations

from reconciler.kinds.pg_index.model import Definition
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import shown
from reconciler.targets.foreign.reached_names import reached

_VOLATILITY = {"s": "stable", "v": "volatile"}


def refusal(definition: Definition, foreign: ForeignCode) -> str:
    """Why PostgreSQL will refuse to build it, in its own words; empty where that is not certain."""
    places = [(key.expression, "expressions") for key in definition.keys if key.expression]
    if definition.predicate:
        places.append((definition.predicate, "predicates"))
    for text, where in places:
        if why := _refused(text, where, foreign):
            return f"PostgreSQL refuses it: {why}"
    return ""


def _refused(text: str, where: str, foreign: ForeignCode) -> str:
    names = reached(text)
    if names is None:
        return ""
    one = "expression" if where == "expressions" else "predicate"
    if names.has_subquery:
        return f"cannot use subquery in index {one}"
    for call in sorted(names.calls, key=lambda each: each.name):
        meant = foreign.functions(call)
        if not meant:
            continue
        if all(each.prokind == "a" for each in meant):
            return f"aggregate functions are not allowed in index {where}: {shown(call)}"
        if all(each.prokind == "w" for each in meant):
            return f"window functions are not allowed in index {where}: {shown(call)}"
        if all(each.returns_set for each in meant):
            return f"set-returning functions are not allowed in index {where}: {shown(call)}"
    return ""


def changing(text: str, foreign: ForeignCode) -> str:
    """What in an expression that is not immutable is not, by its name: `now() is stable`; empty where that is open."""
    names = reached(text)
    if names is None:
        return ""
    if names.session_value:
        return f"{names.session_value} is stable"
    for call in sorted(names.calls, key=lambda each: each.name):
        meant = foreign.functions(call)
        if meant and all(each.volatility != "i" for each in meant):
            words = sorted({_VOLATILITY[each.volatility] for each in meant})
            return f"{shown(call)} is {' or '.join(words)}"
    return ""
