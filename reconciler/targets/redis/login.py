"""Logging in to Redis while a password is being changed.

Decided: docs/decisions.md#passwords-in-rotation
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import redis

from reconciler.errors import DesiredError
from reconciler.model import SecretRef
from reconciler.secrets import Secrets


def log_in(client: redis.Redis, credentials: Mapping[str, Sequence[SecretRef]], secrets: Secrets) -> None:
    """Logs `client` in as its URL says; where the server refuses that, with what is declared for the same user.

    Each password is tried once, on a connection of its own. Raises redis.AuthenticationError where none is right, and
    whatever else the driver raises.
    """
    pool = client.connection_pool
    user = pool.connection_kwargs.get("username") or "default"
    declared = _resolved(credentials.get(user, ()), secrets)
    while True:
        try:
            # NOPERM also means that somebody is there and has let us in.
            with suppress(redis.exceptions.NoPermissionError):
                _answers(client)
            return
        except redis.exceptions.AuthenticationError:
            password = next(declared, None)
            if password is None:
                raise
            pool.connection_kwargs |= {"username": user, "password": password}
            pool.reset()


def _answers(client: redis.Redis) -> None:
    """Sends the first command. A server that cannot write to its disk refuses PING as well (MISCONF), and HELLO not."""
    try:
        client.ping()
    except redis.exceptions.NoPermissionError:
        raise
    except redis.exceptions.ResponseError:
        client.execute_command("HELLO")  # type: ignore[no-untyped-call]  # redis-py has no types here


def missing(client: redis.Redis, credentials: Mapping[str, Sequence[SecretRef]], secrets: Secrets) -> list[SecretRef]:
    """The passwords that are declared for the user in `client`'s URL, and that nobody can look up here."""
    user = client.connection_pool.connection_kwargs.get("username") or "default"
    return [each for each in credentials.get(user, ()) if not list(_resolved([each], secrets))]


def _resolved(references: Sequence[SecretRef], secrets: Secrets) -> Iterator[str]:
    for reference in references:
        with suppress(DesiredError):  # one that is missing is missed by whoever has to set it
            yield secrets.resolve(reference)
