"""Other sessions of a PostgreSQL server in words: who they are and what they run, without the values in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that ours waits for. `seconds` is the age of its transaction; `query` its current or last statement.

    `pid` 0: a prepared transaction, with its identifier as `application`; which of several it is, is not known.
    `hide_numbers` also leaves the numbers out of its statement.
    """

    pid: int
    user: str
    application: str
    state: str
    query: str
    seconds: float
    hide_numbers: bool = False

    def __str__(self) -> str:
        """One line, with the statement as `masked` leaves it."""
        if self.pid == 0:
            return f"prepared transaction {self.application!r} of user {self.user}, for {self.seconds:.0f} s"
        name = f" ({self.application})" if self.application else ""
        query = masked(self.query, numbers=self.hide_numbers)
        return f"process {self.pid}, user {self.user}{name}, {self.state} for {self.seconds:.0f} s: {query}"
