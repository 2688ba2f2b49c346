"""Sessions to Redis and Valkey."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import redis

from reconciler.errors import ObservationFailed
from reconciler.model import Note, NoticeType, RedisTarget, System, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets.redis.local_files import Files
from reconciler.targets.redis.managed import owner
from reconciler.targets.redis.opening import in_plain_words, open_connection
from reconciler.targets.redis.process import elsewhere
from reconciler.targets.redis.read_only_commands import READING, not_sent, shaped
from reconciler.targets.redis.server_messages import said
from reconciler.targets.session import Remark

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

    system: Literal[System.REDIS] = System.REDIS

    def __init__(self, target: RedisTarget, secrets: Secrets, client: redis.Redis) -> None:
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
            return Remark(NoticeType.NOTE, FORGOTTEN, Note.NOT_WRITTEN)
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
        with in_plain_words(self.target, self.secrets, "the connection was lost", waiting=asked):
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
        with in_plain_words(self.target, self.secrets, "the connection was lost"):
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


def connect(target: RedisTarget, secrets: Secrets) -> RedisSession:
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
