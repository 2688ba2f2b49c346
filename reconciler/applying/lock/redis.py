"""The lock of a Redis: a connection whose name says that an apply is at work, who does it, and since when.

Not a key: a server that is full, is a replica, or cannot save refuses every write, and is the very one whose settings
have to be changed; and a key can be evicted by the policy that was just set (all seen on 7.0 and Valkey 9). Each names
its connection first and looks at the others afterwards, so that of two at once at least one sees the other.

Decided: docs/decisions.md#lock-of-a-redis
"""

from __future__ import annotations

import re
import secrets as randomness
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from datetime import datetime

import redis

from reconciler.applying.lock import holding
from reconciler.applying.lock.holding import WAIT, Speaking, lost, owner
from reconciler.errors import ApplyError, ConnectionFailed, LockHeld
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.redis.opening import open_connection
from reconciler.targets.redis.server_messages import said
from reconciler.targets.session import Session

REDIS_NAME = "reconciler-apply"
"""How the names of our Redis connections begin."""

DOUBTFUL_SECONDS = 45.0
"""Without an answer to the holder: it stops, before others take it for dead."""

ROUNDS = 12
"""Of looks whether something between shares connections."""

NEEDED = "the user needs +client|setname +client|getname +client|list, and +client|id where a proxy stands between"


class RedisLock:
    """See `holding.Held`."""

    pid = 0

    def __init__(self, target: RedisTarget, secrets: Secrets, now: Callable[[], datetime]) -> None:
        self._target = target
        self._secrets = secrets
        since = f"{now():%Y-%m-%dT%H:%M:%S%z}"
        # A name may hold no spaces, and is shown to whoever lists clients; the last part tells two of a process apart.
        self._name = "|".join([REDIS_NAME, re.sub(r"[^!-{}~]", "_", owner()), since, randomness.token_hex(4)])
        self._one_at_a_time = threading.Lock()
        self._opened = ExitStack()
        try:
            pool = self._opened.enter_context(closing(open_connection(target, secrets)))
            self._ours: redis.Redis = self._opened.enter_context(closing(pool.client()))  # type: ignore[no-untyped-call] # untyped there
            self._take(pool)
            self._heard = _clock()
        except BaseException:
            self._opened.close()
            raise
        self._speaking = Speaking(self)

    def __call__(self) -> None:
        """See `holding.Held`."""
        try:
            with self._one_at_a_time:
                found = self._ours.client_getname()
                silent, self._heard = _clock() - self._heard, _clock()
        except redis.RedisError as error:
            raise lost(self._target, self._secrets.redact(said(error))) from None
        if found != self._name:  # the driver has connected again, silently
            raise lost(self._target, "its connection was closed")
        if silent > DOUBTFUL_SECONDS:
            self._speaking.end()
            raise lost(self._target, f"its connection was silent for {silent:.0f} s")

    def beside(self, session: Session) -> Callable[[], None]:
        """See `holding.Held`: only its own connection knows."""
        self()
        return lambda: None

    def again(self) -> None:
        """See `holding.Held`: no apply restarts a Redis."""

    def close(self) -> None:
        """Lets go of the lock. Never raises."""
        self._speaking.end()
        with suppress(redis.RedisError, OSError):
            self._opened.close()

    def _take(self, pool: redis.Redis) -> None:
        try:
            if not _is_direct(self._ours) and _is_shared(self._ours, pool):
                raise ConnectionFailed(
                    self._target.name,
                    "a proxy that shares connections stands between: nothing was set or run",
                    hint="let the target's URL lead straight to the server: the lock of an apply is a connection",
                )
            self._ours.client_setname(self._name)
            others = [client for client in self._ours.client_list() if client["name"] != self._name]
        except redis.RedisError as error:
            raise ApplyError(
                f"{self._target.name}: the lock cannot be taken: {self._secrets.redact(said(error))}", hint=NEEDED
            ) from None
        for other in others:
            if other["name"].startswith(f"{REDIS_NAME}|") and int(other["idle"]) <= holding.DEAD_SECONDS:
                raise LockHeld(f"{self._target.name}: another apply is at work: {_holder(other['name'])}", hint=WAIT)


def _clock() -> float:
    """Seconds, those included that this machine has slept, where it can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _is_direct(client: redis.Redis) -> bool:
    """Whether the server has a client at the very address that we have: nothing stands between."""
    own = getattr(client.connection, "_sock", None)
    if not isinstance(own, socket.socket):  # a driver of another make: what it has is not known
        return False
    if own.family == socket.AF_UNIX:
        return True
    host, port = own.getsockname()[:2]
    return any(each["addr"] in (f"{host}:{port}", f"[{host}]:{port}") for each in client.client_list())


def _is_shared(first: redis.Redis, pool: redis.Redis) -> bool:
    """Whether two connections of ours are the same to the server, or one is two. Sets nothing."""
    with closing(pool.client()) as second:  # type: ignore[no-untyped-call] # untyped there
        own: set[int] = set()
        other: set[int] = set()
        for _ in range(ROUNDS):
            own.add(first.client_id())
            other.add(second.client_id())
            if len(own) > 1 or len(other) > 1 or own & other:
                return True
    return False


def _holder(name: str) -> str:
    _, who, since, *_ = [*name.split("|"), "", ""]
    with suppress(ValueError):
        since = f"{datetime.fromisoformat(since):%Y-%m-%d %H:%M:%S %Z}"
    return f"reconciler apply by {who}, since {since}"
