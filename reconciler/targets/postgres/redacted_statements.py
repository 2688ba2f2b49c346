"""Other sessions of a PostgreSQL server in words: who they are and what they run, without the values in it."""

from __future__ import annotations

import re

from reconciler.model import Blocker

LONGEST_STATEMENT = 80
"""Characters of somebody else's statement: enough to recognise it by."""

_PIECE = re.compile(
    r'(?P<name>"(?:[^"]|"")*(?:"|$))'
    r"|(?P<line>--[^\n\r]*)"
    r"|(?P<comment>/\*)"
    r"|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)"
    r"|(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*(?:'|\\?$)"
    r"|(?P<plain>'(?:[^']|'')*(?:'|$))",
    re.DOTALL,
)
"""What an apostrophe may stand in: a quoted name, a comment, or a literal, also one whose end was cut off."""

_BOUND_OF_A_COMMENT = re.compile(r"/\*|\*/")

_NUMBER = re.compile(r"(?<![\w$])[0-9][\w.]*")
"""Also a value; only left out where a target hides values, since without numbers less can be understood."""


_MAY_HOLD_A_PASSWORD = re.compile(r"passw|passphrase|conninfo|secret", re.IGNORECASE)


def without_values(statement: str, *, numbers: bool = False) -> str:
    """`statement` without its literals and comments; `numbers`: without those as well."""
    kept, at = [], 0
    while piece := _PIECE.search(statement, at):
        before = statement[at : piece.start()]
        kept.append(_NUMBER.sub("…", before) if numbers else before)
        at = piece.end()
        if piece["comment"]:
            at = _end_of_comment(statement, at)
        kept.append(piece["name"] or (" " if piece["line"] or piece["comment"] else "'…'"))
        if "\\'" in (piece["plain"] or ""):
            # Whether that ends it is a setting of the session (standard_conforming_strings): what follows may be in it.
            return "".join(kept)
    rest = statement[at:]
    return "".join([*kept, _NUMBER.sub("…", rest) if numbers else rest])


def _end_of_comment(statement: str, at: int) -> int:
    """Where the comment ends that has begun before `at`: one may be inside of another."""
    depth = 1
    while depth:
        bound = _BOUND_OF_A_COMMENT.search(statement, at)
        if bound is None:
            return len(statement)
        depth += 1 if bound[0] == "/*" else -1
        at = bound.end()
    return at


def as_logged(statement: str, *, hide_values: bool) -> str:
    """A statement of ours as the log has it: all of it, but for values that are hidden, or may be a password."""
    if hide_values:
        return without_values(statement, numbers=True)
    return without_values(statement) if _MAY_HOLD_A_PASSWORD.search(statement) else statement


def masked(statement: str, *, numbers: bool = False) -> str:
    """The beginning of a statement in one line, without its values: they are somebody else's, and may be passwords.

    `numbers`: those as well.
    """
    return " ".join(without_values(statement, numbers=numbers).split())[:LONGEST_STATEMENT]


def blocker(
    pid: int, user: str, application: str, state: str, query: str, seconds: float, *, hide_numbers: bool = False
) -> Blocker:
    """What a query found of a session that ours waits for, with its statement as `masked` leaves it."""
    return Blocker(
        pid=pid, user=user, application=application, state=state, query=masked(query, numbers=hide_numbers),
        seconds=seconds,
    )  # fmt: skip
