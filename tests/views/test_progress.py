"""What is said of a running apply: on a terminal by bars, elsewhere by lines, one for each thing that is new."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress as RichProgress
from views.sample import CHANGES, NOW, RECEIPT

from reconciler.model import Blocker, Change
from reconciler.model.event import Event, Finished, Noted, Progress, Purpose, Started, Step, StepState, Waiting
from reconciler.targets.postgres.redacted_statements import blocker
from reconciler.views.live import Bars, Lines

REPORT = blocker(4711, "reader", "the\x1b report", "idle in transaction", "select secret from t where x = 'y'", 65.0)
BACKUP = blocker(4712, "backup", "", "active", "copy t to stdout", 5.0)
WAITING = "waiting for writers before build"
FIRST, SECOND = CHANGES[0], CHANGES[1]


def progress(change: Change, phase: str, fraction: float | None, blockers: tuple[Blocker, ...], attempt=1) -> Event:
    told = {"at": NOW, "address": change.address, "phase": phase, "fraction": fraction, "attempt": attempt}
    return Waiting(**told, blockers=blockers) if blockers else Progress(**told)


def said(*looks: Event) -> list[str]:
    lines: list[str] = []
    display = Lines(lines.append)
    for look in looks:
        display(look)
    return lines


def test_who_is_waited_for_is_said_once_for_each_company_and_change():
    one, two = (REPORT,), (REPORT, BACKUP)
    lines = said(
        progress(FIRST, "building index", 0.2, ()),
        progress(FIRST, WAITING, None, one),
        progress(SECOND, WAITING, None, one),
        progress(FIRST, WAITING, None, one),
        progress(FIRST, WAITING, None, two),
        progress(FIRST, "building index", 0.9, ()),
    )
    assert [line.split(":")[0] for line in lines] == [str(each.address) for each in (FIRST, SECOND, FIRST)]
    assert lines[0] == (
        "main/pg_index/public.tasks_queue_idx: waiting for writers before build\n"
        "  waits for process 4711, user reader (the\\x1b report), idle in transaction for 65 s:"
        " select secret from t where x = '…'\n"
    )
    assert "process 4712" in lines[2]


def test_partitions_beside_each_other_that_wait_for_different_ones_are_told_once_each():
    """Seen to fail: each look at one of them was news after a look at the other."""
    one, two = (progress(FIRST, WAITING, None, (each,)) for each in (REPORT, BACKUP))
    lines = said(one, two, one, two, progress(FIRST, "building index", 0.2, ()), one)
    assert ["process 4711" in line for line in lines] == [True, False]


def test_each_further_attempt_is_said_of_each_step():
    again = progress(FIRST, "waiting to try again, attempt 2 of 10", None, (REPORT,), 2)
    began = Step(at=NOW, address=FIRST.address, state=StepState.BEGAN, purpose=Purpose.CHANGE, number=1, of=2,
                 step=FIRST.steps[0])  # fmt: skip
    assert len(said(began, again, again, began, again)) == 2


def test_each_further_attempt_is_said_with_who_was_in_the_way():
    waiting = [progress(FIRST, f"waiting to try again, attempt {n} of 10", None, (REPORT,), n) for n in (2, 3)]
    lines = said(
        progress(FIRST, "waiting for a lock", None, (REPORT,), 1),
        waiting[0],
        progress(FIRST, "waiting for a lock", None, (REPORT,), 2),
        waiting[1],
    )
    heads = [line.split("\n")[0].partition(": ")[2] for line in lines]
    assert heads == [
        "waiting for a lock",
        "waiting to try again, attempt 2 of 10",
        "waiting to try again, attempt 3 of 10",
    ]
    assert all("process 4711" in line for line in lines)


def test_one_display_holds_all_lanes_their_attempts_and_their_blockers():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=200, color_system=None)
    with RichProgress("{task.description} {task.fields[detail]}", console=console, auto_refresh=False) as display:
        bars = Bars(display, 3)
        for change in (FIRST, SECOND):
            bars(Started(at=NOW, address=change.address, action=change.action))
        bars(Noted(at=NOW, target="main", line="main: 2 indexes at once instead of 3: [red]why[/red]"))
        bars(progress(FIRST, "building index: scanning table", 0.25, ()))
        bars(progress(SECOND, "waiting to try again, attempt 2 of 10", None, (REPORT,), 2))
        shown = {task.description: (task.completed, task.total, task.fields["detail"]) for task in display.tasks}
        assert shown[str(FIRST.address)] == (0.25, 1.0, "building index: scanning table")
        assert shown[str(SECOND.address)] == (0.0, None, "waiting to try again, attempt 2 of 10")
        assert shown["applying"][2] == "0 of 3"
        bars(Finished(at=NOW, address=FIRST.address, receipt=RECEIPT.changes[0]))
        assert str(FIRST.address) not in {task.description for task in display.tasks}
        assert display.tasks[0].fields["detail"] == "1 of 3"
    written = stream.getvalue()
    assert "main: 2 indexes at once instead of 3: [red]why[/red]" in written
    assert "waits for process 4711, user reader" in written
