"""`reconciler check`."""

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
from reconciler.views import FORMATS, render_checks

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages
    from reconciler.desired.narrowing import Narrowing


@click.command()
@narrowing.options
@click.option("--format", type=click.Choice(list(FORMATS["checks"])), default="text", show_default=True)
@page_options.options
@how_many.option
@shards.option
@click.pass_obj
def command(run: Run, only: Narrowing, format: str, pages: Pages, jobs: int, shard: Shard | None) -> None:
    """Decide the checklists.

    \b
    Exit codes: 0 no item fails; 2 an item fails or could not be decided for an error; 1 an error, or a target could not
    be read: its items are not decided, and all others are told.
    """
    from reconciler.planning import exit_codes

    desired = shards.taken(run, shared.load(run, only, partial=True), shard)
    plan = shared.plan(run, desired, jobs=jobs)
    pages.write(partial(render_checks, plan))
    shared.show(render_checks(plan, format, **shared.layout(), **pages.bounded()))
    shared.tell_unread(run, plan.unreachable)
    shared.tell_unseen(run, desired)
    raise click.exceptions.Exit(exit_codes.check_exit_code(plan))
