"""Names and expressions as parts of a statement: quoted where they have to be, and only there."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from psycopg import sql

from reconciler.targets.sql_tree import REMEMBERED, SyntaxProblem, parse

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")


def verbatim(text: str) -> sql.SQL:
    """`text` as SQL that is not quoted again. Only for what came out of PostgreSQL's parser or catalogue."""
    return sql.SQL(text)


def identifier(*names: str) -> sql.Composable:
    """A possibly qualified name, quoted only where it has to be, so that plans stay readable."""
    return sql.SQL(".").join(verbatim(name) if _needs_no_quotes(name) else sql.Identifier(name) for name in names)


@lru_cache(maxsize=REMEMBERED)
def _needs_no_quotes(name: str) -> bool:
    if not _PLAIN_NAME.match(name):
        return False
    if name not in _words():
        return True
    try:
        # In a place where only an identifier can stand, an unreserved keyword is one too.
        parsed = parse(f"create index {name} on {name} ({name})")
    except SyntaxProblem:
        return False
    element = parsed.stmts[0].stmt.index_stmt.index_params[0].index_elem
    return bool(element.name == name)


@cache
def _words() -> frozenset[str]:
    """All words of PostgreSQL's grammar, and some that are none: the names of its tokens, and without their endings."""
    from postgast.pg_query_pb2 import Token

    names = [name.lower() for name in Token.DESCRIPTOR.values_by_name]
    return frozenset(form for name in names for form in (name, name.removesuffix("_p"), name.removesuffix("_la")))
