"""One apply at a time on a target: an advisory lock on PostgreSQL, a connection with a name on Redis (`holding`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial

from reconciler.applying.lock.holding import Held
from reconciler.model import HttpTarget, PostgresTarget, RedisTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets import log
from reconciler.targets.session import Session


@contextmanager
def locked(
    target: Target, secrets: Secrets, now: Callable[[], datetime], *,
    instance: bool = False, ours: Callable[[], Collection[int]] = tuple, idle: Collection[int] = (),
    held: Collection[Held] = (),
) -> Iterator[Held]:  # fmt: skip
    """Holds the target's lock. Raises LockHeld, saying who holds it and since when; ApplyError, ConnectionFailed.

    On PostgreSQL, whose lock is of one database: `instance` also takes the one of the whole server, for what changes
    its settings or restarts it; `ours` are the processes that hold locks of the same apply, and `idle` those of other
    sessions of ours that are outside of a transaction. `held` are locks that end later: the session of one on the
    same server takes this, too.
    """
    with _locked(target, secrets, now, instance, ours, idle, held) as taken:
        log.event("lock taken", target.name, process=taken.pid or None)
        yield taken
    log.event("lock let go", target.name)


@contextmanager
def _locked(
    target: Target, secrets: Secrets, now: Callable[[], datetime], instance: bool, ours: Callable[[], Collection[int]],
    idle: Collection[int], held: Collection[Held],
) -> Iterator[Held]:  # fmt: skip
    match target:
        case PostgresTarget():
            from reconciler.applying.lock.left_to_another import taken
            from reconciler.applying.lock.postgres import PostgresLock

            others = [each for each in held if isinstance(each, PostgresLock) and each.is_at(target)]
            with closing(taken(partial(PostgresLock, target, secrets, instance, ours), idle, others)) as lock:
                yield lock
        case RedisTarget():
            from reconciler.applying.lock.redis import RedisLock

            with closing(RedisLock(target, secrets, now)) as named:
                yield named
        case HttpTarget():
            yield _NeverTaken()


class _NeverTaken:
    """The lock of a target that nothing can be changed on."""

    pid = 0

    def __call__(self) -> None:
        pass

    def beside(self, session: Session) -> Callable[[], None]:
        return self

    def again(self) -> None:
        pass
