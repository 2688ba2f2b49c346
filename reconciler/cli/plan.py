"""`reconciler plan`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import stages
from reconciler.cli.app import Run
from reconciler.views import FORMATS, render

DETAILED = {"in sync": 0, "changes": 2, "blocked": 1, "not visible": 1}


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]…")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan, for review and apply.")
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@click.pass_obj
def command(run: Run, targets: tuple[str, ...], out: Path | None, format: str, detailed_exitcode: bool) -> None:
    """Show what would change, with the exact statements; change nothing anywhere.

    \b
    Exit codes: 0 planned; 1 an error.
    With --detailed-exitcode: 0 nothing to do; 2 there are changes; 1 an error, or something differs that no step can
    mend, or could not be seen.
    """
    from reconciler.planning import plan_file

    plan = stages.plan(run, stages.load(run, targets))
    if out:
        plan_file.write(plan, out)
    stages.show(render(plan, format, **stages.layout()))
    if out:
        click.echo(f"Saved as {out}. To apply exactly this: reconciler apply {out}", err=True)
    if detailed_exitcode:
        raise click.exceptions.Exit(DETAILED[stages.standing(plan)])
