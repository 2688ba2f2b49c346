"""`reconciler drift`."""

from __future__ import annotations

import click

from reconciler.cli import stages
from reconciler.cli.app import Run
from reconciler.views import FORMATS, render_drift

EXIT_CODES = {"in sync": 0, "changes": 2, "blocked": 2, "not visible": 1}


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]…")
@click.option("--format", type=click.Choice(list(FORMATS["drift"])), default="text", show_default=True)
@click.pass_obj
def command(run: Run, targets: tuple[str, ...], format: str) -> None:
    """Say where live systems differ from what is declared.

    Read-only: PostgreSQL is asked inside read-only transactions, which the server enforces and each session verifies;
    Redis only gets commands from a fixed list of reading ones.

    \b
    Exit codes: 0 in sync; 2 drift; 1 an error, or something could not be seen.
    """
    plan = stages.plan(run, stages.load(run, targets))
    stages.show(render_drift(plan, format, **stages.layout()))
    raise click.exceptions.Exit(EXIT_CODES[stages.standing(plan)])
