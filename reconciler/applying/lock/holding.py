"""What the locks of all systems have in common: how they are held, spoken for, lost and told of.

A lock belongs to a connection and ends with it: whoever is killed holds none, and there is nothing to clean up. Where
nobody is told of its end (a power cut, a partition), it is found dead within a minute: a holder speaks every few
seconds, PostgreSQL ends the session of one that does not, and on Redis such a one holds nothing.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from reconciler.errors import ApplyError
from reconciler.model import Target
from reconciler.targets.session import Session

SPEAKING_SECONDS = 10.0
"""Between two words of a holder."""

DEAD_SECONDS = 60
"""Without a word, as the server counts them. Keepalives of TCP's would find out later, or never: a proxy answers them.
"""

ENDING_SECONDS = 1.0

WAIT = "wait until it is done, then plan again"


class Held(Protocol):
    """A lock that was taken. May be used from several threads."""

    def __call__(self) -> None:
        """Raises ApplyError where the lock was lost since it was taken."""
        ...

    def beside(self, session: Session) -> Callable[[], None]:
        """Asks whether it is held beside whatever `session`, which reads the target, is asked next: no round trip of
        its own where that can be seen from there. What is returned raises ApplyError where it was lost, and
        TargetError."""
        ...

    def again(self) -> None:
        """Takes the lock anew where it was lost because we restarted the server. Raises LockHeld, ConnectionFailed."""
        ...

    @property
    def pid(self) -> int:
        """The server process that holds it on PostgreSQL; 0 elsewhere."""
        ...


class Speaking:
    """Has a lock say something now and then. What is wrong with it, the next look finds."""

    def __init__(self, held: Callable[[], None]) -> None:
        self._held = held
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Says nothing any more; a word that waits for its answer is left to itself. Never raises."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(ENDING_SECONDS)

    def _speak(self) -> None:
        while not self._ended.wait(SPEAKING_SECONDS):
            with suppress(Exception):
                self._held()


def lost(target: Target, why: str) -> ApplyError:
    """What is raised where a lock was lost."""
    return ApplyError(
        f"{target.name}: the lock was lost, and another apply may be at work: {why}; nothing of this change was run",
        hint="plan and apply again",
    )


def owner() -> str:
    """Who we are, for whoever finds the lock held: user@host, process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no such user: containers run under bare numbers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} process {os.getpid()}"
