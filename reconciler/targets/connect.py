"""One door to every kind of target."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, overload

from reconciler.model import HttpTarget, PostgresTarget, RedisTarget, Target
from reconciler.secrets import Secrets

if TYPE_CHECKING:
    from reconciler.targets.http import HttpSession
    from reconciler.targets.postgres.session import PostgresSession
    from reconciler.targets.redis.session import RedisSession

AnySession: TypeAlias = "PostgresSession | RedisSession | HttpSession"
"""A session to a target of any system; its `system` tells which."""


@overload
def connect(target: PostgresTarget, secrets: Secrets) -> PostgresSession: ...
@overload
def connect(target: RedisTarget, secrets: Secrets) -> RedisSession: ...
@overload
def connect(target: HttpTarget, secrets: Secrets) -> HttpSession: ...
def connect(target: Target, secrets: Secrets) -> AnySession:
    """A read-only session to `target`. Drivers are imported here, when the first target needs them.

    Raises ConnectionFailed, ObservationFailed.
    """
    match target:
        case PostgresTarget():
            from reconciler.targets.postgres.session import connect as to_postgres

            return to_postgres(target, secrets)
        case RedisTarget():
            from reconciler.targets.redis.session import connect as to_redis

            return to_redis(target, secrets)
        case HttpTarget():
            from reconciler.targets import http

            return http.connect(target, secrets)
