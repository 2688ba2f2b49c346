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


_MAY_HOLD_A_PASSWORD = re.compile(r"passw|passphrase|conninfo|secret", re.IGNORECASE)


def without_values(statement: str, *, numbers: bool = False) -> str:
    """`statement` without its literals; `numbers`: without those as well."""
    text = _VALUE.sub("'…'", statement)
    return _NUMBER.sub("…", text) if numbers else text


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
