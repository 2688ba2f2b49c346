"""`reconciler apply DIR`: the plans of many targets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import click
from pydantic import SecretStr

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.fleet_progress import Progress
from reconciler.cli.options.jobs import USUAL
from reconciler.documents import fleet as fleet_file
from reconciler.errors import ApplyError, ReconcilerError, UsageError
from reconciler.model import Fleet, HttpTarget, IgnoreRule, Plan, Receipt, Resource, Rollout, Shard, Target, Wave
from reconciler.views import render_run

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.applying.gates.gate import Options
    from reconciler.applying.interruption import Interruption
    from reconciler.desired.load import Desired
    from reconciler.fleet.apply import Apply
    from reconciler.fleet.executors.address import Cluster
    from reconciler.fleet.receipts import Receipts
    from reconciler.fleet.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of an apply of a fleet; `options` is what gates are told of each of its plans, `jobs`
    how many servers are worked on at once, `patience` how long other shards are waited for, `cluster` whose workers
    apply them (None: this process does), `format` that of the receipt, and `lock_timeout` how long
    another apply is waited for on each target."""

    folder: Path
    digest: str
    approve: Sequence[str]
    approvals: Path | None
    shard: Shard | None
    receipts: Path | None
    resume: bool
    options: Options
    parallel: int
    rehearsal: bool
    jobs: int | None
    patience: timedelta
    cluster: Cluster | None
    format: str
    lock_timeout: timedelta


def apply_fleet(run: Run, wanted: Wanted) -> None:
    """Applies what was approved of the plans in a folder. Ends with the exit code."""
    from reconciler.fleet import folder
    from reconciler.fleet.apply import settled
    from reconciler.fleet.approval import approved_groups, expect_applicable, read_approvals
    from reconciler.fleet.receipts import Receipts, done_before
    from reconciler.fleet.results import Results

    if wanted.resume and not wanted.receipts:
        raise UsageError("--resume looks for what is done in receipts", hint="name their folder: --receipt DIR")
    fleet = folder.read(wanted.folder)
    if wanted.shard and fleet.rollout and len(fleet.rollout.waves) > 1 and not wanted.receipts:
        raise UsageError(
            "these plans are applied in waves, and a shard knows by their receipts alone how far the others are",
            hint="name a folder that all shards share: --receipt DIR",
        )
    listed = read_approvals(wanted.approvals) if wanted.approvals else ()
    approved = approved_groups(fleet, wanted.digest, wanted.approve, listed)
    # Workers have the credentials: where they are not here as well, names and labels are enough.
    desired = shared.load(run, offline=wanted.cluster is not None)
    if not desired.resources:
        run.tell(f"{run.folder} declares nothing but targets: the plans were compared with nothing in it.")
    targets = _of_shard(run, (*fleet.targets, *fleet.unseen), desired, wanted.shard)
    plans = {name: folder.read_plan(wanted.folder, fleet, name) for name in fleet.targets if name in targets}
    changing = {name: plan for name, plan in plans.items() if not plan.is_empty}
    done = done_before(wanted.receipts, changing) if wanted.resume and wanted.receipts else {}
    known = {name: settled(plan, approved, done_before=done.get(name)) for name, plan in plans.items()}
    to_apply = {name: plan for name, plan in plans.items() if known[name] is None}
    expect_applicable(to_apply.values(), wanted.options, shared.now())
    began = f"{shared.now():%Y%m%dT%H%M%SZ}-{token_hex(3)}"
    receipts = Receipts(wanted.receipts, began)
    results = Results(fleet, targets, approved, shard=wanted.shard, run=began, now=shared.now)
    for name, receipt in known.items():
        if receipt is not None:
            results.enter(name, receipt)
    _roll_out(run, wanted, fleet, desired, targets, to_apply, approved, results, receipts)
    results.end()
    made = results.receipt()
    unwritten = ""
    try:
        receipts.of_run(made)
    except ReconcilerError as error:  # a disk that is full by now: what was done is told all the same
        unwritten = error.message
    try:
        shared.show(render_run(made, wanted.format, **shared.layout()))
    except ReconcilerError as error:  # what was done is done, and the exit code tells of that
        run.tell(error.message)
    if unwritten:
        run.tell(unwritten)
    raise click.exceptions.Exit(0 if made.succeeded and not unwritten else 1)


def _roll_out(
    run: Run, wanted: Wanted, fleet: Fleet, desired: Desired, targets: Mapping[str, Target],
    to_apply: Mapping[str, Plan], approved: Collection[str] | None, results: Results, receipts: Receipts,
) -> None:  # fmt: skip
    """Applies all of `to_apply`, in the waves of the fleet. What becomes of it is in `results` and `receipts`."""
    from reconciler.applying.interruption import Interruption
    from reconciler.fleet.apply import SERVERS_AT_ONCE, apply_all
    from reconciler.fleet.shards import server
    from reconciler.fleet.waves.bake import Baking
    from reconciler.fleet.waves.checks import Checking
    from reconciler.fleet.waves.roll_out import Between, roll_out
    from reconciler.fleet.waves.shards import Waiting
    from reconciler.fleet.waves.tally import Tally

    rollout = fleet.rollout or Rollout(waves=(Wave(by="", targets=tuple(to_apply)),))
    everything = Interruption()
    of_each = {name: Interruption() for name in to_apply}
    declared = _by_target(desired)
    checking = Checking(
        targets=desired.targets, resources=desired.resources, ignore=desired.ignore, secrets=run.secrets,
        now=shared.now, at_once=wanted.jobs or USUAL, interruption=everything,
    )  # fmt: skip

    def interrupt() -> None:
        for each in (everything, *of_each.values()):
            each.set()
        checking.interrupt()

    def apply_here(name: str, plan: Plan) -> Receipt:
        target = {name: desired.targets[name]} if name in desired.targets else {}
        resources = declared.get(name, ()) if desired.resources else None
        return _apply(run, wanted, name, plan, target, resources, desired.ignore, of_each[name], receipts)

    def connected(cluster: Cluster) -> AbstractContextManager[Apply]:
        from reconciler.fleet.executors import dask_cluster

        placed = {name: desired.targets[name] for name in to_apply if name in desired.targets}
        return dask_cluster.connected(
            cluster, run=results.run, options=wanted.options, parallel=wanted.parallel,
            index=fleet_file.dump(fleet) if approved is None else "", resources=cluster.resources_of(placed),
            interruption=everything,
        )  # fmt: skip

    shared.on_signals(lambda *_: interrupt())
    tally = Tally(rollout, everything.asked, unseen=fleet.unseen)
    for name, receipt in results.targets.items():
        tally.enter(name, receipt)
    progress = Progress(run, rollout, results, receipts, of=len(to_apply), waves=fleet.rollout is not None)
    others = None
    if wanted.shard and wanted.receipts:
        others = Waiting(
            folder=wanted.receipts, digest=fleet.digest, rollout=rollout, shard=wanted.shard, began=shared.now(),
            patience=wanted.patience, tally=tally, tell=progress.waits,
        )  # fmt: skip
    between = Between(
        bake=Baking(tally=tally, now=shared.now, tell=progress.bakes),
        checks=checking,
        others=others,
    )
    with connected(wanted.cluster) if wanted.cluster and to_apply else nullcontext(apply_here) as apply:
        roll_out(
            rollout, to_apply, {name: server(targets[name]) for name in to_apply},
            partial(apply_all, apply=partial(_saved, receipts, apply)),
            at_once=min([each for each in (wanted.jobs, rollout.at_once) if each], default=SERVERS_AT_ONCE),
            tally=tally, between=between, heard=progress,
        )  # fmt: skip


def _of_shard(run: Run, names: Iterable[str], desired: Desired, shard: Shard | None) -> Mapping[str, Target]:
    """The targets of these names that are of the shard. One that is no longer declared has to be told of by somebody:
    it counts as a server of its own."""
    from reconciler.fleet.shards import members

    found: dict[str, Target] = {
        name: desired.targets.get(name) or HttpTarget(name=name, url=SecretStr("")) for name in names
    }
    if shard is None:
        return found
    mine = members(found, shard)
    if not mine:
        run.tell(f"No target is of the shard {shard}: there is nothing to do.")
    return mine


def _by_target(desired: Desired) -> Mapping[str, Sequence[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in desired.resources:
        found.setdefault(resource.address.target, []).append(resource)
    return found


def _apply(
    run: Run, wanted: Wanted, name: str, plan: Plan, target: Mapping[str, Target],
    resources: Collection[Resource] | None, ignore: Sequence[IgnoreRule], interruption: Interruption,
    receipts: Receipts,
) -> Receipt:  # fmt: skip
    """One target; its receipt is saved after each change. Raises ReconcilerError."""
    from reconciler.applying.apply import apply_plan
    from reconciler.documents.git_commit import commit_of

    return apply_plan(
        plan, target, run.secrets,
        options=wanted.options, parallel=wanted.parallel, now=shared.now, subscribers=[], interruption=interruption,
        record=lambda so_far: receipts.of_target(name, so_far), rehearsal=wanted.rehearsal, declared=resources,
        lock_timeout=wanted.lock_timeout, ignore=ignore, commit=commit_of(run.folder),
    )  # fmt: skip


def _saved(receipts: Receipts, apply: Apply, name: str, plan: Plan) -> Receipt:
    """The receipt of one target, once it is saved. Raises ReconcilerError."""
    made = apply(name, plan)
    try:
        receipts.of_target(name, made)
    except ReconcilerError as error:
        raise ApplyError(f"{name}: it was applied, and its receipt is not saved: {error.message}") from None
    return made
