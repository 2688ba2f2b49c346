"""Several systems read at once, within two bounds, and nobody waited for when that is interrupted.

Decided: docs/decisions.md#bounds-of-reading
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from reconciler.targets.postgres.bounded_connection import given_up

MOST_TARGETS_AT_ONCE = 16
"""Asking mostly waits for the network; more connections at once would only be felt by the other side."""

MOST_SESSIONS_ON_A_SERVER = 4
"""However many databases of it are targets: its connections are there for those who work with them."""

Answer = TypeVar("Answer")

_Sessions = tuple[tuple[str, int], ...]
"""How many sessions a piece of work holds at once, by server."""


class Pool(Generic[Answer]):
    """Pieces of work, each in a thread once there is room for it. What waits for room on one server holds up nothing
    that is about another.

    A context: whoever is interrupted inside (Ctrl-C) leaves it at once. What has not begun does not, and questions that
    are waited for are cancelled on their servers.
    """

    def __init__(self, at_once: int = MOST_TARGETS_AT_ONCE) -> None:
        self._threads = ThreadPoolExecutor(max_workers=at_once)
        self._at_once = at_once
        self._waiting: dict[_Sessions, deque[Callable[[], Answer]]] = {}
        self._running: dict[Future[Answer], _Sessions] = {}
        self._in_use: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, Exception):
            self._threads.shutdown()
            return
        self._threads.shutdown(wait=False, cancel_futures=True)
        with given_up():
            self._threads.shutdown()

    def add(self, work: Callable[[], Answer], sessions: Mapping[str, int]) -> None:
        """Has `work` done, after all that was added before and is as demanding; it holds so many `sessions` at once, by
        server. May be called while `answers` are taken."""
        self._waiting.setdefault(tuple(sorted(sessions.items())), deque()).append(work)

    def answers(self) -> Iterator[Answer]:
        """What the pieces of work return, as they come to their end. Raises what one of them raises."""
        self._start()
        while self._running:
            ended, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in ended:
                self._in_use.subtract(dict(self._running.pop(future)))
                yield future.result()
            self._start()

    def _start(self) -> None:
        """Begins whatever there is room for, one of each server in turn."""
        begun = True
        while begun:
            begun = False
            for sessions in [*self._waiting]:
                if len(self._running) >= self._at_once:
                    return
                if not self._has_room(sessions):
                    continue
                works = self._waiting.pop(sessions)
                self._running[self._threads.submit(works.popleft())] = sessions
                self._in_use.update(dict(sessions))
                begun = True
                if works:
                    self._waiting[sessions] = works  # at the end: it is the others' turn

    def _has_room(self, sessions: _Sessions) -> bool:
        """What wants more than there may be at all has a server to itself."""
        used = self._in_use
        return all(not used[name] or used[name] + more <= MOST_SESSIONS_ON_A_SERVER for name, more in sessions)
