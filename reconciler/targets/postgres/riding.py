"""Questions that wait for the next round trip, and take none of their own.

Decided: docs/decisions.md#questions-that-ride-along
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.targets.postgres.bounded_connection import Row
from reconciler.targets.postgres.transactions import Asked


@dataclass(eq=False)
class Riding:
    """One such question. `rows`: its answer; None: it was not sent yet, or with others of which one was refused."""

    asked: Asked
    rows: list[Row] | None = None


class Riders:
    """The questions of one session that wait."""

    def __init__(self) -> None:
        self._waiting: list[Riding] = []

    def add(self, asked: Asked) -> Riding:
        """A question that is sent with the next ones."""
        riding = Riding(asked)
        self._waiting.append(riding)
        return riding

    def taken(self) -> Sequence[Riding]:
        """Those that wait, for whoever sends the next questions. They wait no longer, whatever becomes of those."""
        found, self._waiting = self._waiting, []
        return found
