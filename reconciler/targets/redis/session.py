"""Sessions to Redis and Valkey."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import NoticeType, System, Target, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets import bounds, log
from reconciler.targets.host_names import refuse_unanswered
from reconciler.targets.redis.client import Client
from reconciler.targets.redis.local_files import Files
from reconciler.targets.redis.login import log_in, missing
from reconciler.targets.redis.managed import owner
from reconciler.targets.redis.process import elsewhere
from reconciler.targets.redis.reading import READING, not_sent, shaped
from reconciler.targets.redis.words import said
from reconciler.targets.session import Remark
from reconciler.targets.url import refuse_unescaped

ANSWER_TIMEOUT = 20
"""Without a byte. All our commands are instant, but a server that forks, or evicts, keeps its clients waiting."""

LONGEST_SECONDS = 30
"""Of both, if a URL asks for it: what else is waited for has to fit into what a verb may take on a dead network."""

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
URL_FORM = "expected redis://USER:PASSWORD@HOST:PORT/0, rediss://… for TLS, or unix:///PATH/TO/SOCKET"

OURS = {"protocol", "decode_responses", "encoding_errors"}
"""Options of redis-py that decide the shape of answers: not for a URL to choose."""

FORGOTTEN = "what is applied runs, and is written into no file (persist: no): a restart forgets it"

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's refusal of one reading command.

    `denied`: its user may not run it. `unknown`: the server has no such command (managed hosts rename CONFIG).
    """

    message: str
    denied: bool = False
    unknown: bool = False


class RedisSession:
    """A connection that only reads: what is not in READING is refused here, before it is sent.

    `user` is the name in the URL, "default" where there is none; `database` the number in it; `encrypted`: by TLS.
    Answers are RESP2's, as text, but for these: CONFIG GET, CLIENT INFO and HELLO are a dict of texts; INFO a dict with
    whole numbers as int; ACL GETUSER a dict whose `flags` and `passwords` are lists, and whose `keys` and `channels`
    are a text (7.0) or a list (6.2); None for no such user.
    """

    def __init__(self, target: Target, secrets: Secrets, client: redis.Redis) -> None:
        self.target = target
        self.secrets = secrets
        self._client = client
        self._client.response_callbacks.clear()  # redis-py's own shapes differ from version to version
        arguments = client.connection_pool.connection_kwargs
        self.user: str = arguments.get("username") or "default"
        self.database: int = arguments.get("db") or 0
        self.encrypted = issubclass(client.connection_pool.connection_class, redis.SSLConnection)

    @cached_property
    def server(self) -> Mapping[str, Any]:
        """INFO server; what HELLO tells where the user may not run INFO: `version` and `product` are always there.

        HELLO is open to every user, whatever its ACL (seen on 6.2, 7.0 and Valkey 9).
        """
        info = self.read_all([["INFO", "server"]])[0]
        if isinstance(info, Refusal):
            hello = self.read("HELLO")
            product, version, mode = hello["server"], hello["version"], hello["mode"]
            info = {}
        else:
            product = "valkey" if "valkey_version" in info else "redis"
            version = info.get("valkey_version") or info.get("redis_version") or ""
            mode = info.get("server_mode") or info.get("redis_mode") or ""
        product = "Valkey" if product == "valkey" else "Redis"
        return {**info, "product": product, "version": str(version), "mode": mode}

    @property
    def version(self) -> tuple[int, ...]:
        """The version as numbers: (7, 0, 15)."""
        return tuple(int(part) for part in re.findall(r"\d+", self.server["version"]))

    @cached_property
    def info(self) -> TargetInfo:
        """The server as a plan records it. Nothing identifies a Redis across restarts but where it listens."""
        arguments = self._client.connection_pool.connection_kwargs
        where = arguments.get("path") or f"{arguments.get('host', 'localhost')}:{arguments.get('port', 6379)}"
        return TargetInfo(
            system=System.REDIS,
            product=self.server["product"],
            version=self.server["version"],
            location=where,
            identity=where,
        )

    @property
    def instance(self) -> str:
        """The server's run_id, a new one at each start; empty where the user may not run INFO."""
        return str(self.server.get("run_id") or "")

    lesser_role = ""

    @property
    def config_file(self) -> str | None:
        """The server's configuration file; "" where it runs without one, None where the user may not know."""
        found: str | None = self.server.get("config_file")
        return found

    @property
    def remark(self) -> Remark | None:
        """Why what runs is not compared with what a restart would bring."""
        if not self.target.persist:
            return Remark(NoticeType.NOTE, FORGOTTEN)
        return self.files.look().remark if self.config_file != "" else None

    @property
    def owner(self) -> str:
        """The managed service that this server is, as far as it is recognised; else empty."""
        return owner(self.server, str(self._client.connection_pool.connection_kwargs.get("host") or ""))

    def read(self, *command: str) -> Any:
        """The answer to one reading command. Raises ObservationFailed (also for what is none), ConnectionFailed."""
        answer = self.read_all([command])[0]
        if isinstance(answer, Refusal):
            raise ObservationFailed(self.target.name, answer.message)
        return answer

    def read_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to several reading commands, in one round trip; a Refusal where the server refuses one.

        Raises ObservationFailed, before anything is sent, where one is not a reading command; ConnectionFailed.
        """
        for command in commands:
            self._refuse_writing(command)
        asked = ", ".join(dict.fromkeys(" ".join(command[:2]).upper() for command in commands))
        with _in_plain_words(self.target, self.secrets, "the connection was lost", waiting=asked):
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py has no types here
            answers = pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, redis.ConnectionError | redis.TimeoutError):
                    raise answer
        return [self._shaped(command, answer) for command, answer in zip(commands, answers, strict=True)]

    def memory(self) -> int | None:
        """Bytes: as declared, else the server's machine's (`total_system_memory`), where INFO may be read.

        A container's limit may be lower than the machine's memory, which is why a declared value wins.
        """
        return self.target.memory or self._machine_memory

    @cached_property
    def _machine_memory(self) -> int | None:
        info = self.read_all([["INFO", "memory"]])[0]
        return None if isinstance(info, Refusal) else info.get("total_system_memory") or None

    def cpus(self) -> int | None:
        """Processors as declared: no server tells how many its machine has."""
        return self.target.cpus

    def logs_in_with(self, password: str) -> bool:
        """True where `password` is the one in the target's URL, so that it need not be looked for elsewhere."""
        parts = urlsplit(self.target.url.get_secret_value())
        return password == (unquote(parts.password or "") or parse_qs(parts.query).get("password", [""])[0])

    @cached_property
    def files(self) -> Files:
        """The server's files. To be seen where it is on this machine."""
        pool = self._client.connection_pool
        with _in_plain_words(self.target, self.secrets, "the connection was lost"):
            connection = pool.get_connection()
        try:
            lost = "the connection was lost"
            return Files(self.server, elsewhere(self.server, connection._sock) if connection._sock else lost)
        finally:
            pool.release(connection)

    def close(self) -> None:
        """Ends the connection. Never raises."""
        with suppress(redis.RedisError, OSError):
            self._client.close()

    def _refuse_writing(self, command: Command) -> None:
        why = not_sent(command)
        if why:
            raise ObservationFailed(self.target.name, why)

    def _shaped(self, command: Command, answer: Any) -> Any:
        if isinstance(answer, Exception):
            message = self.secrets.redact(said(answer))
            denied = isinstance(answer, redis.exceptions.NoPermissionError)
            if denied:
                grant = "|".join(command[:2]).lower() if READING[command[0].lower()] else command[0].lower()
                message = f"the user {self.user} may not run {' '.join(command[:2]).upper()}: it needs +{grant}"
            return Refusal(message, denied=denied, unknown="unknown command" in str(answer).lower())
        return shaped(command, answer)


def connect(target: Target, secrets: Secrets) -> RedisSession:
    """A read-only session. Raises ConnectionFailed; ObservationFailed where the server is none that can be managed."""
    client = open_connection(target, secrets)
    try:
        session = RedisSession(target, secrets, client)
        if session.server["mode"] == "sentinel":
            raise ObservationFailed(
                target.name, "this is a Sentinel, not a server", hint="let the URL point at the Redis that it watches"
            )
        return session
    except BaseException:
        client.close()
        raise


def open_connection(target: Target, secrets: Secrets) -> redis.Redis:
    """A bare connection that has logged in, answers as text. Raises ConnectionFailed, whose text holds no password.

    A password without a user goes to the user `default` by name: where the server has no password yet, it takes any
    (seen on 6.2, 7.0 and Valkey 9), so that a URL may already carry the password that is about to be set. Where the
    server refuses the URL's, the passwords declared for the same user are tried, each once: between a change of it and
    that of the URL, either may be in force.
    """
    client = _client(target, secrets)
    began = time.monotonic()
    try:
        with _in_plain_words(target, secrets, waiting="the first command"):
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


def _client(target: Target, secrets: Secrets) -> Client:
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
    except (ValueError, KeyError):
        raise ConnectionFailed(target.name, "its URL cannot be read", hint=URL_FORM) from None
    refuse_unanswered(target.name, [parts.hostname or ""])
    client.target = target.name
    arguments = client.connection_pool.connection_kwargs
    place = arguments.get("path") or arguments.get("host") or "localhost"
    secrets.reach.refuse_host(target.name, str(place), arguments.get("port") or 6379)
    for bound in ("socket_connect_timeout", "socket_timeout"):
        arguments[bound] = min(arguments[bound] or LONGEST_SECONDS, LONGEST_SECONDS)
    if arguments.get("password"):
        secrets.remember(arguments["password"])
        arguments["username"] = arguments.get("username") or "default"
    return client


@contextmanager
def _in_plain_words(
    target: Target, secrets: Secrets, what: str = "cannot connect", *, waiting: str = ""
) -> Iterator[None]:
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
    except TypeError as error:
        option = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if option is None:
            raise
        raise ConnectionFailed(target.name, f"its URL has the unknown option {option[1]}", hint=URL_FORM) from None
