"""`reconciler plan`."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import narrowing, review, shards
from reconciler.cli.options import pages as page_options
from reconciler.errors import DesiredError, UsageError
from reconciler.model import Change, Plan, Rollout, Shard
from reconciler.views import FORMATS, render

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages
    from reconciler.desired.load import Desired
    from reconciler.desired.narrowing import Narrowing
    from reconciler.planning.make import Planned


@click.command()
@narrowing.options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan, for review and apply.")
@click.option(
    "--out-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Save a plan for each target, and their index, for review and apply; of a shard, its part.",
)
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
@page_options.options
@click.option("--verbose", is_flag=True, help="Of text: all of each change, and what is the same for many at each.")
@click.option(
    "--rehearse",
    is_flag=True,
    help="Try on empty copies what the server would refuse; by a role that may make temporary tables.",
)
@click.option(
    "--allow-blocked",
    is_flag=True,
    allow_from_autoenv=False,
    help="Plan the rest although something is blocked; the plan says so, and its apply succeeds without it. Not read "
    "from the environment.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@how_many.option
@shards.option
@review.policy_option
@click.pass_obj
def command(
    run: Run,
    only: Narrowing,
    out: Path | None,
    out_dir: Path | None,
    format: str,
    pages: Pages,
    verbose: bool,
    rehearse: bool,
    allow_blocked: bool,
    detailed_exitcode: bool,
    jobs: int,
    shard: Shard | None,
    policy_file: Path | None,
) -> None:
    """Show what would change, with the exact statements; change nothing anywhere.

    All of it is read-only, but for --rehearse: that makes empty copies of tables, each in a transaction that is rolled
    back, and saves no plan that the server would refuse a part of.

    \b
    Exit codes: 0 planned; 1 an error, a target that could not be read, or something is blocked: it differs, and no step
    can mend it, as of a table that does not exist (--allow-blocked goes on); with --rehearse also a change that the
    server would refuse. All else is shown and saved all the same, and an apply of it says what it has not seen.
    With --detailed-exitcode: 0 nothing to do; 2 there are changes; 1 as above, or something only runs and no step
    persists it, or could not be seen.
    """
    from reconciler.cli import policies
    from reconciler.documents import plan as plan_file
    from reconciler.planning import exit_codes

    runner = review.policy(policy_file)
    if out_dir:
        if out:
            raise UsageError("--out is one file for all targets, and --out-dir a file for each", hint="choose one")
        from reconciler.fleet import folder

        folder.prepare(out_dir, shard)
    # What is saved may be applied: targets of one server that nobody has seen could want another value of its settings.
    declared = shared.load(run, only, partial=not (out or out_dir))
    rollout = _rollout(declared) if out_dir else None
    desired = shards.taken(run, declared, shard)
    opened = policies.sessions(run, desired.targets, runner)
    planned = shared.planned(run, desired, jobs=jobs, advised=True, allow_blocked=allow_blocked, left=opened)
    plan = planned.plan
    refused = _refused(run, desired, plan) if rehearse else []
    if out and not refused:
        plan_file.write(plan, out)
    if out_dir and not refused:
        _save(out_dir, planned, declared, shard, rollout)
    said = policies.told(plan, desired.targets, runner, shared.now(), opened)
    pages.write(partial(render, plan, policies=said))
    shared.show(render(plan, format, verbose=verbose, policies=said, **shared.layout(), **pages.bounded()))
    shared.tell_unread(run, plan.unreachable)
    shared.tell_unseen(run, desired)
    for line in said:
        run.tell(line)
    if refused:
        from reconciler.applying.rehearsal import check_refused

        check_refused(refused)
    if out:
        run.tell(f"Saved as {out}.{_way_on(run, plan, out)}")
    if out_dir:
        run.tell(f"Saved in {out_dir}. What is to be approved: reconciler show {shlex.quote(str(out_dir))}")
    if (stuck := exit_codes.blocked(plan)) and not allow_blocked:
        run.tell(f"{shared.are_blocked(stuck)}, as the plan says; --allow-blocked goes on without it.")
    raise click.exceptions.Exit(exit_codes.plan_exit_code(plan, detailed=detailed_exitcode))


def _way_on(run: Run, plan: Plan, out: Path) -> str:
    """The command that applies exactly this plan, with all that it needs; empty where there is nothing to apply."""
    from reconciler.reports.hazards import permissions

    if plan.is_empty:
        return ""
    needed = permissions(plan.changes)
    options = f" {needed.needed.value}" if needed else ""
    folder = f" --desired {shlex.quote(str(run.folder))}" if run.names_folder else ""
    return f" To apply exactly this: reconciler{folder} apply {shlex.quote(str(out))}{options}"


def _rollout(declared: Desired) -> Rollout | None:
    """The waves of all targets, whatever shard they are of. Raises DesiredError where a target is in none, or where
    checks have to pass that nobody has declared."""
    from reconciler.fleet.waves.checks import unchecked

    if declared.rollout is None:
        return None
    rollout = declared.rollout.over(declared.targets)
    if (number := unchecked(rollout, declared.resources)) is not None:
        raise DesiredError(
            f"rollout: the checks of wave {number} have to pass, and none is declared for its targets",
            at=declared.rollout.at,
            hint="declare a checklist for them, or leave out `checks: pass`",
        )
    return rollout


def _save(out_dir: Path, planned: Planned, declared: Desired, shard: Shard | None, rollout: Rollout | None) -> None:
    """A plan for each target, and their index."""
    from reconciler.fleet import folder, split

    plans = split.plans_of(planned)
    digest = split.declared_digest(declared.targets, declared.resources, declared.ignore)
    folder.write(out_dir, split.index(planned.plan, plans, digest, shard, rollout), plans)


def _refused(run: Run, desired: Desired, plan: Plan) -> list[tuple[Change, str]]:
    """The changes that the servers would refuse, with what they said. Raises ConnectionFailed.

    They stay in what is shown: to leave one out could leave a drop without the index that was to take over.
    """
    from reconciler.applying.rehearsal import rehearse

    refused: list[tuple[Change, str]] = []
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_target.setdefault(change.address.target, []).append(change)
    for name in desired.targets:  # what is built is built on the primary, and never on a node beside it
        changes = by_target.get(name, ())
        rehearsed = rehearse(desired.targets[name], run.secrets, changes)
        for line in rehearsed.untried:
            run.tell(line)
        refused += rehearsed.refused
    return refused
