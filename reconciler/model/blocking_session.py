"""Another session that one of ours waits for."""

from __future__ import annotations

from reconciler.model.base import Frozen


class Blocker(Frozen):
    """A session that ours waits for. `seconds` is the age of its transaction; `query` its current or last statement,
    without the values in it: they are somebody else's.

    `pid` 0: a prepared transaction, with its identifier as `application`; which of several it is, is not known.
    """

    pid: int
    user: str
    application: str
    state: str
    query: str
    seconds: float

    def __str__(self) -> str:
        """One line."""
        if self.pid == 0:
            return f"prepared transaction {self.application!r} of user {self.user}, for {self.seconds:.0f} s"
        name = f" ({self.application})" if self.application else ""
        return f"process {self.pid}, user {self.user}{name}, {self.state} for {self.seconds:.0f} s: {self.query}"
