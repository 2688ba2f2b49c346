"""The stages that verbs are made of: load, plan, print."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from os import environ
from types import FrameType
from typing import TYPE_CHECKING, Literal, TypedDict

import click

from reconciler.cli import streams
from reconciler.cli.app import Run
from reconciler.errors import ReconcilerError
from reconciler.model import Action, Difference, NoticeType, Plan

if TYPE_CHECKING:
    from reconciler.desired.load import Desired

PLAIN_WIDTH = 100
"""Cells, where the output is not a terminal."""


def now() -> datetime:
    """The time of this moment, in UTC."""
    return datetime.now(UTC)


def load(run: Run, only: Collection[str] = (), *, offline: bool = False) -> Desired:
    """The desired state. Raises DesiredError, UsageError."""
    from reconciler.desired.load import load
    from reconciler.kinds.registry import KINDS

    return load(run.folder, KINDS, environ, run.secrets, only=only, offline=offline)


def plan(run: Run, desired: Desired, *, advised: bool = False) -> Plan:
    """A plan for everything in `desired`; `advised` for people who are to review it. Raises TargetError."""
    from reconciler.planning.make import make_plan

    return make_plan(
        desired.targets, desired.resources, run.secrets, created_at=now().replace(microsecond=0), advised=advised
    )


def show(text: str) -> None:
    """The result, on standard output. Raises ReconcilerError where it cannot be written, and somebody wants it."""
    click.echo(text.rstrip("\n"), color=True)
    if reason := streams.missed(sys.stdout):
        raise ReconcilerError(f"the result could not be written to standard output: {reason.strerror}")


class Layout(TypedDict):
    """How a result is laid out, as views take it; `width` in cells."""

    colour: bool
    width: int


def layout() -> Layout:
    """The layout that fits standard output. NO_COLOR is respected."""
    if not sys.stdout.isatty():
        return {"colour": False, "width": PLAIN_WIDTH}
    return {"colour": not environ.get("NO_COLOR"), "width": shutil.get_terminal_size().columns}


Standing = Literal["changes", "blocked", "half-way", "not visible", "waits", "in sync"]


def standing(plan: Plan) -> Standing:
    """What a plan says of the live systems: the first of these that is true of anything declared.

    "changes": it differs, and steps can mend it. "blocked": it differs, and none can now. "half-way": it runs and is
    not persisted, or is persisted and does not run. "not visible": it could not be compared. "waits": it is changed,
    and comes true at the next restart.
    """
    found = {notice.type for notice in plan.notices}
    actions = {change.action for change in plan.changes if change.difference is Difference.DIFFERS}
    if actions - {Action.RESTART}:
        return "changes"
    if found & {NoticeType.BLOCKED, NoticeType.BEING_BUILT, NoticeType.UNWANTED}:
        return "blocked"
    if NoticeType.NOT_PERSISTED in found or any(each.difference is not Difference.DIFFERS for each in plan.changes):
        return "half-way"
    if NoticeType.NOT_VISIBLE in found:
        return "not visible"
    return "waits" if NoticeType.WAITS_FOR_RESTART in found or actions else "in sync"


def on_signals(handle: Callable[[int, FrameType | None], None]) -> None:
    """Ctrl-C, SIGTERM and a closed terminal are handled by `handle` from now on.

    Python hands signals to the main thread alone; called from another, as a part of some other program, this leaves
    them to that program.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, handle)
