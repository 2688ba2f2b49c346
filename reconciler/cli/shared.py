"""The stages that verbs are made of: load, plan, print."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from os import environ
from types import FrameType
from typing import TYPE_CHECKING, TextIO, TypedDict

import click

from reconciler.cli import streams
from reconciler.cli.app import Run
from reconciler.cli.options.jobs import USUAL
from reconciler.errors import ReconcilerError
from reconciler.model import Address, Plan, Unreachable
from reconciler.targets import log

if TYPE_CHECKING:
    from reconciler.desired.load import Desired
    from reconciler.desired.narrowing import Narrowing
    from reconciler.planning.make import Planned
    from reconciler.targets.open_sessions import OpenSessions

PLAIN_WIDTH = 100
"""Cells, where the output is not a terminal."""


def now() -> datetime:
    """The time of this moment, in UTC."""
    return datetime.now(UTC)


def load(run: Run, only: Narrowing | Iterable[str] = (), *, offline: bool = False, partial: bool = False) -> Desired:
    """The desired state, of all targets or of what `only` selects, which may be the names of targets; where `partial`,
    also without those that a catalogue would have to tell. Raises DesiredError, UsageError."""
    from reconciler.desired.load import load
    from reconciler.desired.narrowing import Narrowing
    from reconciler.kinds.registry import KINDS

    narrowing = only if isinstance(only, Narrowing) else Narrowing(tuple(only))
    with log.stage("YAML read"):
        return load(run.folder, KINDS, environ, run.secrets, only=narrowing, offline=offline, partial=partial)


def plan(
    run: Run, desired: Desired, *, jobs: int = USUAL, advised: bool = False, allow_blocked: bool = False,
    left: OpenSessions | None = None,
) -> Plan:  # fmt: skip
    """As `planned`, the plan alone."""
    return planned(run, desired, jobs=jobs, advised=advised, allow_blocked=allow_blocked, left=left).plan


def planned(
    run: Run, desired: Desired, *, jobs: int = USUAL, advised: bool = False, allow_blocked: bool = False,
    left: OpenSessions | None = None,
) -> Planned:  # fmt: skip
    """A plan for everything in `desired`, of which so many targets are read at once (`jobs`); `advised` for people who
    are to review it, with `allow_blocked` in it; `left` takes over sessions, as `planning.reading.read_all` says."""
    from reconciler.documents.git_commit import commit_of
    from reconciler.planning.make import planned
    from reconciler.planning.unread import unknown

    with log.stage("planned"):
        return planned(
            desired.targets, desired.resources, run.secrets,
            created_at=now().replace(microsecond=0), advised=advised, allow_blocked=allow_blocked, only=desired.only,
            ignore=desired.ignore, at_once=jobs, unknown=[*filter(None, map(unknown, desired.unseen))], left=left,
            commit=commit_of(run.folder),
        )  # fmt: skip


def tell_unread(run: Run, unread: Sequence[Unreachable]) -> None:
    """Says on standard error which targets could not be read, as every error is said; of many the same once."""
    if unread:
        from reconciler.planning.groups import unread_key
        from reconciler.reports.several import FEW, several, together

        told = []
        for same in together(unread, unread_key, many=len(unread) > FEW):
            of = several([each.node for each in same])
            hint = f"\n  {same[0].hint}" if same[0].hint else ""
            told.append(f"{of.says if of else same[0].node}: {same[0].message}{hint}")
        run.fail("\n".join(told))


def tell_unseen(run: Run, desired: Desired) -> None:
    """Says on standard error of which templates the targets were left out, since nobody was asked for them."""
    for each in desired.unseen:
        if each.unanswered is None:
            run.tell(
                f"Not seen: the targets of {each.name} at {each.at}, for which {each.source} was not asked: "
                "other targets are named."
            )


def are_blocked(addresses: Sequence[Address]) -> str:
    """How many, in words: `1 of what is declared is blocked`."""
    return f"{len(addresses)} of what is declared {'is' if len(addresses) == 1 else 'are'} blocked"


def blocked_beside(plan: Plan, addresses: Sequence[Address]) -> str:
    """What an apply of `plan` says of what is blocked, in a sentence."""
    if plan.rolls_back is not None:
        return f"{len(addresses)} of what was done cannot be undone: reconciler show PLAN says why."
    return f"Beside this plan, {are_blocked(addresses)}: reconciler plan says why."


def show_lines(text: str) -> None:
    """As `show`, of a text that no view has laid out: nothing in it acts on a terminal."""
    from reconciler.reports.characters import visible_lines

    show("\n".join(visible_lines(text)))


def show(text: str, place: TextIO | None = None) -> None:
    """The result as a view, or YAML's writer, has made it safe to print, in `place`; else on standard output.

    Raises ReconcilerError where it cannot be written, and somebody wants it.
    """
    place = place or sys.stdout
    click.echo(text.rstrip("\n"), file=place, color=True)
    if reason := streams.missed(place):
        name = "standard error" if place is sys.stderr else "standard output"
        raise ReconcilerError(f"the result could not be written to {name}: {reason.strerror}")


class Layout(TypedDict):
    """How a result is laid out, as views take it; `width` in cells."""

    colour: bool
    width: int


def layout(place: TextIO | None = None) -> Layout:
    """The layout that fits `place`; else standard output. NO_COLOR is respected, and before FORCE_COLOR."""
    if not (place or sys.stdout).isatty():
        return {"colour": _forced() and not environ.get("NO_COLOR"), "width": PLAIN_WIDTH}
    return {"colour": not environ.get("NO_COLOR"), "width": shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns}


def _forced() -> bool:
    """Whether FORCE_COLOR asks for colours where the output is no terminal: of a pipeline's log, of a pager."""
    return environ.get("FORCE_COLOR", "") not in ("", "0")


ANSWERS = (
    b"\nCancelling, taking away the leftover; again to leave.\n",
    b"\nLeaving what is left over; the next plan takes it away.\n",
)
"""What is said of the first signal during an apply, and of the second."""


def answer(times: int) -> None:
    """Says on standard error at once that a signal came, for the how-manieth time. Written past Python's buffers: the
    signal may have come amidst a line that is being written."""
    if times <= len(ANSWERS):
        with contextlib.suppress(OSError):
            os.write(2, ANSWERS[times - 1])


def on_signals(handle: Callable[[int, FrameType | None], None]) -> None:
    """Ctrl-C, SIGTERM and a closed terminal are handled by `handle` from now on.

    Python hands signals to the main thread alone; called from another, as a part of some other program, this leaves
    them to that program.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, handle)
