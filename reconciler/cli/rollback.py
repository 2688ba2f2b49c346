"""`reconciler rollback`."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import pages as page_options
from reconciler.cli.options import review
from reconciler.errors import UsageError
from reconciler.model import Plan, Receipt
from reconciler.views import FORMATS, render

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages
    from reconciler.desired.load import Desired


@click.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan, for review and apply.")
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
@page_options.options
@click.option("--verbose", is_flag=True, help="Of text: all of each change, and what is the same for many at each.")
@click.option(
    "--allow-blocked",
    is_flag=True,
    allow_from_autoenv=False,
    help="Plan the rest although something cannot be undone; the plan says so, and its apply succeeds without it. Not "
    "read from the environment.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to undo.")
@how_many.option
@review.policy_option
@click.pass_obj
def command(
    run: Run,
    /,
    receipt: Path,
    out: Path | None,
    format: str,
    pages: Pages,
    verbose: bool,
    allow_blocked: bool,
    detailed_exitcode: bool,
    jobs: int,
    policy_file: Path | None,
) -> None:
    """Plan to undo what an apply has done, by its receipt (apply --receipt FILE); change nothing anywhere.

    Only what was made is undone, and only where it still is as the apply has left it: what has changed since is told,
    and left as it is. So is what does not come back by a plan, as a password. Nothing that the receipt says to have run
    is run: what was there before is declared again, and planned anew.

    The plan is applied as any other, with hazards, approvals and windows of its own, and named by its digest: apply
    FILE --digest SHA256. The YAML is not changed by it: revert what was declared, too, or the next plan makes it again.

    \b
    Exit codes: 0 planned; 1 an error, a target that could not be read, or something that was done and cannot be undone
    (--allow-blocked goes on). With --detailed-exitcode: 0 nothing to undo; 2 there is; 1 as above.
    """
    from reconciler.cli import policies
    from reconciler.documents import plan as plan_file
    from reconciler.documents import receipt as receipt_file
    from reconciler.planning import exit_codes

    runner = review.policy(policy_file)
    done = receipt_file.read(receipt)
    if out and out.exists() and out.samefile(receipt):
        raise UsageError(f"{out} is the receipt, and would be lost", hint="name another file for the plan")
    desired = _load(run, done)
    plan = _planned(run, done, desired, allow_blocked=allow_blocked, jobs=jobs)
    if out:
        plan_file.write(plan, out)
    opened = policies.sessions(run, desired.targets, runner)
    said = policies.told(plan, desired.targets, runner, shared.now(), opened)
    pages.write(partial(render, plan, policies=said))
    shared.show(render(plan, format, verbose=verbose, policies=said, **shared.layout(), **pages.bounded()))
    shared.tell_unread(run, plan.unreachable)
    for line in said:
        run.tell(line)
    if out:
        run.tell(f"Saved as {out}.{_way_on(run, plan, out)}")
    if (stuck := exit_codes.blocked(plan)) and not allow_blocked:
        cannot = f"{len(stuck)} of what was done cannot be undone"
        run.tell(f"{cannot}, as the plan says; --allow-blocked goes on without it.")
    raise click.exceptions.Exit(exit_codes.plan_exit_code(plan, detailed=detailed_exitcode))


def _load(run: Run, receipt: Receipt) -> Desired:
    """What is declared of the targets that the receipt is about. Raises UsageError where none of them is."""
    from reconciler.planning.rollback import owners

    owned = owners(receipt)
    if not owned:
        raise UsageError("this is the receipt of an apply that had nothing to do: there is nothing to undo")
    declared = shared.load(run, offline=True, partial=True).targets
    names = [name for name in declared if name in owned.values()]
    if not names:
        of = ", ".join(sorted({*owned.values()}))
        raise UsageError(f"the receipt is of {of}, which is not declared here", hint="name the folder: --desired DIR")
    return shared.load(run, names)


def _planned(run: Run, receipt: Receipt, desired: Desired, *, allow_blocked: bool, jobs: int) -> Plan:
    from reconciler.documents.git_commit import commit_of
    from reconciler.planning.rollback import plan_rollback

    return plan_rollback(
        receipt, desired.targets, run.secrets,
        created_at=shared.now().replace(microsecond=0), allow_blocked=allow_blocked, commit=commit_of(run.folder),
        at_once=jobs,
    )  # fmt: skip


def _way_on(run: Run, plan: Plan, out: Path) -> str:
    """The command that applies exactly this plan, with all that it needs; empty where there is nothing to apply."""
    from reconciler.reports.hazards import permissions

    if plan.is_empty:
        return ""
    needed = permissions(plan.changes)
    options = f" {needed.needed.value}" if needed else ""
    folder = f" --desired {shlex.quote(str(run.folder))}" if run.names_folder else ""
    return f" To apply exactly this: reconciler{folder} apply {shlex.quote(str(out))} --digest {plan.digest}{options}"
