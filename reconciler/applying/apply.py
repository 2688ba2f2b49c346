"""A whole plan: groups of targets side by side, lanes side by side within the bound, everything else one after another.

A group is one target, or all that have to be taken in order: the nodes of a cluster, the databases of one server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, cast

from reconciler.applying.batch import batches
from reconciler.applying.event_log import logged
from reconciler.applying.events import Events, Subscriber
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import PATIENCE, Patience
from reconciler.applying.guard import (
    check_declared,
    check_hazards,
    check_identity,
    check_known,
    check_refused,
    declared_names,
)
from reconciler.applying.interruption import Interruption
from reconciler.applying.ledger import DONE, Ledger, Record, no_record, not_run
from reconciler.applying.lock import locked
from reconciler.applying.lock.holding import Held
from reconciler.applying.one_change import Runner
from reconciler.applying.parallelism import bound
from reconciler.applying.verification import builds
from reconciler.errors import ReconcilerError
from reconciler.kind import OnNodes
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Action,
    Address,
    Applied,
    Change,
    ChangeReceipt,
    HazardType,
    PatroniStep,
    Plan,
    Receipt,
    Resource,
    RestartStep,
    System,
    Target,
)
from reconciler.planning.order import STAGE, group_of
from reconciler.planning.remaining import plan_again
from reconciler.planning.staleness import resource_of
from reconciler.planning.superseded import superseded
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.nodes import nodes_of_all

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession


def apply_plan(
    plan: Plan,
    targets: Mapping[str, Target],
    secrets: Secrets,
    *,
    allowed: Collection[HazardType],
    parallel: int,
    now: Callable[[], datetime],
    subscribers: Sequence[Subscriber],
    interruption: Interruption,
    record: Record = no_record,
    patience: Patience = PATIENCE,
    rehearsal: bool = True,
    declared: Collection[Resource] | None = None,
    allowed_superseded: Collection[Address] = (),
) -> Receipt:
    """Runs `plan` and nothing else. `parallel` bounds the changes that run at once on one target; the server's memory
    and connections may bound them further. Without `rehearsal`, what the server refuses is found out step by step.

    `declared` is what the YAML says by now, None where it is not at hand: a change of something that it no longer
    declares so is refused, unless its address is among `allowed_superseded`.

    A change that fails or is stale stops no other of its kind: each was reviewed on its own. What comes in a later
    stage of the same lane may lean on it, and does not run. `record` gets the receipt as it is after each change, so
    that it can be saved before the next one. `subscribers` hear what happens, as `model.event` says.

    Raises, before anything ran, HazardNotAllowed, PlanFileError (another system, unknown target or kind), LockHeld,
    RehearsalFailed, ConnectionFailed. Once something ran, it returns: what went wrong is in the receipt.
    """
    check_declared(plan, targets)
    nodes = nodes_of_all({name: targets[name] for name in declared_names(plan)}, secrets)
    check_known(plan, nodes)
    refused = {} if declared is None else superseded(plan.changes, declared, nodes)
    refused = {address: why for address, why in refused.items() if address not in allowed_superseded}
    check_hazards([change for change in plan.changes if change.address not in refused], allowed)
    ledger = Ledger(plan, now, record)
    events = Events([ledger, logged, *subscribers], now, secrets)
    events.planned(plan)
    wanted: dict[str, list[Change]] = {}
    for change in plan.changes:
        wanted.setdefault(group_of(change.address.target, plan.targets), []).append(change)
    taken: list[Held] = []

    def ours() -> list[int]:
        return [held.pid for held in taken]

    with ExitStack() as locks:
        works = []
        for changes in wanted.values():
            held: dict[str, Held] = {}
            for name in dict.fromkeys(change.address.target for change in changes):
                instance = any(change.address.target == name and _of_instance(change) for change in changes)
                with closing(connect(nodes[name], secrets)) as session:
                    check_identity(name, plan.targets[name], session.info, nodes[name].node_of)
                    # While this session is idle: a pooler that gives the lock its process shares sessions.
                    postgres = nodes[name].system is System.POSTGRES
                    idle = [cast("PostgresSession", session).pid] if postgres else []
                    lock = locked(nodes[name], secrets, now, instance=instance, ours=ours, idle=idle)
                    held[name] = locks.enter_context(lock)
                    taken.append(held[name])
            works.append(
                _Work(nodes, changes, secrets, held, parallel, events, interruption, ledger, patience, refused)
            )
        if rehearsal:
            check_refused([one for work in works for one in work.rehearse()])
        with ThreadPoolExecutor(max_workers=len(works) or 1) as pool:
            jobs = [pool.submit(work.run) for work in works]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                interruption.set()  # else the pool would wait for builds that nobody waits for any more
                raise
        after = None if interruption else plan_again(ledger.done(), nodes, secrets)
    receipt = ledger.receipt(after)
    events.done(receipt)
    return receipt


class _Unmade(NamedTuple):
    """A change that was not made, and where it stands."""

    address: Address
    lane: str
    stage: int
    phase: int

    def comes_before(self, change: Change) -> bool:
        """Whether `change`, of a later stage, may lean on it: on its target, or on another node of the cluster."""
        if self.lane != change.lane:
            return False
        return self.address.target == change.address.target or (
            self.stage == STAGE[change.address.kind] and self.phase < change.phase
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """The changes of one group of targets, and all that is needed to make them."""

    targets: Mapping[str, Target]
    changes: Sequence[Change]
    secrets: Secrets
    held: Mapping[str, Held]
    parallel: int
    events: Events
    interruption: Interruption
    ledger: Ledger
    patience: Patience
    superseded: Mapping[Address, str]

    def rehearse(self) -> Sequence[tuple[Change, str]]:
        """The changes that the server would refuse, with what it said. Raises TargetError."""
        refused: list[tuple[Change, str]] = []
        for name in self.held:
            if self.targets[name].system is System.POSTGRES:
                from reconciler.applying.rehearsal import rehearse_again

                changes = [
                    change
                    for change in self.changes
                    if change.address.target == name and change.address not in self.superseded
                ]
                rehearsed = rehearse_again(self.targets[name], self.secrets, changes, self.interruption.asked)
                for line in rehearsed.untried:
                    self.events.noted(name, line)
                refused += rehearsed.refused
        return refused

    def run(self) -> None:
        """Stage after stage: kind after kind, phase after phase, node after node, and of each the deletes last; lanes
        of a stage side by side.

        Within a stage changes do not lean on each other. A later stage may lean on an earlier one in the same lane:
        an index is dropped because another takes over, a password is demanded because there is a user who has it, a
        primary gets more connections because its standbys have them.
        """
        unmade: list[_Unmade] = []
        for _, grouped in groupby(self.changes, key=_stage):
            stage = list(grouped)
            lanes: dict[str, list[Change]] = {}
            for change in stage:
                lanes.setdefault(change.lane, []).append(change)
            target = self.targets[stage[0].address.target]
            # What has a phase is about several tables or nodes: side by side, two of them could wait for each other.
            at_once, why = (1, "") if stage[0].phase else self._at_once(target, list(lanes.values()))
            if why:
                self.events.noted(target.name, f"{target.name}: {why}")
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                jobs = [
                    pool.submit(self._lane, target, lane, next((u for u in unmade if u.comes_before(lane[0])), None))
                    for lane in lanes.values()
                ]
                for job in jobs:
                    job.result()
            unmade += [
                _Unmade(change.address, change.lane, STAGE[change.address.kind], change.phase)
                for change in stage
                if self.ledger[change].result not in DONE
            ]

    def _at_once(self, target: Target, lanes: Sequence[Sequence[Change]]) -> tuple[int, str]:
        """How many lanes of a stage run side by side, and why that is less than asked; empty where it is not.

        Read before each stage that builds: an earlier one may have changed maintenance_work_mem.
        """
        wanted = min(self.parallel, len(lanes))
        steps_of = [[step for change in lane for step in change.steps] for lane in lanes]
        building = min(wanted, sum(any(map(builds, steps)) for steps in steps_of))
        if building < 2:
            return wanted, ""
        try:
            with closing(connect(target, self.secrets)) as session:
                # Only PostgreSQL has indexes.
                bearable = bound(cast("PostgresSession", session), building)
        except ReconcilerError:
            return wanted, ""  # the first change will meet it as well, and say so
        return (bearable.builds, bearable.why) if bearable.why else (wanted, "")

    def _lane(self, target: Target, changes: Sequence[Change], unmade: _Unmade | None) -> None:
        with closing(
            Runner(
                target, self.secrets,
                held=self.held[target.name], events=self.events, patience=self.patience,
                interruption=self.interruption,
                restarts=Restarts(self.targets, self.secrets, self._locks_again),
                planned=self._planned,
            )
        ) as runner:  # fmt: skip
            for batch in batches(changes):
                if self.interruption:
                    receipts = [not_run(change, "interrupted") for change in batch]
                elif unmade:
                    why = f"{unmade.address} comes before it, and was not made"
                    receipts = [not_run(change, why) for change in batch]
                elif not runner.reachable:
                    receipts = [not_run(change, "the connection was lost before") for change in batch]
                else:
                    wanted = [change for change in batch if change.address not in self.superseded]
                    for change in wanted:
                        self.events.started(change)
                    made = dict(zip((change.address for change in wanted), runner.apply(wanted), strict=True))
                    receipts = [made.get(change.address) or self._refused(change) for change in batch]
                for receipt in receipts:
                    self.events.finished(receipt)

    def _planned(self) -> Mapping[Address, Resource]:
        """What is declared of the changes that are made, or still to be."""
        expected = (change for change in self.changes if change.address not in self.superseded)
        return {change.address: resource_of(change) for change in expected if not self.ledger.is_given_up(change)}

    def _refused(self, change: Change) -> ChangeReceipt:
        """The receipt of what the YAML no longer declares."""
        why = f"{self.superseded[change.address]}\n  make a new plan, or allow it: --allow-superseded {change.address}"
        return ChangeReceipt(
            address=change.address, action=change.action, result=Applied.SUPERSEDED, message=self.secrets.redact(why)
        )

    def _locks_again(self) -> None:
        """A restart ends the locks of all databases of the server."""
        for held in self.held.values():
            held.again()


def _stage(change: Change) -> tuple[int, int, str, bool]:
    return STAGE[change.address.kind], change.phase, change.address.target, change.action is Action.DELETE


def _of_instance(change: Change) -> bool:
    """Whether it concerns the whole server, and not one database of it."""
    if any(isinstance(step, RestartStep | PatroniStep) for step in change.steps):
        return True
    kind = BY_NAME[change.address.kind]
    return isinstance(kind, OnNodes) and kind.on_every_node(resource_of(change))
