"""Waiting for what happens, never for time: a machine may be slow, and busy, by any factor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import redis

Answer = TypeVar("Answer")

PATIENCE = 120
"""Seconds for something that has to happen. No test waits that long for what does happen: only one that fails does."""

LIMITS = (0.3, 1.5, 5.0, 15.0, 60.0)
"""Seconds. What is made to run out of time gets the first, and the next where the machine took longer for the rest."""

_LOADED = "select extract(epoch from pg_conf_load_time())::text"  # whatever the DateStyle has become


class NeverHappened(AssertionError):
    """What was waited for did not come in time; the message holds the end of a log."""


def until(
    ask: Callable[[], Answer | None], what: str, *, seconds: float = PATIENCE, ignoring: tuple = (),
    log: Callable[[], str] = str,
) -> Answer:  # fmt: skip
    """The first true answer of `ask`, whose errors `ignoring` stand for none. Raises NeverHappened, with `what`.

    It is asked again soon at first, then less often: asking takes the machine from what is waited for.
    """
    began = time.monotonic()
    while True:
        why = ""
        try:
            if answer := ask():
                return answer
        except ignoring as error:
            why = f" ({error})"
        waited = time.monotonic() - began
        if waited > seconds:
            raise NeverHappened(f"{what}: not within {seconds:g} s{why}\n{log()[-3000:]}".strip())
        time.sleep(min(0.1, 0.01 + waited / 20))


def given_time(attempt: Callable[[float], Answer], enough: Callable[[Answer], object]) -> Answer:
    """What `attempt` comes to with the least of LIMITS that is `enough`, else with the largest.

    For a test in which one thing has to run out of time, and another one not: how long the other takes is the
    machine's affair. Each attempt begins anew.
    """
    for seconds in LIMITS:
        found = attempt(seconds)
        if enough(found):
            break
    return found


def milliseconds(seconds: float) -> str:
    """As PostgreSQL takes a time."""
    return f"{seconds * 1000:.0f}ms"


def reload(connection: psycopg.Connection) -> None:
    """Has PostgreSQL read its files again, and waits until all sessions that begin from now on have what they say.

    The server reads them first, and then tells the sessions that there are.
    """
    before = connection.execute(_LOADED).fetchone()
    connection.execute("select pg_catalog.pg_reload_conf()")
    until(lambda: connection.execute(_LOADED).fetchone() != before, "the reload")


def until_it_answers(client: redis.Redis) -> None:
    """Waits for a Redis that a test has started by itself."""
    until(client.ping, "Redis answers", ignoring=(redis.ConnectionError,))
