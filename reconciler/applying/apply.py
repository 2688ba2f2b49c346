"""A whole plan: targets side by side, lanes side by side within the bound, everything else one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import groupby
from typing import Protocol

from reconciler import __version__
from reconciler.applying.guard import check_hazards, check_identity
from reconciler.applying.lock import locked
from reconciler.applying.progress import Progress
from reconciler.applying.run import Runner
from reconciler.errors import PlanFileError
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Applied, Change, ChangeReceipt, HazardType, Plan, Receipt, Target
from reconciler.planning.again import resource_of
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


class Listener(Protocol):
    """Who is told what an apply does, while it does it. Called from several threads."""

    def started(self, change: Change) -> None:
        """Work on `change` begins."""
        ...

    def progressed(self, change: Change, progress: Progress) -> None:
        """A long step says how far it is, or who it waits for."""
        ...

    def finished(self, change: Change, receipt: ChangeReceipt) -> None:
        """`change` is done, or will not be done."""
        ...


class Interruption:
    """Set by a signal: nothing new starts, and what runs is cancelled on the server."""

    def __init__(self) -> None:
        self._flag = threading.Event()
        self._runners: set[Runner] = set()

    def __bool__(self) -> bool:
        return self._flag.is_set()

    def watch(self, runner: Runner) -> None:
        """`runner` is to be cancelled too."""
        self._runners.add(runner)

    def set(self) -> None:
        """Stops everything that can be stopped. Never raises."""
        self._flag.set()
        for runner in list(self._runners):
            runner.cancel()


def apply_plan(
    plan: Plan,
    targets: Mapping[str, Target],
    secrets: Secrets,
    *,
    allowed: Collection[HazardType],
    parallel: int,
    now: Callable[[], datetime],
    listener: Listener,
    interruption: Interruption,
) -> Receipt:
    """Runs `plan` and nothing else. `parallel` bounds the changes that run at once on one target.

    A change that fails or is stale does not stop changes of other lanes: each was reviewed on its own. Raises, before
    anything ran, HazardNotAllowed, PlanFileError (another system, unknown target), LockHeld, ConnectionFailed.
    """
    check_hazards(plan, allowed)
    started_at = now()
    wanted = list(dict.fromkeys(change.address.target for change in plan.changes))
    missing = [name for name in wanted if name not in targets]
    if missing:
        raise PlanFileError(f"the plan is for the target {missing[0]}, which is not declared here")
    receipts: dict[Address, ChangeReceipt] = {}
    with ExitStack() as locks:
        for name in wanted:
            with closing(connect(targets[name], secrets)) as session:
                check_identity(name, plan.targets[name], session.info)
            locks.enter_context(locked(targets[name], secrets, now))
        with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
            jobs = [
                pool.submit(
                    _apply_target,
                    targets[name],
                    [change for change in plan.changes if change.address.target == name],
                    secrets, parallel, listener, interruption, receipts,
                )
                for name in wanted
            ]  # fmt: skip
            for job in jobs:
                job.result()
        remaining = () if interruption else _remaining(plan, receipts, targets, secrets)
    return Receipt(
        reconciler_version=__version__,
        plan_digest=plan.digest,
        started_at=started_at,
        finished_at=now(),
        changes=tuple(receipts[change.address] for change in plan.changes),
        remaining=remaining,
    )


def _apply_target(
    target: Target,
    changes: Sequence[Change],
    secrets: Secrets,
    parallel: int,
    listener: Listener,
    interruption: Interruption,
    receipts: dict[Address, ChangeReceipt],
) -> None:
    """Kind after kind; within a kind lanes side by side, deletes after everything else."""
    for _, stage in groupby(changes, key=lambda change: (change.address.kind, change.action == "delete")):
        lanes: dict[str, list[Change]] = {}
        for change in stage:
            lanes.setdefault(change.lane, []).append(change)
        with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(lanes)))) as pool:
            for job in [
                pool.submit(_apply_lane, target, lane, secrets, listener, interruption, receipts)
                for lane in lanes.values()
            ]:
                job.result()


def _apply_lane(
    target: Target,
    changes: Sequence[Change],
    secrets: Secrets,
    listener: Listener,
    interruption: Interruption,
    receipts: dict[Address, ChangeReceipt],
) -> None:
    with closing(Runner(target, secrets, listener.progressed)) as runner:
        interruption.watch(runner)
        failed: ChangeReceipt | None = None
        for change in changes:
            if failed or interruption:
                reason = f"{failed.address} before it failed" if failed else "interrupted"
                receipt = ChangeReceipt(
                    address=change.address, action=change.action, result=Applied.NOT_RUN, message=reason
                )
            else:
                listener.started(change)
                receipt = runner.apply(change)
                failed = receipt if receipt.result is Applied.FAILED else None
            receipts[change.address] = receipt
            listener.finished(change, receipt)


def _remaining(
    plan: Plan, receipts: Mapping[Address, ChangeReceipt], targets: Mapping[str, Target], secrets: Secrets
) -> tuple[Address, ...]:
    """What a new plan of the same resources still wants to change, though its change was said to be made."""
    said_done = [
        change for change in plan.changes if receipts[change.address].result in (Applied.APPLIED, Applied.SKIPPED)
    ]
    remaining: list[Address] = []
    for (name, kind_name), changes in groupby(said_done, key=lambda change: change.address[:2]):
        kind = BY_NAME[kind_name]
        resources = [resource_of(change) for change in changes]
        with closing(connect(targets[name], secrets)) as session:
            observed = kind.observe(session, resources)
            for resource in resources:
                outcomes = kind.plan(resource, observed.get(resource.address))
                remaining += [outcome.address for outcome in outcomes if isinstance(outcome, Change)]
    return tuple(remaining)
