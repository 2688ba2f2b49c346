"""What an apply is doing at this moment, on a terminal; silence anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.model import Change, ChangeReceipt, Plan
from reconciler.views.page import visible

if TYPE_CHECKING:
    from reconciler.applying.progress import Progress


class Silent:
    """Tells nobody: output that is not a terminal gets the receipt alone."""

    def started(self, change: Change) -> None:
        """Says nothing."""

    def progressed(self, change: Change, progress: Progress) -> None:
        """Says nothing."""

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """Says nothing."""


class Bars:
    """One bar for the whole plan, and one for each change that is running."""

    def __init__(self, bars: Any, total: int) -> None:
        self._bars = bars
        self._done, self._total = 0, total
        self._all = bars.add_task("applying", total=total, detail=f"0 of {total}")
        self._tasks: dict[str, Any] = {}

    def started(self, change: Change) -> None:
        """A new bar."""
        name = str(change.address)
        self._tasks[name] = self._bars.add_task(_escaped(name), total=None, detail="")

    def progressed(self, change: Change, progress: Progress) -> None:
        """The bar moves; who is waited for stands beside it."""
        waits = "".join(f"  waits for {blocker}" for blocker in progress.blockers[:1])
        self._bars.update(
            self._tasks[str(change.address)],
            total=1.0 if progress.fraction is not None else None,
            completed=progress.fraction or 0.0,
            detail=_escaped(progress.phase + waits),
        )

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """The bar goes; the receipt will tell."""
        task = self._tasks.pop(str(change.address), None)
        if task is not None:
            self._bars.remove_task(task)
        self._done += 1
        self._bars.update(self._all, completed=self._done, detail=f"{self._done} of {self._total}")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text))


@contextmanager
def live(stream: TextIO, plan: Plan) -> Iterator[Silent | Bars]:
    """A listener for `apply_plan` that writes to `stream`: bars on a terminal, nothing elsewhere."""
    if not stream.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:
        yield Bars(bars, len(plan.changes))
