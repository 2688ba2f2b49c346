"""Plans and applies as the command line does, within a test or as a process of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import forked
import pytest
from pydantic import TypeAdapter
from waiting import PATIENCE, milliseconds

from reconciler.applying.apply import apply_plan
from reconciler.applying.executing.retry import Patience
from reconciler.applying.gates.gate import Options
from reconciler.applying.interruption import Interruption
from reconciler.applying.ledger import no_record
from reconciler.documents import plan as plan_file
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND as PG_SETTING
from reconciler.model import Applied, Change, Plan, Receipt, Resource, Target
from reconciler.model.event import Event, Finished, Noted, Progress, Started, Waiting
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

PATIENT = Patience(random=lambda: 0.1)
"""Pauses between attempts are of a known length, and short."""


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@contextmanager
def lock_timeout(seconds: float, attempts: int = 2) -> Iterator[None]:
    """While the body runs, what is planned or cleaned up gives up a lock after `seconds`, and is tried so many times.

    Who is in the way is looked for as often as it takes to be seen before.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("reconciler.applying.executing.watch.INTERVAL", seconds / 5)
        patched.setattr("reconciler.applying.cleaning.CLEANING_LOCK_TIMEOUT", milliseconds(seconds))
        for name in ("BUILD", "INSTANT", "STRONG"):
            patched.setattr(f"reconciler.kinds.pg_index.changes.steps.{name}_LOCK_TIMEOUT", milliseconds(seconds))
        for name in ("INSTANT", "STRONG"):
            patched.setattr(f"reconciler.kinds.pg_index.changes.steps.{name}_ATTEMPTS", attempts)
        # Beyond what it takes to come to the lock and to give it up.
        patched.setattr("reconciler.kinds.pg_index.changes.steps.STRONG_STATEMENT_TIMEOUT", milliseconds(10 * seconds))
        yield


class Seen:
    """A subscriber that remembers: all that was `told`, and what tests ask for."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.events: list[tuple[str, str]] = []
        self.progress: list[Progress | Waiting] = []
        self.notes: list[str] = []

    def __call__(self, told: Event) -> None:
        self.told.append(told)
        match told:
            case Started():
                self.started(told)
            case Progress() | Waiting():
                self.progressed(told)
            case Finished():
                self.events.append((told.receipt.result.value, told.address.name))
            case Noted():
                self.notes.append(told.line)

    def started(self, change: Started) -> None:
        self.events.append(("started", change.address.name))

    def progressed(self, progress: Progress | Waiting) -> None:
        self.progress.append(progress)

    @property
    def waits(self) -> list[Waiting]:
        return [each for each in self.progress if isinstance(each, Waiting)]


class Unread(Exception):
    """A target could not be read; the message says why."""


def plan_for(targets: Target | Sequence[Target], resources: Sequence[Resource], secrets: Secrets | None = None) -> Plan:
    """A plan that has read everything: one that has not would be empty for another reason. Raises Unread."""
    listed = [targets] if isinstance(targets, Target) else targets
    # Of this moment, since the command line applies no old one.
    made = datetime.now(UTC).replace(microsecond=0)
    plan = make_plan({each.name: each for each in listed}, resources, secrets or Secrets({}), created_at=made)
    if plan.unreachable:
        raise Unread("\n".join(f"{each.node}: {each.message}\n  {each.hint}" for each in plan.unreachable))
    return plan


def apply(
    plan: Plan, targets: Target | Sequence[Target], secrets: Secrets | None = None, *, allowed=(), parallel=2,
    listener=None, interruption=None, record=no_record, patience=PATIENT, rehearsal=True,
    desired=None, allowed_superseded=(), at_once=16, lock_timeout=timedelta(), left=None, digest="",
) -> Receipt:  # fmt: skip
    listed = [targets] if isinstance(targets, Target) else targets
    return apply_plan(
        plan, {each.name: each for each in listed}, secrets or Secrets({}),
        options=Options(allowed=allowed, allowed_superseded=allowed_superseded, digest=digest), parallel=parallel,
        now=now, subscribers=[listener or Seen()], record=record, patience=patience, rehearsal=rehearsal,
        interruption=Interruption() if interruption is None else interruption,
        declared=desired, at_once=at_once, lock_timeout=lock_timeout, left=left,
    )  # fmt: skip


def pg_settings(target: Target, section: Mapping[str, object]) -> list[Resource]:
    """The resources of a `settings` section of a PostgreSQL target."""
    value = TypeAdapter(PG_SETTING.sections["settings"]).validate_python(section)
    return list(PG_SETTING.declare(Declaration(target, "settings", value, "x.yaml", lambda path: "x.yaml:1:1")))


class Applying(threading.Thread):
    """An apply beside the test: `receipt`, or the `error` it ended with, is there after `join`."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(daemon=True)
        self._call = lambda: apply(*arguments, **options)
        self.receipt: Receipt | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.receipt = self._call()
        except Exception as error:
            self.error = error

    def ended(self) -> Receipt:
        self.join(PATIENCE)
        assert not self.is_alive(), "the apply does not end"
        assert self.error is None, self.error
        return self.receipt


def results(receipt: Receipt) -> dict[str, Applied]:
    return {change.address.name: change.result for change in receipt.changes}


def message(receipt: Receipt) -> str:
    [only] = receipt.changes
    return only.message


def resealed(plan: Plan, alter: Callable[[Change], Change]) -> Plan:
    """`plan` as if it had been planned with altered changes."""
    changes = [alter(change).model_copy(update={"fingerprint": ""}) for change in plan.changes]
    return plan_file.seal(plan.model_copy(update={"changes": tuple(changes), "digest": ""}))


class Command:
    """`reconciler` as a process of its own, with `environment` and nothing else of ours."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "PG", "REDIS"))
        } | dict(environment)

    def start(self, *arguments: str | Path, constants: Mapping[str, Any] | None = None) -> forked.Forked:
        """`constants` of the product are set before, see forked.start."""
        return forked.start(["--desired", self.folder, *arguments], self._environment, constants)

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err
