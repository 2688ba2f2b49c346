"""What folding leaves out of an expression, and with it a type or a collation that nothing shows any more.

`(case when true then f4 else f8 end)::text` comes down to `(f4)::text`, in which PostgreSQL does not print that f4
becomes a float8 first; and `(case when false then c else d end) < 'x'` to `d < 'x'`, compared in the collation of c. So
where a branch of CASE, an argument of COALESCE or a row around a field is no longer in what an expression comes down
to, it is read once more in a form in which folding leaves nothing out.

Decided: docs/decisions.md#what-folding-leaves-out
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from reconciler.targets.sql_nodes import nodes_and_texts
from reconciler.targets.sql_patterns import without_constants
from reconciler.targets.sql_tree import SyntaxProblem, parse_expression, parse_select

_MAY_BE = re.compile(
    r"\bcase\b|\bcoalesce\b|\brow\b|\bcast\b"
    r"|\)\s*::\s*(?!(?:bigint|boolean|bpchar|character|date|double|int\w*|jsonb?|numeric|real|text|time\w*|varchar)\b)",
    re.IGNORECASE,
)
"""What a text has that has any of them: `(a, b)::pair` is a row, too."""


def leaves_out(text: str, output: str) -> bool:
    """Whether `output`, which `text` comes down to, has not all of the parts that decide about types."""
    # An index's own key stands in parentheses. Both are looked at only where their texts do not say all.
    is_written_alike = output == text or f"({output})" == text
    return not is_written_alike and bool(_MAY_BE.search(text)) and _all_parts(text) != _all_parts(output)


def _all_parts(text: str) -> tuple[int, ...]:
    return _parts(without_constants(text))


@lru_cache(maxsize=20_000)
def _parts(text: str) -> tuple[int, ...]:
    """How many branches, arguments and rows a text has; none where our parser does not know it."""
    try:
        nodes, _ = nodes_and_texts(parse_select(text))
    except SyntaxProblem:
        return ()

    def of(kind: str) -> list[Any]:
        return nodes.get(kind, [])

    return (
        len(of("CaseExpr")),
        sum(each.HasField("defresult") for each in of("CaseExpr")),
        len(of("CaseWhen")),
        sum(len(each.args) for each in of("CoalesceExpr")),
        sum(_is_row(each.arg) for each in of("A_Indirection")),
        sum(len(each.args) == 1 and _is_row(each.args[0]) for each in of("FuncCall")),
    )


def _is_row(node: Any) -> bool:
    """Whether it is a row of a type with a name, whose fields have types of their own."""
    is_cast = False
    while node.HasField("type_cast"):
        node, is_cast = node.type_cast.arg, True
    return is_cast and bool(node.HasField("row_expr"))


def keep(node: Any) -> None:
    """Makes all parts below `node` such that folding leaves none of them out: conditions that are not known before."""
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else list(value):
                keep(child)
    if node.DESCRIPTOR.name != "Node":
        return
    match node.WhichOneof("node"):
        case "case_expr":
            _keep_case(node.case_expr)
        case "coalesce_expr" if len(node.coalesce_expr.args) > 1:
            node.CopyFrom(_choice(list(node.coalesce_expr.args)))
        case "a_indirection" if _is_row(node.a_indirection.arg):
            node.a_indirection.arg.CopyFrom(_choice([None, node.a_indirection.arg]))
        case "func_call" if len(node.func_call.args) == 1 and _is_row(node.func_call.args[0]):
            node.func_call.args[0].CopyFrom(_choice([None, node.func_call.args[0]]))


def _keep_case(case: Any) -> None:
    """With a condition in each WHEN that is not computed beforehand, whatever it says."""
    for when in case.args:
        found = when.case_when.expr
        if case.HasField("arg"):
            compared = parse_expression("null = null")
            compared.a_expr.lexpr.CopyFrom(_typed(case.arg))
            compared.a_expr.rexpr.CopyFrom(found)
            found.CopyFrom(compared)
        unknown = parse_expression("pg_catalog.concat(null::pg_catalog.bool) is not null")
        unknown.null_test.arg.func_call.args[0].type_cast.arg.CopyFrom(found)
        found.CopyFrom(unknown)
    case.ClearField("arg")


def _typed(node: Any) -> Any:
    """PostgreSQL takes a constant after CASE for a text where it has no type."""
    if not (node.HasField("a_const") and (node.a_const.HasField("sval") or node.a_const.isnull)):
        return node
    cast = parse_expression("null::pg_catalog.text")
    cast.type_cast.arg.CopyFrom(node)
    return cast


def _choice(arguments: list[Any]) -> Any:
    """A CASE of the same type as COALESCE of these: PostgreSQL looks at what follows ELSE first. None: nothing."""
    first, *others = arguments
    case = parse_expression("case when pg_catalog.concat(0) is not null then null end")
    [when] = case.case_expr.args
    del case.case_expr.args[:]
    for number, each in enumerate(others, 1):
        when.case_when.expr.null_test.arg.func_call.args[0].a_const.ival.ival = number
        when.case_when.result.CopyFrom(each)
        case.case_expr.args.add().CopyFrom(when)
    if first is not None:
        case.case_expr.defresult.CopyFrom(first)
    return case
