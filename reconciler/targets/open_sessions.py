"""Read-only sessions that are open: whoever wants to read a target takes one that is free, and leaves it to the next.

To open one takes several round trips of the network, and costs the server a process. Outside of a transaction a session
holds neither a lock nor a snapshot, so that no build waits for one that is free, and nothing in it is left set.

Decided: docs/decisions.md#shared-sessions
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, TypeVar

from reconciler.errors import ConnectionFailed
from reconciler.model import Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.session import Session

Answer = TypeVar("Answer")


class OpenSessions:
    """May be used from several threads, and each session by one of them at a time. To be closed at the end.

    `at_once`: so many are lent to a target at once, and whoever wants another waits; None: as many as are wanted. Who
    has one may then ask for no other of the same target.
    """

    def __init__(self, secrets: Secrets, at_once: int | None = None) -> None:
        self.secrets = secrets
        self._at_once = at_once
        self._room: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()
        self._free: list[Session] = []
        self._renewed: dict[str, int] = {}

    def lent(self, target: Target) -> AbstractContextManager[Any]:
        """A session to `target`, of its system's class: one that is free, else a new one. Raises TargetError."""
        return self._lent_in_turn(target)

    def ask(self, target: Target, ask: Callable[[Any], Answer]) -> Answer:
        """The answer of `ask` in a session that is free, and in a new one where there is none, or where it was lost
        since it was used last: by a timeout for the idle, or a restart. Raises TargetError."""
        with self._turn(target):
            return self._asked(target, ask)

    def ask_in_passing(self, target: Target, ask: Callable[[Any], Answer]) -> Answer | None:
        """The same where nobody has to be waited for; else None."""
        room = self._room_for(target)
        if room is not None and not room.acquire(blocking=False):
            return None
        try:
            return self._asked(target, ask)
        finally:
            if room is not None:
                room.release()

    def _asked(self, target: Target, ask: Callable[[Any], Answer]) -> Answer:
        if found := self._taken(target):
            try:
                with self._lent(target, found) as session:
                    return ask(session)
            except ConnectionFailed:
                self.renew(target)  # what ended one has ended the others
        with self._lent(target, None) as session:
            return ask(session)

    def _room_for(self, target: Target) -> threading.Semaphore | None:
        if self._at_once is None:
            return None
        with self._lock:
            return self._room.setdefault(target.name, threading.Semaphore(self._at_once))

    def _turn(self, target: Target) -> AbstractContextManager[object]:
        return self._room_for(target) or nullcontext()

    @contextmanager
    def _lent_in_turn(self, target: Target) -> Iterator[Any]:
        with self._turn(target), self._lent(target, self._taken(target)) as session:
            yield session

    def leave(self, session: Session) -> None:
        """Takes over an open session from whoever does not need it any more."""
        with self._lock:
            self._free.append(session)

    def hand_on(self, target: Target, to: OpenSessions) -> None:
        """Leaves one to `target` that is free to whoever asks `to` for it."""
        if found := self._taken(target):
            to.leave(found)

    def renew(self, target: Target) -> None:
        """Whoever reads `target` from now on does so in a session that begins from now on."""
        with self._lock:
            self._renewed[target.name] = self._renewed.get(target.name, 0) + 1
            old = [session for session in self._free if session.target.name == target.name]
            self._free = [session for session in self._free if session not in old]
        for session in old:
            session.close()

    def close(self) -> None:
        """Ends those that are free. Never raises."""
        with self._lock:
            free, self._free = self._free, []
        for session in free:
            session.close()

    @contextmanager
    def _lent(self, target: Target, found: Session | None) -> Iterator[Any]:
        with self._lock:
            began = self._renewed.get(target.name, 0)
        session = connect(target, self.secrets) if found is None else found
        try:
            yield session
        except BaseException:
            session.close()  # the next begins with a session that nothing has happened to
            raise
        with self._lock:
            if usable := began == self._renewed.get(target.name, 0):
                self._free.append(session)
        if not usable:
            session.close()

    def _taken(self, target: Target) -> Session | None:
        with self._lock:
            for number in reversed(range(len(self._free))):
                if self._free[number].target == target:
                    return self._free.pop(number)
        return None


@contextmanager
def open_sessions(secrets: Secrets, at_once: int | None = None) -> Iterator[OpenSessions]:
    """Sessions that end with the body; `at_once` as of `OpenSessions`."""
    with closing(OpenSessions(secrets, at_once)) as found:
        yield found
