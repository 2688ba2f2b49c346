"""`reconciler drift`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import narrowing, shards
from reconciler.cli.options import pages as page_options
from reconciler.model import Shard
from reconciler.views import FORMATS, render_drift

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages
    from reconciler.desired.narrowing import Narrowing


@click.command()
@narrowing.options
@click.option("--format", type=click.Choice(list(FORMATS["drift"])), default="text", show_default=True)
@page_options.options
@how_many.option
@shards.option
@click.pass_obj
def command(run: Run, only: Narrowing, format: str, pages: Pages, jobs: int, shard: Shard | None) -> None:
    """Say where live systems differ from what is declared.

    Read-only: PostgreSQL is asked inside read-only transactions, which the server enforces and each session verifies;
    Redis only gets commands from a fixed list of reading ones.

    \b
    Exit codes: 0 in sync; 1 an error, or a target could not be read: all others are told; 2 drift, whether steps mend
    it or it is blocked. Where nothing has drifted: 3 something was changed and waits for a restart; 4 something runs
    and is not persisted, or the other way round; 5 something is not visible to this role. Of several the first of 2, 4,
    5, 3.
    """
    from reconciler.planning import exit_codes

    desired = shards.taken(run, shared.load(run, only, partial=True), shard)
    plan = shared.plan(run, desired, jobs=jobs)
    pages.write(partial(render_drift, plan))
    shared.show(render_drift(plan, format, **shared.layout(), **pages.bounded()))
    shared.tell_unread(run, plan.unreachable)
    shared.tell_unseen(run, desired)
    raise click.exceptions.Exit(exit_codes.drift_exit_code(plan))
