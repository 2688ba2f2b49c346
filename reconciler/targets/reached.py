"""The names in SQL by which code is reached, as PostgreSQL's parser sees them. Nothing here knows a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Name = tuple[str, str]
"""Schema, empty where it is not written, and name."""


class Call(NamedTuple):
    """A function as a text calls it; `arguments` None where their number is not known."""

    name: Name
    arguments: int | None


@dataclass(frozen=True, slots=True)
class Reached:
    """The names by which a text of SQL may reach code.

    `functions` are those of its calls, and whatever else may turn out to be one: `t.f` is f(t) where t has no column f,
    and so is `(t).f`. `operators` hold those that syntax stands for, too: IN, BETWEEN, USING. `session_value`: a word
    for a value of the session or the moment, such as CURRENT_USER; empty where there is none.
    """

    calls: frozenset[Call]
    functions: frozenset[Name]
    operators: frozenset[Name]
    types: frozenset[Name]
    relations: frozenset[Name]
    has_subquery: bool
    session_value: str

    @classmethod
    def of(cls, tree: Any) -> Reached:
        """What the parse tree of a statement reaches."""
        from postgast import find_nodes
        from postgast.pg_query_pb2 import (
            A_Expr,
            A_Indirection,
            ColumnRef,
            CommonTableExpr,
            FuncCall,
            RangeTableSample,
            RangeVar,
            SortBy,
            SQLValueFunction,
            SubLink,
            TypeName,
        )

        calls = {
            Call(_name(call.funcname), None if call.func_variadic else len(call.args))
            for call in find_nodes(tree, FuncCall)
        }
        methods = {_name(sample.method) for sample in find_nodes(tree, RangeTableSample)}
        fields = {_last(ref.fields) for ref in find_nodes(tree, ColumnRef) if len(ref.fields) > 1}
        fields |= {_last(each.indirection) for each in find_nodes(tree, A_Indirection)}
        written = [each.name for each in find_nodes(tree, A_Expr)]
        written += [each.oper_name for each in find_nodes(tree, SubLink)]
        written += [each.use_op for each in find_nodes(tree, SortBy)]
        own = {each.ctename for each in find_nodes(tree, CommonTableExpr)}
        # A cast may be written as a call of its type.
        types = {_name(each.names) for each in find_nodes(tree, TypeName)} | {call.name for call in calls}
        return cls(
            calls=frozenset(calls),
            functions=frozenset({call.name for call in calls} | methods | {("", field) for field in fields if field}),
            operators=frozenset({_name(each) for each in written if each} | _BY_SYNTAX),
            types=frozenset(types),
            relations=frozenset(
                (each.schemaname, each.relname)
                for each in find_nodes(tree, RangeVar)
                if each.schemaname or each.relname not in own
            ),
            has_subquery=any(True for _ in find_nodes(tree, SubLink)),
            session_value=next((_word(each.op) for each in find_nodes(tree, SQLValueFunction)), ""),
        )


_BY_SYNTAX = frozenset(
    {("", sign) for sign in ("=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~")}
)
"""Operators that IN, BETWEEN, LIKE, NULLIF, CASE, USING, DISTINCT and comparisons of rows are made of."""


def _name(parts: Sequence[Any]) -> Name:
    texts = [part.string.sval for part in parts]
    return (texts[-2] if len(texts) > 1 else "", texts[-1] if texts else "")


def _word(operation: int) -> str:
    """`current_user` of libpg_query's SVFOP_CURRENT_USER."""
    from postgast.pg_query_pb2 import SQLValueFunctionOp

    return str(SQLValueFunctionOp.Name(operation)).removeprefix("SVFOP_").removesuffix("_N").lower()


def _last(fields: Sequence[Any]) -> str:
    return str(fields[-1].string.sval) if fields else ""
