"""Whether expressions of users may be planned by this session, or run on rows, told by the names in them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.targets.foreign.code import ForeignCode, Function
from reconciler.targets.foreign.reached_names import Call, Name, reached


def unplannable(table: Name, expressions: Iterable[str], foreign: ForeignCode) -> str:
    """Why a query on `table` with these expressions must not be planned by this session; empty where it may."""
    texts = (foreign.in_text(reached(text)) for text in expressions)
    return foreign.in_table(table) or next(filter(None, texts), "")


def unrunnable(expressions: Iterable[str], foreign: ForeignCode) -> str:
    """Why expressions are not to be run on rows; empty where every function that they may mean is immutable."""
    for text in expressions:
        names = reached(text)
        if names is None:
            return "our parser does not know its syntax"
        if operator := foreign.changing(names):
            return f"some operators {operator} are not immutable, and which one it means only the build tells"
        for call in sorted(names.calls | {Call(field, 1) for field in names.fields}, key=lambda each: each.name):
            if not all(_is_plain(each) for each in foreign.functions(call)):
                return f"some functions {shown(call)} are not immutable, and which one it means only the build tells"
    return ""


def _is_plain(function: Function) -> bool:
    return function.volatility == "i" and function.prokind == "f" and not function.returns_set


def shown(call: Call) -> str:
    """A call for people: `app.norm()`."""
    return f"{'.'.join(filter(None, call.name))}()"
