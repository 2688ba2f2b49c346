"""What an apply is doing at this moment: bars on a terminal; anywhere else only who it waits for, and what to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.model import Change, ChangeReceipt, Plan
from reconciler.reports.characters import visible

if TYPE_CHECKING:
    from reconciler.applying.executing.progress import Progress


class Lines:
    """For output that is not a terminal: a line where a change waits for others, or again, and nothing else."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._waits: dict[str, tuple[int, tuple[int, ...]]] = {}

    def started(self, change: Change) -> None:
        """Says nothing."""

    def progressed(self, change: Change, progress: Progress) -> None:
        """Says who is waited for, once for each company of them, and each further attempt."""
        name = str(change.address)
        attempt, pids = progress.attempt, tuple(blocker.pid for blocker in progress.blockers)
        known = self._waits.get(name, (1, ()))
        if attempt != known[0] or (pids and pids != known[1]) or progress.aloud:
            waits = "".join(f"\n  waits for {visible(str(blocker))}" for blocker in progress.blockers)
            self._say(f"{visible(name)}: {visible(progress.phase)}{waits}\n")
        self._waits[name] = (attempt, pids)

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """Says nothing: the receipt will tell."""

    def noted(self, line: str) -> None:
        """Says it."""
        self._say(f"{visible(line)}\n")


class Bars:
    """One bar for the whole plan, and one for each change that is running."""

    def __init__(self, bars: Any, total: int) -> None:
        self._bars = bars
        self._lines = Lines(partial(bars.console.print, end="", markup=False, highlight=False, soft_wrap=True))
        self._done, self._total = 0, total
        self._all = bars.add_task("applying", total=total, detail=f"0 of {total}")
        self._tasks: dict[str, Any] = {}

    def started(self, change: Change) -> None:
        """A new bar."""
        name = str(change.address)
        self._tasks[name] = self._bars.add_task(_escaped(name), total=None, detail="")

    def progressed(self, change: Change, progress: Progress) -> None:
        """The bar moves; who is waited for stands in lines of their own, where there is room."""
        self._lines.progressed(change, progress)
        self._bars.update(
            self._tasks[str(change.address)],
            total=1.0 if progress.fraction is not None else None,
            completed=progress.fraction or 0.0,
            detail=_escaped(progress.phase),
        )

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """The bar goes; the receipt will tell."""
        task = self._tasks.pop(str(change.address), None)
        if task is not None:
            self._bars.remove_task(task)
        self._done += 1
        self._bars.update(self._all, completed=self._done, detail=f"{self._done} of {self._total}")

    def noted(self, line: str) -> None:
        """Stands in a line of its own, above the bars."""
        self._lines.noted(line)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text))


@contextmanager
def live(stream: TextIO, plan: Plan) -> Iterator[Lines | Bars]:
    """A listener for `apply_plan` that writes to `stream`: bars on a terminal, who is waited for elsewhere."""
    if not stream.isatty():
        yield Lines(stream.write)
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
