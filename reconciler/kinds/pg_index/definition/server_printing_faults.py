"""Expressions as a server should have printed them.

Up to 17, PostgreSQL prints `x IS DOCUMENT` without the parentheses that it puts around everything else (seen on 13, 15
and 17): `p = (x IS DOCUMENT)` becomes `p = x IS DOCUMENT`, which no server reads, pg_dump's own restore included.
"""

from __future__ import annotations

from functools import lru_cache

from reconciler.targets.sql_tokens import CLOSE, COMMA, DOT, OPEN, Source, kind
from reconciler.targets.sql_tree import SyntaxProblem

_SIGN = " IS DOCUMENT"


@lru_cache(maxsize=1_000)
def mended(text: str) -> str:
    """`text` as a server printed it, with parentheses around each IS DOCUMENT."""
    if _SIGN not in text:
        return text
    try:
        source = Source(text)
        instead: dict[int, str] = {}
        for number, found in enumerate(source.kinds):
            if found == kind("DOCUMENT_P") and source.kinds[number - 1] == kind("IS"):
                begin = _operand(source, number - 2)
                if not _stands_alone(source, begin, number):
                    instead[begin] = f"({instead.get(begin) or source.text(begin)}"
                    instead[number] = f"{source.text(number)})"
        return source.cut(instead=instead) if instead else text
    except SyntaxProblem:
        return text


def _stands_alone(source: Source, begin: int, end: int) -> bool:
    """Whether what is around these tokens leaves no doubt that they belong together."""
    before = source.kinds[begin - 1] if begin else None
    behind = source.kinds[end + 1] if end + 1 < len(source.kinds) else None
    return before in (None, OPEN, COMMA) and behind in (None, CLOSE, COMMA)


def _operand(source: Source, at: int) -> int:
    """Where the operand begins whose last token is `at`. It is a name, a constant, a call or a CASE, or a field, an
    element or a cast of one of those; all else that a server prints has parentheses."""
    last = source.kinds[at]
    if last == kind("END_P"):
        at = _case(source, at)
    elif last == CLOSE or last == ord("]"):
        at = source.opening(at)
        if last == ord("]") or (at and source.is_name(at - 1)):  # an element, or a call
            return _operand(source, at - 1)
    before = source.kinds[at - 1] if at else None
    return _operand(source, at - 2) if before in (DOT, kind("TYPECAST")) else at


def _case(source: Source, end: int) -> int:
    """The CASE that ends at `end`."""
    depth = 0
    for number in range(end, -1, -1):
        depth += (source.kinds[number] == kind("END_P")) - (source.kinds[number] == kind("CASE"))
        if not depth:
            return number
    raise SyntaxProblem("a CASE does not begin")
