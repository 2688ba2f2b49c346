"""Connections to Redis and Valkey, as a URL and the declared passwords open them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reconciler.errors import ConnectionFailed
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets import bounds, log
from reconciler.targets.name_resolution import refuse_unanswered
from reconciler.targets.redis.client import Client
from reconciler.targets.redis.login import log_in, missing
from reconciler.targets.redis.server_messages import said
from reconciler.targets.url_validation import mistyped_option, refuse_unescaped

ANSWER_TIMEOUT = 20
"""Without a byte. All our commands are instant, but a server that forks, or evicts, keeps its clients waiting."""

LONGEST_SECONDS = 30
"""Of both, if a URL asks for it: what else is waited for has to fit into what a verb may take on a dead network."""

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
URL_FORM = "expected redis://USER:PASSWORD@HOST:PORT/0, rediss://… for TLS, or unix:///PATH/TO/SOCKET"

OURS = {"protocol", "decode_responses", "encoding_errors"}
"""Options of redis-py that decide the shape of answers: not for a URL to choose."""


def open_connection(target: RedisTarget, secrets: Secrets) -> redis.Redis:
    """A bare connection that has logged in, answers as text. Raises ConnectionFailed, whose text holds no password.

    A password without a user goes to the user `default` by name: where the server has no password yet, it takes any
    (seen on 6.2, 7.0 and Valkey 9), so that a URL may already carry the password that is about to be set. Where the
    server refuses the URL's, the passwords declared for the same user are tried, each once: between a change of it and
    that of the URL, either may be in force.
    """
    client = _client(target, secrets)
    began = time.monotonic()
    try:
        with in_plain_words(target, secrets, waiting="the first command"), _hanging_up(client):
            log_in(client, target.credentials, secrets)
        arguments = client.connection_pool.connection_kwargs
        place = arguments.get("path") or arguments.get("host") or "localhost"
        log.event("connected", target.name, host=place, port=arguments.get("port"), ms=log.since(began))
    except BaseException as error:
        client.close()
        if isinstance(error, ConnectionFailed) and (unset := missing(client, target.credentials, secrets)):
            names = ", ".join(map(str, unset))
            error.hint += f"; the password declared for it, {names}, was not tried: it is not set"
        raise
    return client


@contextmanager
def _hanging_up(client: redis.Redis) -> Iterator[None]:
    """Says which place it is that ends the session before its first answer: a server of another kind does."""
    try:
        yield
    except redis.exceptions.ConnectionError as error:
        arguments = client.connection_pool.connection_kwargs
        place = f"{arguments.get('host')}:{arguments.get('port') or 6379}"
        # Its subclasses are answers, and what names the place was no session yet.
        if type(error) is not redis.exceptions.ConnectionError or "host" not in arguments or place in str(error):
            raise
        raise redis.exceptions.ConnectionError(
            f"{place} closed the connection instead of answering the first command; it may be no Redis, or one with "
            "TLS, which wants rediss:// in its URL"
        ) from None


def _client(target: RedisTarget, secrets: Secrets) -> Client:
    url = target.url.get_secret_value()
    secrets.remember_url(url)
    refuse_unescaped(target)
    try:
        parts = urlsplit(url)
        scheme = SCHEMES[parts.scheme]
        _ = parts.port  # raises ValueError where it is no number
        if not (parts.path if scheme == "unix" else parts.hostname):
            raise ValueError
        if OURS & parse_qs(parts.query).keys():
            raise ConnectionFailed(target.name, f"its URL may not set {' or '.join(sorted(OURS))}", hint=URL_FORM)
        # redis-py takes the name of a library for CLIENT SETINFO, which a narrow ACL refuses and logs: send none.
        known = inspect.signature(redis.connection.AbstractConnection.__init__).parameters
        silent = {"driver_info": None} if "driver_info" in known else {"lib_name": None, "lib_version": None}
        client: Client = Client.from_url(  # type: ignore[assignment] # it makes one of its class
            scheme + url[len(parts.scheme) :],
            socket_connect_timeout=bounds.CONNECT_SECONDS,
            socket_timeout=ANSWER_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # needs no HELLO, and its answers have one shape
            decode_responses=True,
            encoding_errors="backslashreplace",
            **silent,
        )
    except (ValueError, KeyError, TypeError):  # the last: redis-py's own of an option such as `self`
        raise ConnectionFailed(target.name, "its URL cannot be read", hint=URL_FORM) from None
    refuse_unanswered(target.name, [parts.hostname or ""])
    client.target = target.name
    arguments = client.connection_pool.connection_kwargs
    place = arguments.get("path") or arguments.get("host") or "localhost"
    secrets.reach.refuse_host(target.name, str(place), arguments.get("port") or 6379)
    for bound in ("socket_connect_timeout", "socket_timeout"):
        seconds = arguments[bound] or LONGEST_SECONDS
        if not seconds > 0:  # NaN is not, either
            raise ConnectionFailed(target.name, f"its URL has a {bound} that is no time", hint="seconds, as 5 or 0.5")
        arguments[bound] = min(seconds, LONGEST_SECONDS)
    if arguments.get("password"):
        secrets.remember(arguments["password"])
        arguments["username"] = arguments.get("username") or "default"
    options = _options(client.connection_pool.connection_class)
    given = parse_qs(parts.query, keep_blank_values=True).keys()
    if any(name not in options for name in arguments) or given & OBJECTS:
        # Only where it is near to one that there is, is it no part of a password with a question mark in it.
        hint = mistyped_option(url, options) or URL_FORM
        raise ConnectionFailed(target.name, "its URL has an unknown option", hint=hint)
    return client


def _options(connection: type) -> set[str]:
    """The names of all that a connection of this class, or one that it is made of, can be told."""
    signatures = [inspect.signature(vars(each)["__init__"]) for each in connection.__mro__ if "__init__" in vars(each)]
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    told = {name for each in signatures for name, one in each.parameters.items() if one.kind in named}
    return told - {"self"}


OBJECTS = frozenset(
    {"command_packer", "credential_provider", "event_dispatcher", "parser_class", "redis_connect_func", "retry"}
    | {"retry_on_error"}
)
"""Options of the driver that no text can be."""


@contextmanager
def in_plain_words(
    target: RedisTarget, secrets: Secrets, what: str = "cannot connect", *, waiting: str = ""
) -> Iterator[None]:
    """Raises ConnectionFailed for what the driver raises in the body: that `what`, `waiting` for which answer."""
    try:
        yield
    except redis.exceptions.NoPermissionError:
        raise
    except (redis.RedisError, OSError) as error:
        silent = isinstance(error, redis.TimeoutError | TimeoutError)
        answer_to = f", while waiting for the answer to {waiting}" if silent and waiting else ""
        raise ConnectionFailed(
            target.name,
            f"{what}: {secrets.redact(said(error))}{answer_to}",
            hint="check its URL, that the server is up, and that this user may log in",
            silent=silent,
        ) from None
