"""SQL and its parse tree: the one place where a text is read, two trees are compared, and a tree is printed.

`postgast.deparse` forgets the parentheses of some trees, and the quotes of some names: `(a or b) is null` comes out as
`a or b is null`, which is another index. So nothing leaves this file that it printed and that, read again, is not the
same tree; and what somebody wrote is not printed at all, but cut out of his text.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

PLACES = ("location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end", "name_location", "stmt_location",
          "stmt_len")  # fmt: skip
"""Fields that say where in its text a node stands."""

_PLACES = re.compile(rf"\n *+(?:{'|'.join(PLACES)}): -?\d+")
"""The same in protobuf's text format, where no string holds a line break."""

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


def printed(parsed: Any) -> str:
    """The SQL of a whole parse tree; empty where the printer's text, read again, is another one."""
    import postgast

    try:
        text = str(postgast.deparse(parsed))
        comes_back = shape(parse(text)) == shape(parsed)
    except (postgast.PgQueryError, SyntaxProblem):
        return ""
    return text if comes_back else ""


def printed_select(parsed: Any) -> str:
    """The SQL of what `parse_select` found; empty likewise."""
    return printed(parsed).removeprefix("SELECT ")


def printed_expression(node: Any) -> str:
    """The SQL of an expression's node; empty likewise."""
    parsed = parse_select("null")
    parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return printed_select(parsed)


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
