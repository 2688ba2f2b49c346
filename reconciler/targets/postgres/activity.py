"""Other sessions of a PostgreSQL server in words: who they are and what they run, without the values in it."""

from __future__ import annotations

import re

from reconciler.model import Blocker

LONGEST_STATEMENT = 80
"""Characters of somebody else's statement: enough to recognise it by."""

_VALUE = re.compile(
    r"\$(\w*)\$.*?(?:\$\1\$|$)"
    r"|(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*(?:'|\\?$)"
    r"|'(?:[^']|'')*(?:'|$)",
    re.DOTALL,
)
"""A literal of SQL, also one whose end was cut off. Only E'…' has backslashes that escape."""

_NUMBER = re.compile(r"(?<![\w$])[0-9][\w.]*")
"""Also a value; only left out where a target hides values, since without numbers less can be understood."""


def masked(statement: str, *, numbers: bool = False) -> str:
    """The beginning of a statement in one line, without its values: they are somebody else's, and may be passwords.

    `numbers`: those as well.
    """
    text = _VALUE.sub("'…'", statement)
    return " ".join((_NUMBER.sub("…", text) if numbers else text).split())[:LONGEST_STATEMENT]


def blocker(
    pid: int, user: str, application: str, state: str, query: str, seconds: float, *, hide_numbers: bool = False
) -> Blocker:
    """What a query found of a session that ours waits for, with its statement as `masked` leaves it."""
    return Blocker(
        pid=pid, user=user, application=application, state=state, query=masked(query, numbers=hide_numbers),
        seconds=seconds,
    )  # fmt: skip
