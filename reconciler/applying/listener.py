"""Who hears what an apply does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.applying.executing.progress import Progress
from reconciler.model import (
    Change,
    ChangeReceipt,
    Receipt,
)

if TYPE_CHECKING:
    pass


class Listener(Protocol):
    """Who is told what an apply does, while it does it. Called from several threads.

    One that fails (its terminal was closed) does not stop an apply half-way.
    """

    def started(self, change: Change) -> None:
        """Work on `change` begins."""
        ...

    def progressed(self, change: Change, progress: Progress) -> None:
        """A long step says how far it is, or who it waits for."""
        ...

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """`change` is done, or will not be done."""
        ...

    def noted(self, line: str) -> None:
        """Something about the apply as a whole: what was not rehearsed, how many builds the server bears."""
        ...


def no_record(receipt: Receipt) -> None:
    """Records nothing."""
