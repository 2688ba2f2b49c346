"""`reconciler plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import stages
from reconciler.cli.app import Run
from reconciler.model import Change, Plan
from reconciler.views import FORMATS, render

if TYPE_CHECKING:
    from reconciler.desired.load import Desired

NOTHING_TO_RUN: dict[stages.Standing, int] = {
    "in sync": 0, "waits": 0, "changes": 1, "blocked": 1, "half-way": 1, "not visible": 1,
}  # fmt: skip


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]…")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan, for review and apply.")
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
@click.option(
    "--rehearse",
    is_flag=True,
    help="Try on empty copies what the server would refuse; by a role that may make temporary tables.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@click.pass_obj
def command(
    run: Run, targets: tuple[str, ...], out: Path | None, format: str, rehearse: bool, detailed_exitcode: bool
) -> None:
    """Show what would change, with the exact statements; change nothing anywhere.

    All of it is read-only, but for --rehearse: that makes empty copies of tables, each in a transaction that is rolled
    back, and saves no plan that the server would refuse a part of.

    \b
    Exit codes: 0 planned; 1 an error, with --rehearse also a change that the server would refuse.
    With --detailed-exitcode: 0 nothing to do; 2 there are changes; 1 an error, or something differs that no step can
    mend, or could not be seen.
    """
    from reconciler.planning import plan_file

    desired = stages.load(run, targets)
    plan = stages.plan(run, desired, advised=True)
    refused = _refused(run, desired, plan) if rehearse else []
    if out and not refused:
        plan_file.write(plan, out)
    stages.show(render(plan, format, **stages.layout()))
    if refused:
        from reconciler.applying.guard import check_refused

        check_refused(refused)
    if out:
        click.echo(f"Saved as {out}. To apply exactly this: reconciler apply {out}", err=True)
    if detailed_exitcode:
        raise click.exceptions.Exit(2 if plan.changes else NOTHING_TO_RUN[stages.standing(plan)])


def _refused(run: Run, desired: Desired, plan: Plan) -> list[tuple[Change, str]]:
    """The changes that the servers would refuse, with what they said. Raises ConnectionFailed.

    They stay in what is shown: to leave one out could leave a drop without the index that was to take over.
    """
    from reconciler.applying.rehearse import rehearse

    refused: list[tuple[Change, str]] = []
    for name in desired.targets:  # what is built is built on the primary, and never on a node beside it
        changes = [change for change in plan.changes if change.address.target == name]
        rehearsed = rehearse(desired.targets[name], run.secrets, changes)
        for line in rehearsed.untried:
            click.echo(line, err=True)
        refused += rehearsed.refused
    return refused
