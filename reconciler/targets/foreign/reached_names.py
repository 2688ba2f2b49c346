"""The names in SQL by which code is reached, as PostgreSQL's parser sees them. Nothing here knows a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.targets.sql_nodes import nodes_and_texts
from reconciler.targets.sql_patterns import without_constants
from reconciler.targets.sql_tree import REMEMBERED, SyntaxProblem, parse_select

Name = tuple[str, str]
"""Schema, empty where it is not written, and name."""


class Call(NamedTuple):
    """A function as a text calls it; `arguments` None where their number is not known."""

    name: Name
    arguments: int | None


@dataclass(frozen=True, slots=True)
class Reached:
    """The names by which a text of SQL may reach code.

    `functions` are those of its calls, and whatever else may turn out to be one: `fields`, since `t.f` is f(t) where t
    has no column f, and so is `(t).f`. `operators` hold those that syntax stands for, too: IN, BETWEEN, USING.
    `session_value`: a word for a value of the session or the moment, such as CURRENT_USER; empty where there is none.
    `has_odd_names`: names that a server with another encoding than UTF-8 may read otherwise than our parser does: it
    cuts them after other letters, and folds others to lower case.
    """

    calls: frozenset[Call]
    fields: frozenset[Name]
    functions: frozenset[Name]
    operators: frozenset[Name]
    types: frozenset[Name]
    relations: frozenset[Name]
    has_subquery: bool
    session_value: str
    has_odd_names: bool

    @property
    def names(self) -> set[str]:
        """Those of functions, operators and types, without their schemas."""
        return {name for _, name in self.functions | self.operators | self.types}

    @classmethod
    def of(cls, tree: Any) -> Reached:
        """What the parse tree of a statement reaches."""
        nodes, texts = nodes_and_texts(tree)

        def of(kind: str) -> list[Any]:
            return nodes.get(kind, [])

        calls = {Call(_name(call.funcname), None if call.func_variadic else len(call.args)) for call in of("FuncCall")}
        if any(kind.startswith("Json") or kind == "MergeSupportFunc" for kind in nodes):
            # An older server takes their words for names of functions.
            calls |= {Call(("", word), None) for word in _YOUNGER}
        methods = {_name(sample.method) for sample in of("RangeTableSample")}
        fields = {("", part.string.sval) for ref in of("ColumnRef") for part in ref.fields[1:]}
        fields |= {("", part.string.sval) for each in of("A_Indirection") for part in each.indirection}
        fields.discard(("", ""))
        written = [each.name for each in of("A_Expr")]
        written += [each.oper_name for each in of("SubLink")]
        written += [each.use_op for each in of("SortBy")]
        operators = {_name(each) for each in written if each}
        called = {call.name for call in calls} | fields
        return cls(
            calls=frozenset(calls),
            fields=frozenset(fields),
            functions=frozenset(called | methods),
            operators=_BY_SYNTAX if operators <= _BY_SYNTAX else _BY_SYNTAX | operators,
            # A cast may be written as a call of its type, or as a field.
            types=frozenset(called.union([_name(each.names) for each in of("TypeName")])),
            # Those of WITH among them: `with t as (select * from t)` reads the table t.
            relations=frozenset((each.schemaname, each.relname) for each in of("RangeVar")),
            has_subquery=bool(of("SubLink")),
            session_value=next((_word(each.op) for each in of("SQLValueFunction")), ""),
            has_odd_names=any(len(text) > CERTAIN or not text.isascii() for text in texts),
        )


@lru_cache(maxsize=REMEMBERED)
def reached(text: str) -> Reached | None:
    """The names by which an expression may reach code, whatever its constants are; None where it cannot be parsed."""
    return _reached(without_constants(text))


@lru_cache(maxsize=REMEMBERED)
def _reached(text: str) -> Reached | None:
    try:
        return Reached.of(parse_select(text))
    except SyntaxProblem:
        return None


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


CERTAIN = 59
"""Bytes of a name that every server keeps whole: 63, without a letter of four bytes."""

_YOUNGER = (
    "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar",
    "json_serialize", "json_table", "json_value", "merge_action",
)  # fmt: skip
"""Words of the syntax of 16 and later that are ordinary names before."""
