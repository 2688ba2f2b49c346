"""SQL and its parse tree: the one place where a text is read, two trees are compared, and a tree is printed.

`postgast.deparse` forgets the parentheses of some trees, and the quotes of some names: `(a or b) is null` comes out as
`a or b is null`, which is another index. So nothing leaves this file that it printed and that, read again, is not the
same tree; and what somebody wrote is not printed at all, but cut out of his text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any

PLACES = ("location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end", "name_location", "stmt_location",
          "stmt_len")  # fmt: skip
"""Fields that say where in its text a node stands."""

_PLACES = re.compile(rf"\n *+(?:{'|'.join(PLACES)}): -?\d+")
"""The same in protobuf's text format, where no string holds a line break."""

REMEMBERED = 50_000
"""Texts whose reading is kept: tables that are alike have indexes that are spelled alike."""

MOST_DEPTH = 300
"""Messages inside of one another, two for each operator: those who walk a tree call themselves up to twice for each,
and Python has an end of that at 1,000."""

MOST_TOKENS = 3_000
"""Tokens of a text whose tree may be too deep for protobuf's own limit: each token is two levels at most, and decoding
is safe up to ten times as many."""

MOST_NESTED = 10_000
"""Tokens by which one expression may come to be inside of another: operators, casts, UNION. libpg_query hands a tree
on by calling itself for each level, and some 30,000 of them end the process with its stack."""

_ENDLESS = 2 * MOST_NESTED
"""Letters that so many of them take at the least: shorter texts are not looked at."""

_FLAT = frozenset(
    {"ICONST", "FCONST", "SCONST", "BCONST", "XCONST", "PARAM", "IDENT", "TRUE_P", "FALSE_P", "NULL_P"}
    | {f"ASCII_{ord(sign)}" for sign in ",.;()[]"}
)
"""Tokens that nest nothing, and parentheses, of which the parser itself takes no more than its own stack."""


class SyntaxProblem(ValueError):
    """A text that PostgreSQL's parser does not take, or takes for something else than what was asked for."""


def parse(text: str) -> Any:
    """The parse tree of any number of statements. Raises SyntaxProblem."""
    import postgast
    from google.protobuf.message import DecodeError

    if "\0" in text:
        raise SyntaxProblem("it holds a NUL, where our parser would take it for its end")
    try:
        _refuse_endless(text)
        text = _without_comments(text)
        return postgast.parse(text)
    except postgast.PgQueryError as error:
        raise SyntaxProblem(str(error)) from None
    except DecodeError:
        return _deep(text)


def _refuse_endless(text: str) -> None:
    """Raises SyntaxProblem where a text could nest so deeply that the parser would not come back."""
    if len(text) < _ENDLESS:
        return
    import postgast
    from postgast.pg_query_pb2 import Token

    flat = {Token.Value(name) for name in _FLAT}
    if sum(token.token not in flat for token in postgast.scan(text).tokens) > MOST_NESTED:
        raise SyntaxProblem(f"it has more than {MOST_NESTED:,} operators and words, and may be nested too deeply")


def _without_comments(text: str) -> str:
    """`text` with blanks in their place: after one, libpg_query does not know `not /* */ between`, as servers do."""
    if "--" not in text and "/*" not in text:
        return text
    import postgast

    left = bytearray(text.encode())
    for token in postgast.scan(text).tokens:
        if token.token in (postgast.pg_query_pb2.SQL_COMMENT, postgast.pg_query_pb2.C_COMMENT):
            left[token.start : token.end] = b" " * (token.end - token.start)
    return left.decode()


def parse_select(text: str) -> Any:
    """The tree of a SELECT of whatever `text` holds. Raises SyntaxProblem."""
    # The line break ends a comment that the text may end with.
    return parse(f"{SELECT}{text}\n)")


SELECT = "select ("


def parse_expression(text: str) -> Any:
    """The node of one expression, and of nothing else. Raises SyntaxProblem."""
    parsed = parse_select(text)
    statement = parsed.stmts[0].stmt.select_stmt
    # A text that closes our parenthesis and goes on is more than one bare output column.
    alone = len(parsed.stmts) == 1 and {field.name for field, _ in statement.ListFields()} == _OF_A_BARE_SELECT
    if not alone or len(statement.target_list) != 1 or statement.target_list[0].res_target.name:
        raise SyntaxProblem(f"{text!r} is more than one expression")
    return statement.target_list[0].res_target.val


_OF_A_BARE_SELECT = frozenset({"target_list", "limit_option", "op"})


def shape(tree: Any) -> str:
    """A digest of all that a tree says, but for the places where its parts stood in a text: equal for equal trees."""
    return sha256(_PLACES.sub("", f"\n{tree}").encode()).hexdigest()


@lru_cache(maxsize=REMEMBERED)
def canonical(text: str) -> str:
    """What an expression says, whatever it looks like: equal for equal trees, and for nothing else.

    Raises SyntaxProblem.
    """
    return shape(parse_expression(text))


def column_references(text: str) -> list[Any]:
    """The nodes of the columns that an expression names; none where it cannot be parsed."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import ColumnRef

    try:
        return list(find_nodes(parse_select(text), ColumnRef))
    except SyntaxProblem:
        return []


def printed(parsed: Any) -> str:
    """The SQL of a whole parse tree; empty where the printer's text, read again, is another one."""
    wanted = shape(parsed)
    text = _coming_back(parsed, wanted)
    if text or (quoted := _quoted(parsed)) is None:
        return text
    return _coming_back(quoted, wanted)


def _coming_back(tree: Any, wanted: str) -> str:
    """The printer's text, where it is read as the tree that `wanted` is the shape of."""
    import postgast

    try:
        text = str(postgast.deparse(tree))
        return text if shape(parse(text)) == wanted else ""
    except (postgast.PgQueryError, SyntaxProblem):
        return ""


def _quoted(parsed: Any) -> Any:
    """The same with quotes around the names of arguments, which the printer forgets; None where there are none."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import NamedArgExpr

    if next(iter(find_nodes(parsed, NamedArgExpr)), None) is None:
        return None
    quoted = type(parsed)()
    quoted.CopyFrom(parsed)
    for each in find_nodes(quoted, NamedArgExpr):
        each.name = '"' + each.name.replace('"', '""') + '"'
    return quoted


def printed_select(parsed: Any) -> str:
    """The SQL of what `parse_select` found; empty likewise."""
    return printed(parsed).removeprefix("SELECT ")


def printed_expression(node: Any) -> str:
    """The SQL of an expression's node, with more parentheses than it needs where the printer forgets some; empty
    likewise."""
    parsed = _selecting(node)
    return printed_select(parsed) or _coming_back_with_parentheses(parsed)


def _selecting(node: Any) -> Any:
    parsed = parse_select("null")
    parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return parsed


_OPERANDS = frozenset(
    {"a_expr", "a_indirection", "bool_expr", "boolean_test", "case_expr", "coalesce_expr", "collate_clause",
     "func_call", "min_max_expr", "null_test", "type_cast"}
)  # fmt: skip
"""What may be in parentheses wherever it stands."""


def _coming_back_with_parentheses(parsed: Any) -> str:
    """The printer's text with all operands in parentheses: each is printed by itself, a name standing in its place."""
    import postgast

    copied = type(parsed)()
    copied.CopyFrom(parsed)
    places: dict[str, str] = {}
    try:
        text = _printed_in_parts(copied.stmts[0].stmt.select_stmt.target_list[0].res_target.val, places)
        return text if shape(parse_select(text)) == shape(parsed) else ""
    except (postgast.PgQueryError, SyntaxProblem):
        return ""


def _printed_in_parts(node: Any, places: dict[str, str]) -> str:
    import postgast

    for operand in _operands(node):
        text = _printed_in_parts(operand, places)
        name = f"operand_{len(places)}_"
        places[name] = f"({text})"
        operand.column_ref.fields.add().string.sval = name
    quoted = _quoted(_selecting(node)) or _selecting(node)
    text = str(postgast.deparse(quoted)).removeprefix("SELECT ")
    return re.sub(r"operand_\d+_", lambda found: places.get(found[0], found[0]), text)


def is_clause(node: Any) -> bool:
    """Whether it may be the call that stands for a clause, as for ESCAPE: the printer looks for it behind LIKE and
    SIMILAR TO, and ends the process without it."""
    return len(node.func_call.funcname) > 1 and node.func_call.funcname[0].string.sval == "pg_catalog"


def _operands(message: Any) -> Iterator[Any]:
    """The outermost ones below a node."""
    from google.protobuf.message import Message

    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else list(value):
                if child.DESCRIPTOR.name == "Node" and child.WhichOneof("node") in _OPERANDS and not is_clause(child):
                    yield child
                else:
                    yield from _operands(child)


def _deep(text: str) -> Any:
    """The tree of a text whose tree is deeper than protobuf reads unasked: 50 operators in a row are."""
    import postgast
    from google.protobuf.internal import api_implementation

    allow = getattr(getattr(api_implementation, "_c_module", None), "SetAllowOversizeProtos", None)
    if allow and len(postgast.scan(text).tokens) <= MOST_TOKENS:
        allow(True)
        try:
            parsed = postgast.parse(text)
        finally:
            allow(False)
        if _depth(parsed) <= MOST_DEPTH:
            return parsed
    raise SyntaxProblem("it is nested deeper than our parser goes")


def _depth(tree: Any) -> int:
    deepest, left = 0, [(tree, 1)]
    while left:
        message, depth = left.pop()
        deepest = max(deepest, depth)
        for field, value in message.ListFields():
            if field.message_type is not None:
                left += [(child, depth + 1) for child in (value if field.is_repeated else [value])]
    return deepest
