"""Restarts PostgreSQL by the command that its target declares, or waits for a person to do it.

It runs only what the plan says *and* the target declares: a plan file alone cannot bring a command here. The one other
program that may be run makes targets of a template, and is named in the file of `--targets`.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import IO

from reconciler.applying.executing.progress import Progress
from reconciler.errors import ConnectionFailed, StepFailed, TargetError
from reconciler.model import BY_HAND, PatroniStep, PostgresTarget, RestartStep, Target
from reconciler.secrets import Secrets
from reconciler.targets import bounds
from reconciler.targets.connect import connect

COMMAND_SECONDS = 600
"""For the command to end: a fast shutdown ends sessions at once, but waits for its last checkpoint to be written."""

ANSWER_SECONDS = 300
"""For the server to answer after that: it may have WAL to replay first."""

BY_HAND_SECONDS = 1800
"""For a person, who reads what is asked for, and logs in somewhere."""

REPLAY_SECONDS = 120
"""For a standby to come to where its primary was; one that is further behind is not restarted with less."""

INTERVAL = 0.2

OUTPUT_SHOWN = 2000
"""Characters of the end of what a failed command printed."""

WHERE_TO_LOOK = "look whether the server runs, and at its log; what this plan wrote is in its postgresql.auto.conf"

Tell = Callable[[Progress], None]
Interrupted = Callable[[], bool]

_WRITTEN = "select pg_catalog.pg_current_wal_lsn()::pg_catalog.text as lsn"


class Restarts:
    """Carries out restarts. `targets`: all nodes by name; `locks_again` takes the locks anew that a restart ended."""

    def __init__(self, targets: Mapping[str, Target], secrets: Secrets, locks_again: Callable[[], None]) -> None:
        self._targets = targets
        self._secrets = secrets
        self._locks_again = locks_again

    def run(self, target: PostgresTarget, step: RestartStep, tell: Tell, interrupted: Interrupted) -> None:
        """Restarts `target` and returns when it answers again. Raises StepFailed, ApplyError, TargetError."""
        if step.command != target.restart:
            raise StepFailed(
                f"{target.name}: the plan restarts it by another command than the target declares: nothing was run",
                hint=f"planned: {step.command}; declared: {target.restart or 'none'}. Make a new plan",
            )
        if step.after_primary:
            self._wait_for_replay(target, tell, interrupted)
        before = self._started(target)
        if step.command == BY_HAND:
            self._by_hand(target, before, tell, interrupted)
        else:
            tell(Progress(f"restarting: {step.command}", None, (), aloud=True))
            self._command(target, step.command)
            tell(Progress("waiting for the server to answer", None, (), aloud=True))
            self._until_started(target, before, ANSWER_SECONDS, interrupted)
        self._locks_again()

    def by_patroni(self, target: PostgresTarget, step: PatroniStep, tell: Tell, interrupted: Interrupted) -> None:
        """Sends `step` to Patroni. Raises StepFailed, ApplyError, TargetError."""
        from reconciler.applying.executing import patroni

        patroni.run(target, step, self._secrets, tell, interrupted)
        if step.restart_for:
            self._locks_again()

    def _started(self, target: PostgresTarget) -> str:
        """When the server was started, in seconds since 1970. Raises TargetError where it does not answer."""
        with closing(connect(target, self._secrets)) as session:
            # As a number: the driver does not read every DateStyle.
            rows = session.fetch(
                "select extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.text as at"
            )
        return str(rows[0]["at"])

    def _by_hand(self, target: PostgresTarget, before: str, tell: Tell, interrupted: Interrupted) -> None:
        tell(Progress(f"restart PostgreSQL of {target.name} now: waiting for you", None, (), aloud=True))
        try:
            self._until_started(target, before, BY_HAND_SECONDS, interrupted)
        except StepFailed as error:
            raise StepFailed(
                f"{error.message}: what waits for it stays written, and comes true at the next restart", hint=error.hint
            ) from None

    def _command(self, target: PostgresTarget, command: str) -> None:
        """Runs `command` to its end. It has a session of its own: a Ctrl-C must not leave a server half-way down."""
        with tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(  # noqa: S603 - the target declares it, and its plan was reviewed
                    shlex.split(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True, timeout=COMMAND_SECONDS, check=False,
                )  # fmt: skip
            except OSError as error:
                raise StepFailed(
                    f"{target.name}: the restart could not be run: {error.strerror}\n  in: {command}"
                ) from None
            except subprocess.TimeoutExpired:
                raise StepFailed(
                    f"{target.name}: the restart did not end within {COMMAND_SECONDS} s, and was killed"
                    f"\n  in: {command}{self._end_of(output)}"
                ) from None
            if done.returncode:
                how = f"exited with {done.returncode}" if done.returncode > 0 else f"ended by signal {-done.returncode}"
                raise StepFailed(
                    f"{target.name}: the restart {how}\n  in: {command}{self._end_of(output)}",
                    hint=WHERE_TO_LOOK,
                )

    def _end_of(self, output: IO[bytes]) -> str:
        output.seek(0)
        text = output.read().decode(errors="replace").strip()[-OUTPUT_SHOWN:]
        return "".join(f"\n  {line}" for line in self._secrets.redact(text).splitlines())

    def _until_started(self, target: PostgresTarget, before: str, seconds: int, interrupted: Interrupted) -> None:
        """Returns when the server answers, and was started after `before`.

        One that is being restarted refuses connections, or its machine does; a network that has died says nothing.
        """
        deadline = time.monotonic() + seconds
        heard = time.monotonic()
        why = "it still is the same server: nothing has restarted it"
        while time.monotonic() < deadline:
            if interrupted():
                raise StepFailed(f"{target.name}: interrupted while waiting for its restart: {why}")
            try:
                if self._started(target) != before:
                    return
                why = "it still is the same server: nothing has restarted it"
                heard = time.monotonic()
            except TargetError as error:
                why = error.message
                if not (isinstance(error, ConnectionFailed) and error.silent):
                    heard = time.monotonic()
                elif (silent := time.monotonic() - heard) >= bounds.RESTARTING_SECONDS:
                    raise StepFailed(
                        f"{target.name}: for {silent:.0f} s nothing was heard of it, which was to be restarted: {why}",
                        hint=WHERE_TO_LOOK,
                    ) from None
            time.sleep(INTERVAL)
        raise StepFailed(
            f"{target.name}: not restarted within {seconds} s: {why}",
            hint=WHERE_TO_LOOK,
        )

    def _wait_for_replay(self, standby: PostgresTarget, tell: Tell, interrupted: Interrupted) -> None:
        """Waits until `standby` has replayed what its primary has written by now.

        What a standby knows its primary to have is in the WAL that the primary wrote when it was restarted.
        """
        primary, written = self._written_by_primary(standby)
        tell(Progress(f"waiting until it has replayed the WAL of {primary} up to {written}", None, (), aloud=True))
        deadline = time.monotonic() + REPLAY_SECONDS
        with closing(connect(standby, self._secrets)) as session:
            while not session.fetch(
                "select pg_catalog.pg_last_wal_replay_lsn() >= %(lsn)s::pg_catalog.pg_lsn as there", {"lsn": written}
            )[0]["there"]:
                if interrupted():
                    raise StepFailed(f"{standby.name}: interrupted while waiting for its WAL")
                if time.monotonic() >= deadline:
                    raise StepFailed(
                        f"{standby.name}: it has not replayed the WAL of {primary} up to {written} within "
                        f"{REPLAY_SECONDS} s: with less than what it knows its primary to have it would not start",
                        hint="see why it lags (pg_stat_replication on the primary), and plan again",
                    )
                time.sleep(INTERVAL)

    def _written_by_primary(self, standby: PostgresTarget) -> tuple[str, str]:
        """The name of the cluster's primary, and where its WAL ends. Raises StepFailed, TargetError."""
        declared = standby.node_of or standby.name
        for name, node in self._targets.items():
            if isinstance(node, PostgresTarget) and declared in (name, node.node_of) and name != standby.name:
                with closing(connect(node, self._secrets)) as session:
                    if not session.in_recovery:
                        return name, session.fetch(_WRITTEN)[0]["lsn"]
        raise StepFailed(f"{standby.name}: no node of {declared} is a primary", hint="make a new plan")
