"""How long the other end of a connection is waited for: on our side, whatever it does.

TCP's own keepalives are not enough, since a proxy answers them. All together stay below the 90 s within which a verb
ends on a network that has died, including the attempts to connect again that follow a loss.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

CONNECT_SECONDS = 10
"""For a name to be found, or a connection with its TLS to be made: long enough for a distant server, short enough for a
person who waits."""

SILENCE_SECONDS = 45.0
"""Without a byte of an answer, and without another session that sees the server at work on it."""

OPENING_SECONDS = 20.0
"""Without a byte of the first answer in a session: nothing is asked there that takes a server's time, and nobody can be
asked yet whether it is at work. A pooler may let us wait for our turn."""

WHOLE_SECONDS = 60.0
"""For a statement that reads and its whole answer, as the server has it; for the first words of a session, and all that
the session of a lock says. However much of it is heard: a byte a second would else be waited for without end."""

ASKING_SECONDS = 12.0
"""Without a byte, before another session asks whether the server is at work: there is time for three attempts."""

POOLED_SECONDS = 75.0
"""Without a byte where a pooler stands between, so that nobody can be asked: more than the 60 s of a query."""

RESTARTING_SECONDS = 45.0
"""Without any answer from a server that is being restarted, not even that it refuses or is not there: its machine
answers for it within moments."""

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], Answer], late: Callable[[], Exception]) -> Answer:
    """What `call` returns or raises; `late()` is raised where it takes longer, and it is left to itself.

    For what offers no bound of its own on the whole: looking up a name, an answer that comes drop by drop.
    """
    thread, answer = _started(call)
    thread.join(seconds)
    if thread.is_alive():
        raise late()
    return answer()


def while_heard(call: Callable[[], Answer], heard: Callable[[], bool], late: Callable[[], Exception]) -> Answer:
    """The same for what may take long: `late()` is raised where `heard` has found nobody at the other end for as long
    as a silence may be. It blocks for a bounded time."""
    thread, answer = _started(call)
    last = time.monotonic()
    while True:
        thread.join(ASKING_SECONDS)
        if not thread.is_alive():
            return answer()
        if heard():
            last = time.monotonic()
        elif time.monotonic() - last >= SILENCE_SECONDS:
            raise late()


def _started(call: Callable[[], Answer]) -> tuple[threading.Thread, Callable[[], Answer]]:
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # it is raised again, where it is waited for
            errors.append(error)

    def answer() -> Answer:
        if errors:
            raise errors[0]
        return answers[0]

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, answer
