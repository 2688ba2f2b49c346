"""Runs one step, exactly as it is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from reconciler.applying.executing.progress import Progress
from reconciler.errors import StepFailed
from reconciler.model import (
    SENSITIVE,
    HttpTarget,
    ManualStep,
    PostgresTarget,
    RedisStep,
    RedisTarget,
    SecretArgument,
    SqlStep,
    Step,
    Target,
)
from reconciler.secrets import Secrets, SecretText

if TYPE_CHECKING:
    from reconciler.targets.postgres.bounded_connection import HeardConnection

Tell = Callable[[Progress], None]
Interrupted = Callable[[], bool]


def _nobody(progress: Progress) -> None:
    """Is told."""


def _never() -> bool:
    return False


class Gone(StepFailed):
    """The connection was lost while it was idle: nothing of the step was sent."""


class Executor(Protocol):
    """A connection that may write, to one target. One at a time may use it."""

    def run(self, step: Step, tell: Tell = _nobody, interrupted: Interrupted = _never) -> None:
        """Runs `step` and returns when it is done. Raises StepFailed, Gone; DesiredError where a secret is missing.

        A step that waits for something of the server `tell`s how far that is, and ends when `interrupted`.
        """
        ...

    def left(self) -> None:
        """It is idle from now on, and whoever takes it next may find it `Gone`."""
        ...

    def close(self) -> None:
        """Ends the connection. Never raises."""
        ...


def executor(target: Target, secrets: Secrets, first: Step | None = None) -> Executor:
    """A new executor for `target`, which runs the step `first` first, as far as that is known. Raises ConnectionFailed,
    or StepFailed where a target cannot be written to."""
    match target:
        case PostgresTarget():
            from reconciler.applying.executing.step_session import opened_for

            return PostgresExecutor(target, *opened_for(target, secrets, first if isinstance(first, SqlStep) else None))
        case RedisTarget():
            return RedisExecutor(target, secrets)
        case HttpTarget():
            raise StepFailed(f"{target.name}: nothing can be changed over HTTP")


_NO_ORPHANS = """
    select pg_catalog.set_config(name, '1s', false) from pg_catalog.pg_settings
    where name operator(pg_catalog.=) 'client_connection_check_interval'
"""
"""14+; by name, since 13 has no such setting. Without it a build goes on for hours after we were killed, with nobody
who holds the lock, and the next plan can only wait for it."""


_NAME = "select pg_catalog.set_config('application_name', %s, false)"

_OWN_PATH = "reset search_path"
"""The names in what was reviewed are looked for where the role that applies it looks for them. Once that is set,
nothing of ours may be looked for by name."""

_TIMEOUTS = """
    select pg_catalog.set_config('lock_timeout', %s, false), pg_catalog.set_config('statement_timeout', %s, false)
"""

_LIMIT = """
    select s.setting::pg_catalog.float8 / 1000 as seconds from pg_catalog.pg_settings s
    where s.name = 'statement_timeout'
"""

RETRIED = frozenset({"55P03", "40P01"})
"""lock_not_available and deadlock_detected: what was in the way goes away by itself, and nothing was changed."""

QUERY_CANCELED = "57014"


GOING_ON = "it may still be going on on the server: the next plan sees what became of it, and what is being built"


@dataclass(slots=True)
class _Sent:
    """The statement that was sent last; empty: none of the step."""

    statement: str = ""


class PostgresExecutor:
    """Runs SQL steps on `target`. `pid` is the server process, by which progress and blockers are found."""

    def __init__(
        self, target: PostgresTarget, connection: HeardConnection, ready_for: tuple[str, str] | None = None
    ) -> None:  # fmt: skip
        """`ready_for`: all is set already, with these timeouts."""
        self.target = target
        self._connection = connection
        self.pid = connection.pid
        self._is_ready = ready_for is not None
        self._timeouts = ready_for

    def run(self, step: Step, tell: Tell = _nobody, interrupted: Interrupted = _never) -> None:
        """Sets the step's two timeouts, then runs its statements one by one, or all in one transaction."""
        import psycopg

        from reconciler.targets.postgres.bounded_connection import Silent
        from reconciler.targets.postgres.server_messages import said

        if isinstance(step, ManualStep):
            return
        if not isinstance(step, SqlStep):
            raise StepFailed(f"{self.target.name}: a {step.type} step cannot run on PostgreSQL")
        connection = self._connection
        sent, began = _Sent(), time.monotonic()
        try:
            self._set(step)
            began = time.monotonic()
            if step.transaction:
                sent.statement = step.statements[0]
                connection.whole(step.statements, refused=partial(setattr, sent, "statement"))
            else:
                for sent.statement in step.statements:
                    began = time.monotonic()
                    connection.execute(sent.statement.encode())
        except psycopg.Error as error:
            lost = "the connection was lost: " if connection.broken else ""
            where = f"\n  in: {sent.statement}" if sent.statement else ""
            answer = said(error, hide_values=self.target.hide_values, sent=sent.statement)
            hint = GOING_ON if isinstance(error, Silent) else ""
            may_pass = error.sqlstate in RETRIED or self._timed_out(error.sqlstate, time.monotonic() - began)
            kind = Gone if connection.broken and not sent.statement else StepFailed
            raise kind(f"{self.target.name}: {lost}{answer}{where}", hint=hint, may_pass=may_pass) from error

    def _set(self, step: SqlStep) -> None:
        """Sets the step's two timeouts where they are others by now, and before the first step what holds for all.
        Raises psycopg.Error."""
        import psycopg

        from reconciler.applying.executing.step_session import STEP_NAME

        connection = self._connection
        timeouts = (step.lock_timeout, step.statement_timeout)
        if self._timeouts == timeouts:
            return
        own = [(_NAME, (STEP_NAME,)), (_OWN_PATH, None)]
        try:
            first = [] if self._is_ready else [(_NO_ORPHANS, None), *own]
            connection.together([*first, (_TIMEOUTS, timeouts)])
        except psycopg.Error:
            if self._is_ready or connection.broken:
                raise
            # Not every system that PostgreSQL runs on can watch a connection.
            connection.together([*own, (_TIMEOUTS, timeouts)])
        self._is_ready, self._timeouts = True, timeouts

    def left(self) -> None:
        """It is idle from now on: whoever takes it begins with something that shows whether it is still there."""
        self._timeouts = None

    def _timed_out(self, sqlstate: str | None, took: float) -> bool:
        """Whether statement_timeout ended a statement that `took` so many seconds. That somebody cancelled it has the
        same SQLSTATE, and is to be respected; only before its time was over can it have been."""
        import psycopg

        if sqlstate != QUERY_CANCELED:
            return False
        with suppress(psycopg.Error):
            [row] = self._connection.execute(_LIMIT)
            return 0 < float(row["seconds"]) <= took
        return False

    def heard(self) -> None:
        """Another session has just seen the server at work on a step. May be called from another thread."""
        self._connection.heard()

    def cancel(self) -> None:
        """Asks the server to end what `run` waits for; may be called from another thread. Never raises."""
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

    def __init__(self, target: RedisTarget, secrets: Secrets) -> None:
        from reconciler.targets.redis.opening import open_connection

        self._target = target
        self._secrets = secrets
        self._client = open_connection(target, secrets)

    def run(self, step: Step, tell: Tell = _nobody, interrupted: Interrupted = _never) -> None:
        """Sends the command, after what it waits for."""
        import redis

        from reconciler.applying.executing.aof_rewrite import NeverWhole, until_whole
        from reconciler.applying.executing.config_rewrite import WRITING, WrittenWrong, write
        from reconciler.targets.redis.server_messages import said

        if isinstance(step, ManualStep):
            return
        if not isinstance(step, RedisStep):
            raise StepFailed(f"{self._target.name}: a {step.type} step cannot run on Redis")
        arguments = [self._argument(argument) for argument in step.command]
        try:
            if step.waits_for:
                until_whole(self._client, tell, interrupted)
            if tuple(arguments) in WRITING:
                write(self._client, arguments)
            else:
                self._client.execute_command(*arguments)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        except (redis.RedisError, NeverWhole, WrittenWrong) as error:
            answer = self._secrets.redact(said(error))
            shown = " ".join(argument if isinstance(argument, str) else SENSITIVE for argument in step.command)
            raise StepFailed(f"{self._target.name}: {answer}\n  in: {shown}") from None

    def left(self) -> None:
        """See `Executor`: the driver connects again by itself."""

    def _argument(self, argument: str | SecretArgument) -> str:
        if isinstance(argument, str):
            return argument
        value = self._secrets.resolve(argument.secret)
        if argument.form == "text":
            return SecretText(value)
        hashed = sha256(value.encode()).hexdigest()
        self._secrets.remember(hashed)  # a server repeats what it refuses, and a hash can be guessed at
        return SecretText(f"#{hashed}")

    def close(self) -> None:
        """Ends the connection."""
        import redis

        with suppress(redis.RedisError):
            self._client.close()
