"""`reconciler demo`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import FrameType

import click

from reconciler.cli import shared
from reconciler.views import render, render_drift, render_receipt


@click.command()
@click.option("--rows", type=click.IntRange(100, 10_000_000), default=50_000, show_default=True, help="Tasks to make.")
@click.option("--keep", is_flag=True, help="Leave the servers running, and say how to connect and how to stop them.")
@click.option(
    "--plan", "plan_path", envvar="RECONCILER_DEMO_PLAN", type=click.Path(path_type=Path),
    default=Path("plans/demo.json"), show_default=True, metavar="FILE", help="Where the plan is saved.",
)  # fmt: skip
def command(rows: int, keep: bool, plan_path: Path) -> None:
    """Watch it all on servers of its own: plan, apply, an empty plan, changes by hand, drift.

    Starts an embedded PostgreSQL and Redis on loopback, and leaves nothing running, nor behind, but the saved plan.

    \b
    Exit codes: 0 all went as told; 1 it did not.
    """
    from reconciler.applying.interruption import Interruption
    from reconciler.demo.tour import Screen, tour
    from reconciler.views.live import live

    interruption = Interruption()

    def stop(number: int, frame: FrameType | None) -> None:
        interruption.set()
        raise KeyboardInterrupt

    shared.on_signals(stop)
    layout = shared.layout()
    screen = Screen(
        say=click.echo,
        plan=partial(render, **layout),
        drift=partial(render_drift, **layout),
        receipt=partial(render_receipt, **layout),
        live=partial(live, sys.stderr),
    )
    tour(
        plan_path, rows=rows, keep=keep, screen=screen, now=shared.now, interruption=interruption
    )  # fmt: skip
