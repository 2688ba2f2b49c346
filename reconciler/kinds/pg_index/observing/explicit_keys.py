"""Which keys of an index that is there name a collation or an operator class, by PostgreSQL's own printing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from reconciler.kinds.pg_index.definition.create_index import Explicit, explicit
from reconciler.targets.sql_tree import SyntaxProblem

_NOTHING = Explicit(collation=False, opclass=False)

_ORDERS = ("", " DESC NULLS LAST", " NULLS FIRST", " DESC")
"""By indoption: how it is printed."""


def explicit_keys(row: Mapping[str, Any]) -> Sequence[Explicit] | None:
    """The keys in PostgreSQL's own definition; None where our parser cannot read it.

    Most name nothing, which their texts tell: what is printed where a collation, an operator class or the name of a
    column in quotes stands is another text. Without its names, a definition is the same for many tables, and read once.
    Older servers forget the parentheses around some expressions (`x IS DOCUMENT`, seen on 13 to 17) and could not read
    it themselves.
    """
    definition, expressions = row["definition"], row["expressions"]
    keys = [
        (expression or column) + _ORDERS[sort]
        for expression, column, sort in zip(expressions, row["columns"], row["sort_options"], strict=True)
    ]
    plain = f"USING {row['method']} ({', '.join(keys[: row['key_count']])})"
    if definition.startswith(plain) and " COLLATE " not in plain:
        return [_NOTHING] * len(keys)
    with suppress(SyntaxProblem):
        return explicit(definition)
    mended, at = definition, 0
    for text in filter(None, expressions):
        at = mended.find(text, at)
        if at < 0:
            return None
        mended = f"{mended[:at]}({text}){mended[at + len(text) :]}"
        at += len(text) + 2
    with suppress(SyntaxProblem):
        return explicit(mended)
    return None
