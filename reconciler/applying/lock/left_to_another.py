"""The locks of many databases of one server, all held by the session of the first of them.

Decided: docs/decisions.md#one-session-for-the-locks-of-a-server
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from reconciler.applying.lock.advisory import ADVISORY_KEY
from reconciler.applying.lock.postgres import PostgresLock
from reconciler.errors import ApplyError
from reconciler.targets.session import Session

Take = Callable[[Collection[int]], PostgresLock]
"""Takes the lock of a database by a session of its own, beside the processes of idle sessions of ours."""


def taken(take: Take, idle: Collection[int], others: Iterable[PostgresLock]) -> PostgresLock | LeftToAnother:
    """The lock, held by the session of one of `others` where that is one of the same server. Raises as `take` does."""
    own = take(idle)
    try:
        for other in others:
            if own.left_to(other):
                return LeftToAnother(take, other, own.stands_in)
    except BaseException:
        own.close()
        raise
    return own


class LeftToAnother:
    """See `holding.Held`."""

    def __init__(self, take: Take, holder: PostgresLock, key: int) -> None:
        self._take = take
        self._holder = holder
        self._key = key
        self._own: PostgresLock | None = None

    @property
    def pid(self) -> int:
        """See `holding.Held`."""
        return (self._own or self._holder).pid

    def __call__(self) -> None:
        """See `holding.Held`."""
        if self._own:
            self._own()
        else:
            self._holder.holds(self._key)

    def beside(self, session: Session) -> Callable[[], None]:
        """See `holding.Held`."""
        if self._own:
            return self._own.holds_beside(session, ADVISORY_KEY, here=True)
        return self._holder.holds_beside(session, self._key, here=False)

    def again(self) -> None:
        """See `holding.Held`: the holder has taken its own anew before, and the rest was free meanwhile."""
        if self._own:
            self._own.again()
            return
        try:
            self()
        except ApplyError:
            own = self._take(())
            if not own.left_to(self._holder):
                self._own = own

    def close(self) -> None:
        """Never raises. What the other session holds ends with that."""
        if self._own:
            self._own.close()
