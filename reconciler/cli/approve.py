"""`reconciler approve`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options.types import Duration
from reconciler.errors import UsageError
from reconciler.model import NEEDS_PERMISSION, HazardType


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The SSH key that signs: a private key, or the .pub of one that ssh-agent has.",
)
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(sorted(hazard.value for hazard in NEEDS_PERMISSION)),
    allow_from_autoenv=False,
    help="Allow a hazard of the plan by name; may be repeated. Not read from the environment.",
)
@click.option(
    "--valid",
    type=Duration(),
    metavar="DURATION",
    default="7d",
    show_default=True,
    help="How long the approval counts; at most 90d.",
)
@click.option(
    "--comment", default="", metavar="TEXT", allow_from_autoenv=False, help="One line that is signed as well."
)
@click.pass_obj
def command(run: Run, /, plan: Path, key: Path, allow: tuple[str, ...], valid: timedelta, comment: str) -> None:
    """Approve a saved plan by the signature of an SSH key, for an apply that asks for approvals.

    What is signed names the plan by its digest, its targets, the hazards that are allowed, and until when it counts. It
    lies beside the plan, in PLAN.approvals/, with its signature; one more by the same key takes its place. The whole
    of it is printed.

    \b
    Exit codes: 0 approved; 1 an error, and nothing is.
    """
    from reconciler.approvals.folder import approve
    from reconciler.documents import approval as document
    from reconciler.documents import plan as plan_file
    from reconciler.model import Approval
    from reconciler.planning.policies import hazard_types
    from reconciler.reports.hazards import allowing

    if not timedelta() < valid <= LONGEST:
        raise UsageError(f"--valid is more than nothing, and at most {LONGEST.days}d")
    if plan.is_dir():
        raise UsageError(
            f"{plan} is a folder of plans, and an approval is of one plan",
            hint="name a plan in it; groups of a folder are approved where it is applied: apply DIR --approve SHA256",
        )
    document.expect_comment(comment)
    read = plan_file.read(plan)
    if read.is_empty:
        raise UsageError(f"{plan} has no changes: there is nothing to approve")
    has = {type for change in read.changes for type in hazard_types(change)}
    hazards = tuple(sorted({HazardType(name) for name in allow}))
    if strange := [hazard for hazard in hazards if hazard not in has]:
        raise UsageError(
            f"the plan has no {strange[0]}, which --allow names", hint="reconciler show PLAN tells what it has"
        )
    approval = Approval(
        plan=read.digest, targets=document.targets_of(read), allow=hazards, comment=comment,
        expires=(shared.now() + valid).replace(microsecond=0),
    )  # fmt: skip
    path, fingerprint = approve(plan, approval, key)
    shared.show_lines(document.dump(approval))
    run.tell(f"Signed by {fingerprint}, as {path}")
    if missing := sorted((has & NEEDS_PERMISSION) - {*hazards}):
        run.tell(f"It does not allow what the plan needs as well: {allowing(missing)}")


LONGEST = timedelta(days=90)
"""Whoever approves for longer than a quarter has approved of something that nobody remembers."""
