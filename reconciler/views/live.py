"""What an apply is doing at this moment: bars on a terminal; anywhere else only who it waits for, and what to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO

from reconciler.model import Plan
from reconciler.model.event import Event, Finished, Noted, Progress, Started, Step, StepState, Waiting
from reconciler.reports.characters import visible


class Lines:
    """For output that is not a terminal: a line where a change waits for others, or again, and nothing else."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._waits: dict[str, set[tuple[int, tuple[int, ...]]]] = {}

    def __call__(self, told: Event) -> None:
        """Says who is waited for, and what is noted; nothing of all else, of which the receipt will tell."""
        match told:
            case Progress() | Waiting():
                self._progressed(told)
            case Step(state=StepState.BEGAN):
                self._began(told)
            case Noted():
                self._say(f"{visible(told.line)}\n")

    def _progressed(self, progress: Progress | Waiting) -> None:
        """Who is waited for, once for each company of them, and each further attempt of a step. Partitions that are
        built beside each other tell by turns who each of them waits for."""
        name = str(progress.address)
        blockers = progress.blockers if isinstance(progress, Waiting) else ()
        attempt, pids = progress.attempt, tuple(blocker.pid for blocker in blockers)
        known = self._waits.setdefault(name, {(1, ())})
        is_new = (pids and (attempt, pids) not in known) or attempt not in {each for each, _ in known}
        if is_new or progress.aloud:
            waits = "".join(f"\n  waits for {visible(str(blocker))}" for blocker in blockers)
            self._say(f"{visible(name)}: {visible(progress.phase)}{waits}\n")
        known.add((attempt, pids))

    def _began(self, step: Step) -> None:
        """What it is tried again for is told of each step."""
        known = self._waits.get(str(step.address), set())
        known -= {(attempt, pids) for attempt, pids in known if attempt > 1}


class Bars:
    """One bar for the whole plan, and one for each change that is running."""

    def __init__(self, bars: Any, total: int) -> None:
        self._bars = bars
        self._lines = Lines(partial(bars.console.print, end="", markup=False, highlight=False, soft_wrap=True))
        self._done, self._total = 0, total
        self._all = bars.add_task("applying", total=total, detail=f"0 of {total}")
        self._tasks: dict[str, Any] = {}

    def __call__(self, told: Event) -> None:
        """A bar comes, moves or goes; what `Lines` says stands above them, where there is room."""
        self._lines(told)
        match told:
            case Started():
                self._started(told)
            case Progress() | Waiting():
                self._progressed(told)
            case Finished():
                self._finished(told)

    def _started(self, started: Started) -> None:
        name = str(started.address)
        self._tasks[name] = self._bars.add_task(_escaped(name), total=None, detail="")

    def _progressed(self, progress: Progress | Waiting) -> None:
        self._bars.update(
            self._tasks[str(progress.address)],
            total=1.0 if progress.fraction is not None else None,
            completed=progress.fraction or 0.0,
            detail=_escaped(progress.phase),
        )

    def _finished(self, finished: Finished) -> None:
        task = self._tasks.pop(str(finished.address), None)
        if task is not None:
            self._bars.remove_task(task)
        self._done += 1
        self._bars.update(self._all, completed=self._done, detail=f"{self._done} of {self._total}")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text))


@contextmanager
def live(stream: TextIO, plan: Plan) -> Iterator[Lines | Bars]:
    """A subscriber for `apply_plan` that writes to `stream`: bars on a terminal, who is waited for elsewhere."""
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
