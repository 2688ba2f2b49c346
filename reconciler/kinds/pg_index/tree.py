"""SQL and its parse tree: how a text is read, two trees are compared, and a tree is printed.

`postgast.deparse` forgets the parentheses of some trees: nothing leaves this file that it printed and that, read again,
is not the same tree.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from reconciler.kinds.pg_index.syntax import SyntaxProblem as SyntaxProblem

_PLACES = re.compile(r"\n *(?:\w*location|\w*list_start|\w*list_end|stmt_len): -?\d+")
"""Fields that say where in its text a node stands, in protobuf's text format, whose strings hold no line breaks."""


def parse_select(text: str) -> Any:
    """The tree of a SELECT of whatever `text` holds. Raises SyntaxProblem."""
    import postgast

    try:
        # The line break ends a comment that the text may end with.
        return postgast.parse(f"select ({text}\n)")
    except postgast.PgQueryError as error:
        raise SyntaxProblem(str(error)) from None


def shape(tree: Any) -> str:
    """A digest of all that a tree says, but for the places where its parts stood in a text: equal for equal trees."""
    return sha256(_PLACES.sub("", f"\n{tree}").encode()).hexdigest()


def printed_expression(node: Any) -> str:
    """The SQL of an expression's node; empty where the printer's text, read again, is another one."""
    import postgast

    parsed = parse_select("null")
    parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    try:
        text = str(postgast.deparse(parsed))
        comes_back = shape(postgast.parse(text)) == shape(parsed)
    except postgast.PgQueryError:
        return ""
    return text.removeprefix("SELECT ") if comes_back else ""
