"""The one stream of what an apply does, and who hears it.

Decided: docs/decisions.md#events-of-an-apply
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from reconciler.applying.executing.progress import Progress
from reconciler.errors import ReconcilerError
from reconciler.model import Address, Change, ChangeReceipt, Plan, Receipt, Step, event
from reconciler.model.event import Event, Purpose, StepState
from reconciler.secrets import Secrets

Subscriber = Callable[[Event], object]
"""Hears all events of an apply, one at a time, from several threads; whoever takes long holds up the apply. One that
raises (its terminal was closed, its disk is full) goes on being told, and stops no apply half-way."""


class Events:
    """Tells every subscriber of everything, in the order in which they subscribed. Raises nothing of its own."""

    def __init__(self, subscribers: Sequence[Subscriber], now: Callable[[], datetime], secrets: Secrets) -> None:
        self._subscribers = subscribers
        self._now = now
        self._secrets = secrets
        self._one_at_a_time = threading.Lock()
        self._started_at: dict[Address, datetime] = {}

    def planned(self, plan: Plan) -> None:
        """The apply of `plan` begins."""
        changes = tuple(event.PlannedChange(address=each.address, action=each.action) for each in plan.changes)
        self._tell(lambda at: event.Planned(at=at, plan_digest=plan.digest, changes=changes))

    def started(self, change: Change) -> None:
        """Work on `change` begins."""

        def make(at: datetime) -> Event:
            self._started_at[change.address] = at
            return event.Started(at=at, address=change.address, action=change.action)

        self._tell(make)

    @contextmanager
    def step(
        self, address: Address, step: Step, purpose: Purpose = Purpose.CHANGE, *,
        number: int = 1, of: int = 1, together: tuple[Address, ...] = (),
    ) -> Iterator[None]:  # fmt: skip
        """While the body runs, so does `step`; it failed where the body raises."""
        began = time.monotonic()

        def tell(state: StepState, seconds: float = 0.0, message: str = "") -> None:
            self._tell(
                lambda at: event.Step(
                    at=at, address=address, together=together, state=state, purpose=purpose, number=number, of=of,
                    step=step, seconds=seconds, message=message,
                )
            )  # fmt: skip

        tell(StepState.BEGAN)
        try:
            yield
        except Exception as error:  # whatever ended the step, its subscribers are told, and it goes on its way
            why = error.message if isinstance(error, ReconcilerError) else f"unexpected {type(error).__name__}: {error}"
            tell(StepState.FAILED, round(time.monotonic() - began, 3), self._secrets.redact(why))
            raise
        tell(StepState.ENDED, round(time.monotonic() - began, 3))

    def progressed(self, address: Address, seen: Progress) -> None:
        """A step that takes long says how far it is, or who it waits for."""
        redact = self._secrets.redact
        told: dict[str, Any] = {
            "address": address, "phase": redact(seen.phase), "fraction": seen.fraction, "attempt": seen.attempt,
            "aloud": seen.aloud,
        }  # fmt: skip
        blockers = tuple(each.model_copy(update={"query": redact(each.query)}) for each in seen.blockers)
        if blockers:
            self._tell(lambda at: event.Waiting(at=at, blockers=blockers, **told))
        else:
            self._tell(lambda at: event.Progress(at=at, **told))

    def finished(self, receipt: ChangeReceipt) -> None:
        """A change is done, or will not be done."""
        begun = receipt.model_copy(update={"started_at": self._started_at.get(receipt.address)})
        self._tell(lambda at: event.Finished(at=at, address=receipt.address, receipt=begun))

    def noted(self, target: str, line: str) -> None:
        """Something was left out, or done otherwise than asked."""
        self._tell(lambda at: event.Noted(at=at, target=target, line=self._secrets.redact(line)))

    def done(self, receipt: Receipt) -> None:
        """The apply has come to its end."""
        self._tell(
            lambda at: event.Done(
                at=at, plan_digest=receipt.plan_digest, remaining=receipt.remaining, waiting=receipt.waiting,
                verdict=receipt.verdict, succeeded=receipt.succeeded,
            )
        )  # fmt: skip

    def _tell(self, make: Callable[[datetime], Event]) -> None:
        with self._one_at_a_time:
            told = make(self._now())
            for subscriber in self._subscribers:
                with suppress(Exception):
                    subscriber(told)
