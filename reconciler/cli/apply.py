"""`reconciler apply`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import apply_output, shared
from reconciler.cli.app import Run
from reconciler.cli.applied_before import only_look
from reconciler.cli.apply_fleet import Wanted, apply_fleet
from reconciler.cli.asking import asked, is_terminal
from reconciler.cli.options import completed_names, executor, narrowing, review, saved_plan, shards
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import lock_timeout as lock_timeouts
from reconciler.cli.options.types import Digest, Duration, OneAddress
from reconciler.errors import ReconcilerError, UsageError
from reconciler.model import NEEDS_PERMISSION, Address, HazardType, Plan, Receipt, Shard

if TYPE_CHECKING:
    from reconciler.desired.load import Desired


@click.command()
@click.argument("names", nargs=-1, metavar=f"[PLAN | DIR | {narrowing.NAMES}]", shell_complete=completed_names.names)
@narrowing.where
@click.option("--yes", is_flag=True, help="Do not ask; only where no saved plan is given.")
@click.option(
    "--digest",
    type=Digest(),
    metavar="SHA256",
    help="Apply no other saved plan than the one with this digest; of a folder, no other plans, and all of them.",
)
@click.option(
    "--approve",
    multiple=True,
    type=Digest(),
    metavar="SHA256",
    allow_from_autoenv=False,
    help="Of the plans in a folder, apply the changes of this group; may be repeated. Not read from the environment.",
)
@click.option(
    "--approvals",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same for all groups whose digests are in a file, one a line; it may hold those of other plans as well.",
)
@click.option(
    "--max-age",
    type=Duration(),
    metavar="DURATION",
    help="Apply no saved plan that is older: 7d, 12h…  [default: 30d at a terminal; 7d elsewhere]",
)
@click.option(
    "--allow-superseded",
    multiple=True,
    type=OneAddress(),
    metavar="ADDRESS",
    allow_from_autoenv=False,
    help="Make this change of a saved plan although the YAML no longer declares it so; may be repeated. Not read from "
    "the environment.",
)
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(sorted(hazard.value for hazard in NEEDS_PERMISSION)),
    allow_from_autoenv=False,
    help="Allow a hazard by name; may be repeated. Not read from the environment, where it would be forgotten.",
)
@click.option(
    "--allow-blocked",
    is_flag=True,
    allow_from_autoenv=False,
    help="Succeed although something is blocked, once the rest is applied; only where no saved plan is given: a saved "
    "one says so itself. Not read from the environment.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Indexes, or partitions of one index, built at once on a target, as far as its memory and connections allow.",
)
@click.option(
    "--no-rehearsal", is_flag=True, help="Do not try on empty copies first; for what only a copy has against it."
)
@click.option(
    "--receipt",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save what was done, as JSON, after each change; of the plans in a folder, into a folder. One of the same "
    "plan that is there already is continued, or, where that was applied to its end, all of it is looked at.",
)
@click.option(
    "--resume", is_flag=True, help="Leave out the targets of which receipts in that folder say that all is done."
)
@click.option(
    "--wait",
    type=Duration(),
    metavar="DURATION",
    default="1h",
    show_default=True,
    help="Of the plans in a folder, how long a shard waits at the end of a wave for the others.",
)
@apply_output.options
@lock_timeouts.option
@how_many.of_apply
@shards.option
@executor.options
@review.options
@click.pass_obj
def command(
    run: Run,
    /,
    names: tuple[str, ...],
    where: str | None,
    yes: bool,
    digest: str | None,
    approve: tuple[str, ...],
    approvals: Path | None,
    max_age: timedelta | None,
    allow_superseded: tuple[Address, ...],
    allow: tuple[str, ...],
    allow_blocked: bool,
    parallel: int,
    no_rehearsal: bool,
    receipt: Path | None,
    resume: bool,
    wait: timedelta,
    lock_timeout: timedelta,
    format: str,
    events: str | None,
    jobs: int | None,
    shard: Shard | None,
    **others: Any,
) -> None:
    """Apply a saved plan, or those in a folder: exactly that, and nothing else. Without one: plan, show it, and ask.

    What is there as a file, or is called *.json, is a saved plan; anything else says what to plan, as for reconciler
    plan.

    Each change is observed again before it runs: one that is already made is skipped, one whose subject has changed
    since is refused. On PostgreSQL, what builds something is tried on empty copies first, in transactions that are
    rolled back: what the server would refuse is refused before anything runs. Ctrl-C ends it in order, and takes away
    what a cancelled build leaves behind, unless it is pressed again; what is left is done by the next plan and apply.

    A saved plan is held against its age, and against the YAML of this moment: a change of something that is no longer
    declared so is refused, and the others are made. Where the folder holds targets alone, there is nothing to compare.

    Of the plans in a folder (plan --out-dir), those are applied whose changes are all in groups that were approved, by
    --approve or --approvals; by --digest of their index, all are. What goes wrong with one target stops no other,
    but for what a rollout says: it goes wave after wave, and ends early where too much fails.

    \b
    Exit codes: 0 all that the plan had steps for is as declared, or waits for a restart; 1 an error, a failed or
    refused change, an interruption, a plan that nobody agreed to, or something that the plan says to be blocked, or to
    run without being persisted; or a target that could not be read when the plan was made; of a folder also a target
    that was not approved, or on which another apply is at work. All else is applied before. What is blocked does not
    count where the plan was made with --allow-blocked.
    """
    from reconciler.applying.apply import apply_plan, reading_sessions
    from reconciler.applying.continued import covering
    from reconciler.applying.gates.gate import Facts, Options
    from reconciler.applying.gates.registry import Moment, enforce
    from reconciler.applying.interruption import Interruption
    from reconciler.desired.narrowing import parse
    from reconciler.documents import plan as plan_file
    from reconciler.documents import receipt as receipt_file
    from reconciler.documents.git_commit import commit_of
    from reconciler.views.live import live

    plan = saved_plan.named(names, where)
    loosens = {"--no-rehearsal": no_rehearsal, "--allow-superseded": bool(allow_superseded)}
    loosens["--lock-timeout"] = bool(lock_timeout)
    cluster = executor.cluster(others, loosens=loosens | review.loosens(others))
    if plan and allow_blocked:
        raise UsageError(
            "a saved plan says itself whether something may be blocked", hint="make it with plan --allow-blocked"
        )
    if plan and yes:
        raise UsageError("of a saved plan nobody is asked: that it is named agrees to it", hint="leave --yes away")
    agreed = review.agreed(run, others, plan)
    options = Options(
        digest=digest or "", max_age=max_age, attended=is_terminal(sys.stdin),
        allowed=[HazardType(name) for name in allow], allowed_superseded=allow_superseded,
        saved=plan is not None, **agreed.options(),
    )  # fmt: skip
    output = apply_output.Output(format, events)
    if plan and plan.is_dir():
        if events:
            raise UsageError("--events is about one plan", hint="a folder of plans: --receipt DIR, or --format json")
        apply_fleet(
            run,
            Wanted(
                folder=plan, digest=digest or "", approve=approve, approvals=approvals, shard=shard, receipts=receipt,
                resume=resume, options=replace(options, digest=""), parallel=parallel, rehearsal=not no_rehearsal,
                jobs=jobs, patience=wait, cluster=cluster, format=format,
                lock_timeout=lock_timeout,
            ),
        )  # fmt: skip
    if approve or approvals or resume:
        raise UsageError("--approve, --approvals and --resume are about a folder of plans", hint="name that folder")
    if cluster:
        raise UsageError("--executor is about a folder of plans", hint="name that folder")
    if plan and shard:
        raise UsageError("a saved plan says itself which targets it is for", hint="make it with plan --shard")
    saved = plan_file.read(plan) if plan else None
    earlier = None
    if receipt:
        receipt_file.expect_place(receipt, plan)
        earlier = receipt_file.earlier(receipt, saved.digest if saved else "")
    output.expect_places(plan, receipt)
    if saved:
        enforce(Moment.SAVED, Facts(plan=saved, options=options, now=shared.now()))
        _expect_changes(saved, allow_superseded)
    elif digest or allow_superseded:
        raise UsageError("--digest and --allow-superseded are about a saved plan", hint="name its file")
    declared = [info.node_of or name for name, info in saved.targets.items()] if saved else ()
    desired = shards.taken(run, shared.load(run, declared if saved else parse(names, where)), shard)
    if saved and receipt and earlier and earlier.succeeded:
        only_look(run, saved, earlier, desired.targets, output=output, place=receipt)
    if saved and not desired.resources and saved.rolls_back is None:
        run.tell(f"{run.folder} declares nothing but targets: the plan was compared with nothing in it.")
    if not saved:
        shared.tell_unseen(run, desired)
    # Somebody who is asked may take minutes, after which whatever is open is old.
    left = click.get_current_context().with_resource(reading_sessions(run.secrets)) if yes else None
    made = saved or shared.plan(
        run, desired, jobs=jobs or how_many.USUAL, advised=True, allow_blocked=allow_blocked, left=left
    )
    _expect_one_wave(made, desired)
    if not saved:  # before anybody is asked
        enforce(Moment.DECLARED, Facts(plan=made, options=options, now=shared.now(), targets=desired.targets))
    approved = made if saved else asked(run, made, yes, place=output.for_people)
    if approved is None:
        run.tell("Declined; nothing was changed.")
        raise click.exceptions.Exit(1)
    interruption = Interruption()

    def record(so_far: Receipt) -> None:
        if receipt:
            receipt_file.write(covering(earlier, so_far), receipt)

    shared.on_signals(lambda *_: shared.answer(interruption.set()))
    with output.told(run.secrets) as told, live(sys.stderr, approved) as display:
        done = apply_plan(
            approved, desired.targets, run.secrets,
            options=options, parallel=parallel, now=shared.now, at_once=jobs or how_many.USUAL,
            subscribers=[each for each in (display, told) if each], interruption=interruption, record=record,
            rehearsal=not no_rehearsal, lock_timeout=lock_timeout, approvals=agreed.approvals, left=left,
            declared=desired.resources if saved and desired.resources else None, ignore=desired.ignore,
            commit=commit_of(run.folder),
        )  # fmt: skip
    unwritten = [told.unwritten] if told and told.unwritten else []
    try:
        record(done)
    except ReconcilerError as error:  # a disk that is full by now: what was done is told all the same
        unwritten.append(error.message)
    if done.blocked:
        run.tell(shared.blocked_beside(approved, done.blocked))
    output.show(run, covering(earlier, done), approved, unwritten)
    raise click.exceptions.Exit(0 if done.succeeded and not unwritten else 1)


def _expect_changes(plan: Plan, named: Sequence[Address]) -> None:
    """Raises UsageError where --allow-superseded has `named` what `plan` has no change of."""
    planned = {change.address for change in plan.changes}
    unknown = [address for address in named if address not in planned]
    if unknown:
        raise UsageError(f"the plan has no change of {unknown[0]}, which --allow-superseded names")


def _expect_one_wave(plan: Plan, desired: Desired) -> None:
    """Raises UsageError where a rollout is declared, and `plan` has changes in several of its waves: they would all be
    made at once."""
    if desired.rollout is None:
        return
    rollout = desired.rollout.over(desired.targets)
    changed = {plan.targets[change.address.target].node_of or change.address.target for change in plan.changes}
    waves = [wave for wave in rollout.waves if changed & {*wave.targets}]
    if len(waves) > 1:
        raise UsageError(
            f"a rollout is declared at {desired.rollout.at}, and this plan has changes in {len(waves)} of its waves, "
            "which would all be made at once",
            hint="plan --out-dir DIR, and apply DIR, which takes one wave after the other; or name fewer targets",
        )
