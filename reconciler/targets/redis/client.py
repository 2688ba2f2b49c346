"""The driver's client, and what the log tells of its commands.

Decided: docs/decisions.md#what-the-log-tells
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.client import Pipeline

from reconciler.model import SENSITIVE
from reconciler.secrets import SecretText
from reconciler.targets import log

PASSWORDS = (">", "<", "#", "!")
"""How the rules of ACL SETUSER begin that hold a password, or its hash."""


class Client(redis.Redis):
    """As redis-py's; the log tells of each command, under the name of its target.

    AUTH and SELECT, which the driver sends as it connects, are not among them.
    """

    target = ""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """As redis-py's."""
        if not log.is_wanted():
            return super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call] # untyped there
        began = time.monotonic()
        try:
            answer = super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call] # untyped there
        except redis.RedisError as error:
            _logged(self.target, arguments, began, error)
            raise
        _logged(self.target, arguments, began, answer)
        return answer

    def client(self) -> Client:
        """As redis-py's: one with a connection of its own, from the same pool."""
        found: Client = super().client()  # type: ignore[no-untyped-call] # untyped there
        found.target = self.target
        return found

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Commands:
        """As redis-py's."""
        found = Commands(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        found.target = self.target
        return found


class Commands(Pipeline):
    """Several commands, sent at once."""

    target = ""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """As redis-py's."""
        if not log.is_wanted():
            return super().execute(raise_on_error)
        sent, began = [arguments for arguments, _ in self.command_stack], time.monotonic()
        try:
            answers = super().execute(raise_on_error)
        except redis.RedisError as error:
            for arguments in sent:
                _logged(self.target, arguments, began, error, together=len(sent))
            raise
        for arguments, answer in zip(sent, answers, strict=True):
            _logged(self.target, arguments, began, answer, together=len(sent))
        return answers


def _logged(target: str, command: Sequence[Any], began: float, answer: Any, *, together: int = 1) -> None:
    log.statement(
        target, shown(command), began,
        rows=len(answer) if isinstance(answer, list | dict) else None,
        error=type(answer).__name__ if isinstance(answer, Exception) else "", together=together,
    )  # fmt: skip


def shown(command: Sequence[Any]) -> str:
    """A command without what is secret in it."""
    words = [str(each).upper() for each in command[:2]]
    hides_all = words[:1] == ["AUTH"] or (words[:1] == ["HELLO"] and len(command) > 2)
    sets_user = words == ["ACL", "SETUSER"]
    return " ".join(
        SENSITIVE
        if isinstance(each, SecretText)
        or (hides_all and number > 0)
        or (sets_user and number > 2 and str(each).startswith(PASSWORDS))
        else str(each)
        for number, each in enumerate(command)
    )
