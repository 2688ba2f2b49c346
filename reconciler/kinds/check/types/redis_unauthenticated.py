"""What Redis answers to somebody who has no credentials.

What
    A PING without credentials is refused.

Why
    A Redis that answers anybody gives away what it holds, and lets anybody overwrite it. That a password is configured
    does not prove that it is asked for: so somebody without one tries.

How to write it
    id: redis-password
    title: A password is demanded
    check: {redis_unauthenticated: refused}
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen, System, Target

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession

PING_TIMEOUT = 5.0
"""Seconds for connecting and for the answer."""


class RedisUnauthenticatedCheck(Frozen):
    """A PING from a connection without credentials is refused."""

    redis_unauthenticated: Literal["refused"]


class FoundPing(Frozen):
    """What an unauthenticated PING was answered."""

    answer: str
    refused: bool


def ping_without_credentials(target: Target) -> str:
    """What the server answers to a PING of somebody who has no credentials: PONG, or its refusal.

    A connection of its own. Raises redis.RedisError, OSError where there is no answer.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from reconciler.targets.redis.opening import SCHEMES

    url = target.url.get_secret_value()
    scheme = url.partition(":")[0]
    known = inspect.signature(redis.connection.AbstractConnection.__init__).parameters
    # Nothing but the PING is sent: a greeting would be refused before it, in other words.
    silent = {"driver_info": None} if "driver_info" in known else {"lib_name": None, "lib_version": None}
    with redis.Redis.from_url(
        SCHEMES[scheme] + url.removeprefix(scheme),
        protocol=2,
        decode_responses=True,
        socket_timeout=PING_TIMEOUT,
        socket_connect_timeout=PING_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        **silent,
    ) as client:
        # The URL's own words win over those above: its credentials are taken out here.
        client.connection_pool.connection_kwargs |= {"username": None, "password": None, "db": 0}
        try:
            return "PONG" if client.ping() else "something else than PONG"
        except (redis.AuthenticationError, redis.ResponseError) as error:
            return str(error)


def read(
    session: RedisSession, checks: Mapping[Part, RedisUnauthenticatedCheck]
) -> dict[Part, FoundPing | Unavailable]:
    """One PING for all of them."""
    return dict.fromkeys(checks, ping(session))


def ping(session: RedisSession) -> FoundPing | Unavailable:
    """A PING without credentials, on a connection of its own."""
    import redis

    try:
        answer = ping_without_credentials(session.target)
    except (redis.RedisError, OSError) as error:
        said = session.secrets.redact(str(error))
        return Unavailable(status=CheckStatus.ERROR, message=f"no second connection to ask without credentials: {said}")
    return FoundPing(answer=session.secrets.redact(answer), refused=answer != "PONG")


def decide(check: RedisUnauthenticatedCheck, found: FoundPing, known: Circumstances) -> Verdict:
    """Refused is right."""
    if found.refused:
        return Verdict(CheckStatus.PASS, f"a PING without credentials is refused: {found.answer}", "live")
    return Verdict(CheckStatus.FAIL, "a PING without credentials is answered: anyone who can connect is in", "live")


TYPE = CheckType(RedisUnauthenticatedCheck, System.REDIS, read, decide)
