"""Runs one step, exactly as it is written."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import Protocol

from reconciler.errors import StepFailed
from reconciler.model import ManualStep, RedisStep, SecretArgument, SqlStep, Step, System, Target
from reconciler.secrets import Secrets


class Executor(Protocol):
    """A connection that may write, to one target. One at a time may use it."""

    def run(self, step: Step) -> None:
        """Runs `step` and returns when it is done. Raises StepFailed, ConnectionFailed."""
        ...

    def cancel(self) -> None:
        """Asks the server to end what `run` is waiting for; may be called from another thread. Never raises."""
        ...

    def close(self) -> None:
        """Ends the connection. Never raises."""
        ...


def executor(target: Target, secrets: Secrets) -> Executor:
    """A new executor for `target`. Raises ConnectionFailed, or StepFailed where a target cannot be written to."""
    match target.system:
        case System.POSTGRES:
            return PostgresExecutor(target, secrets)
        case System.REDIS:
            return RedisExecutor(target, secrets)
        case System.HTTP:
            raise StepFailed(f"{target.name}: nothing can be changed over HTTP")


class PostgresExecutor:
    """Runs SQL steps. `pid` is the server process, by which progress and blockers are found."""

    def __init__(self, target: Target, secrets: Secrets) -> None:
        from reconciler.targets.postgres import open_connection

        self._target = target
        # A role or database may default to read-only transactions; what is applied here was approved to write.
        settings = {"default_transaction_read_only": "off"}
        self._connection = open_connection(target, secrets, settings)
        self.pid = self._connection.info.backend_pid

    def run(self, step: Step) -> None:
        """Sets the step's two timeouts, then runs its statements one by one, or all in one transaction."""
        import psycopg

        from reconciler.targets.postgres import said

        if isinstance(step, ManualStep):
            return
        if not isinstance(step, SqlStep):
            raise StepFailed(f"{self._target.name}: a {step.type} step cannot run on PostgreSQL")
        connection = self._connection
        statement = ""
        try:
            for name in ("lock_timeout", "statement_timeout"):
                connection.execute("select set_config(%s, %s, false)", (name, getattr(step, name)))
            if step.transaction:
                with connection.transaction():
                    for statement in step.statements:
                        connection.execute(statement.encode())
            else:
                for statement in step.statements:
                    connection.execute(statement.encode())
        except psycopg.Error as error:
            raise StepFailed(f"{self._target.name}: {said(error)}\n  in: {statement}") from error

    def cancel(self) -> None:
        """Sends PostgreSQL's cancel request."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def close(self) -> None:
        """Ends the connection."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.close()


class RedisExecutor:
    """Runs Redis steps; secrets are looked up here, at the last moment."""

    def __init__(self, target: Target, secrets: Secrets) -> None:
        from reconciler.targets.redis import open_connection

        self._target = target
        self._secrets = secrets
        self._client = open_connection(target, secrets)

    def run(self, step: Step) -> None:
        """Sends the command."""
        import redis

        if isinstance(step, ManualStep):
            return
        if not isinstance(step, RedisStep):
            raise StepFailed(f"{self._target.name}: a {step.type} step cannot run on Redis")
        try:
            arguments = [self._argument(argument) for argument in step.command]
            self._client.execute_command(*arguments)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        except redis.RedisError as error:
            said = self._secrets.redact(str(error))
            shown = " ".join(argument if isinstance(argument, str) else "(sensitive)" for argument in step.command)
            raise StepFailed(f"{self._target.name}: {said}\n  in: {shown}") from None

    def _argument(self, argument: str | SecretArgument) -> str:
        if isinstance(argument, str):
            return argument
        value = self._secrets.resolve(argument.secret)
        return "#" + sha256(value.encode()).hexdigest() if argument.form == "acl-hash" else value

    def cancel(self) -> None:
        """Redis commands of ours are instant: there is nothing to cancel."""

    def close(self) -> None:
        """Ends the connection."""
        import redis

        with suppress(redis.RedisError):
            self._client.close()
