"""Somebody at the terminal, who is asked before a plan is applied that nobody has reviewed."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from reconciler.cli import shared, streams
from reconciler.cli.app import Run
from reconciler.errors import ReconcilerError, UsageError
from reconciler.model import Plan
from reconciler.views import render


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits at `stream`; nobody does where it was closed."""
    return stream is not None and not stream.closed and stream.isatty()


def asked(run: Run, plan: Plan, yes: bool, *, place: TextIO) -> Plan | None:
    """`plan`, after it was shown in `place` and somebody agreed; None where he did not. Raises UsageError where nobody
    can be asked; click.Abort."""
    try:
        shared.show(render(plan, verbose=True, **shared.layout(place)), place)
    except ReconcilerError:
        if not yes:
            raise
    shared.tell_unread(run, plan.unreachable)
    if plan.is_empty or yes:
        return plan
    if streams.lost(place):
        raise UsageError("the plan could not be shown, and so nobody can approve it", hint="pass --yes, or show it")
    if not is_terminal(sys.stdin):
        raise UsageError(
            "nobody is here to approve the plan: standard input is not a terminal",
            hint="apply a saved plan (reconciler plan --out FILE), or pass --yes",
        )
    return plan if _agreed() else None


def _agreed() -> bool:
    """What somebody at the terminal says. Raises click.Abort where that is nothing: Ctrl-C, Ctrl-D."""
    while True:
        answer: str = click.prompt("Apply this plan? [y/N]", default="", show_default=False, err=True)
        match answer.strip().lower():
            case "y" | "yes":
                return True
            case "" | "n" | "no":
                return False
        click.echo("Answer y to apply it, or n.", err=True)
