"""A whole plan: groups of targets side by side, lanes side by side within the bound, everything else one after another.

A group is one target, or all that have to be taken in order: the nodes of a cluster, the databases of one server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.applying.batches import batches
from reconciler.applying.build_parallelism import bound
from reconciler.applying.event_logging import logging
from reconciler.applying.events import Events, Subscriber
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import PATIENCE, Patience
from reconciler.applying.executing.writers import Writers
from reconciler.applying.gates.gate import Facts, Options, Refusal
from reconciler.applying.gates.nodes import targets_of
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.applying.interruption import Interruption
from reconciler.applying.ledger import DONE, Ledger, Record, no_record, not_run, receipt_of
from reconciler.applying.lock import locked
from reconciler.applying.lock.holding import Held
from reconciler.applying.one_change import Runner
from reconciler.applying.verification import builds
from reconciler.errors import ReconcilerError
from reconciler.kind import OnNodes
from reconciler.kind.applying import SeenAtOnce
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Address,
    Change,
    ChangeReceipt,
    PatroniStep,
    Plan,
    PostgresTarget,
    Receipt,
    Resource,
    RestartStep,
    System,
    Target,
)
from reconciler.planning.needed_secrets import needed
from reconciler.planning.order import groups, may_lean_on, stage_of
from reconciler.planning.plan_after_apply import plan_again
from reconciler.planning.staleness import resource_of
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes_of_all
from reconciler.targets.open_sessions import OpenSessions, open_sessions

if TYPE_CHECKING:
    from reconciler.targets.postgres.bounded_connection import HeardConnection


READERS = 1
"""Sessions that read a target at once: lanes look for milliseconds and run for minutes, so that they share one."""


def apply_plan(
    plan: Plan,
    targets: Mapping[str, Target],
    secrets: Secrets,
    *,
    options: Options,
    parallel: int,
    now: Callable[[], datetime],
    subscribers: Sequence[Subscriber],
    interruption: Interruption,
    record: Record = no_record,
    patience: Patience = PATIENCE,
    rehearsal: bool = True,
    declared: Collection[Resource] | None = None,
) -> Receipt:
    """Runs `plan` and nothing else, where no gate refuses it (`gates`; `options` is what they are told).

    `parallel` bounds the changes that run at once on one target; the server's memory and connections may bound them
    further. Without `rehearsal`, what the server refuses is found out step by step. `declared` is what the YAML says by
    now, None where it is not at hand.

    A change that fails or is stale stops no other of its kind: each was reviewed on its own. What comes in a later
    stage of the same lane may lean on it, and does not run. `record` gets the receipt as it is after each change, so
    that it can be saved before the next one. `subscribers` hear what happens, as `model.event` says.

    Raises, before anything ran, HazardNotAllowed, PlanFileError (another system, unknown target or kind), ApplyError (a
    secret that cannot be had), LockHeld, RehearsalFailed, TargetError, and ReconcilerError where several targets fail.
    Once something ran, it returns: what went wrong is in the receipt.
    """
    facts = Facts(plan=plan, options=options, now=now(), targets=targets, resources=declared)
    facts = enforce(Moment.DECLARED, facts)
    ledger = Ledger(plan, now, record)
    events = Events([ledger, logging(), *subscribers], now, secrets)
    wanted: dict[str, list[Change]] = {}
    group = groups(plan.targets)
    for change in plan.changes:
        wanted.setdefault(group[change.address.target], []).append(change)
    taken: list[Held] = []

    def ours() -> list[int]:
        return [held.pid for held in taken]

    with open_sessions(secrets, READERS) as sessions, ExitStack() as locks:
        nodes = nodes_of_all({name: targets[name] for name in targets_of(plan)}, sessions)
        unresolved = secrets.unresolved(secret for change in plan.changes for secret in needed(change))
        facts = enforce(Moment.FOUND, replace(facts, nodes=nodes, unresolved=unresolved))
        events.planned(plan)
        works = []
        for changes in wanted.values():
            held: dict[str, Held] = {}
            for name in dict.fromkeys(change.address.target for change in changes):
                instance = any(change.address.target == name and _of_instance(change) for change in changes)
                with sessions.lent(nodes[name]) as session:
                    facts = enforce(Moment.CONNECTED, replace(facts, infos={name: session.info}))
                    # While this session is idle: a pooler that gives the lock its process shares sessions.
                    idle = [session.pid] if session.system is System.POSTGRES else []
                    lock = locked(nodes[name], secrets, now, instance=instance, ours=ours, idle=idle)
                    held[name] = locks.enter_context(lock)
                    taken.append(held[name])
            works.append(
                _TargetGroup(
                    nodes, changes, sessions, held, parallel, events, interruption, ledger, patience, facts.refused
                )
            )
            locks.callback(works[-1].close)
        if rehearsal and (untenable := [one for work in works for one in work.rehearse()]):
            from reconciler.applying.rehearsal import check_refused

            check_refused(untenable)
        with ThreadPoolExecutor(max_workers=len(works) or 1) as pool:
            jobs = [pool.submit(work.run) for work in works]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                interruption.set()  # else the pool would wait for builds that nobody waits for any more
                raise
        after = None if interruption else plan_again(ledger.done(), nodes, sessions)
    receipt = ledger.receipt(after)
    events.done(receipt)
    return receipt


@dataclass(frozen=True, slots=True)
class _TargetGroup:
    """The changes of one group of targets, and all that is needed to make them."""

    targets: Mapping[str, Target]
    changes: Sequence[Change]
    sessions: OpenSessions
    held: Mapping[str, Held]
    parallel: int
    events: Events
    interruption: Interruption
    ledger: Ledger
    patience: Patience
    refused: Mapping[Address, Refusal]
    writers: Writers = field(default_factory=Writers)
    """Those of rehearsals among them, in which nothing is left of that."""

    def close(self) -> None:
        """Ends the connections that write."""
        self.writers.close()

    def _leave(self, target: PostgresTarget, connection: HeardConnection) -> None:
        from reconciler.applying.executing.step import PostgresExecutor

        self.writers.leave(target, PostgresExecutor(target, connection))

    def rehearse(self) -> Sequence[tuple[Change, str]]:
        """The changes that the server would refuse, with what it said. Raises TargetError."""
        refused: list[tuple[Change, str]] = []
        for name in self.held:
            if isinstance(self.targets[name], PostgresTarget):
                from reconciler.applying.rehearsal import rehearse_again

                changes = [
                    change
                    for change in self.changes
                    if change.address.target == name and change.address not in self.refused
                ]
                target = self.targets[name]
                rehearsed = rehearse_again(target, self.sessions, changes, self.interruption.asked, self._leave)
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
        unmade: list[Change] = []
        for _, grouped in groupby(self.changes, key=stage_of):
            stage = list(grouped)
            lanes: dict[str, list[Change]] = {}
            for change in stage:
                lanes.setdefault(change.lane, []).append(change)
            target = self.targets[stage[0].address.target]
            if any(isinstance(step, RestartStep | PatroniStep) for change in stage for step in change.steps):
                self.writers.renew()  # open ones would only be in its way
            # What has a phase is about several tables or nodes: side by side, two of them could wait for each other.
            at_once, why = (1, "") if stage[0].phase else self._at_once(target, list(lanes.values()))
            if why:
                self.events.noted(target.name, f"{target.name}: {why}")
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                jobs = []
                for lane in lanes.values():
                    missing = next((each for each in unmade if may_lean_on(lane[0], each)), None)
                    jobs.append(pool.submit(self._lane, target, lane, missing))
                for job in jobs:
                    job.result()
            unmade += [change for change in stage if self.ledger[change].result not in DONE]
            if not all(map(_is_seen_by_open_sessions, stage)):
                self.writers.renew()

    def _at_once(self, target: Target, lanes: Sequence[Sequence[Change]]) -> tuple[int, str]:
        """How many lanes of a stage run side by side, and why that is less than asked; empty where it is not.

        Read before each stage that builds: an earlier one may have changed maintenance_work_mem.
        """
        wanted = min(self.parallel, len(lanes))
        steps_of = [[step for change in lane for step in change.steps] for lane in lanes]
        building = min(wanted, sum(any(map(builds, steps)) for steps in steps_of))
        if building < 2 or not isinstance(target, PostgresTarget):  # only PostgreSQL has indexes
            return wanted, ""
        try:
            bearable = self.sessions.ask(target, partial(bound, asked=building))
        except ReconcilerError:
            return wanted, ""  # the first change will meet it as well, and say so
        return (bearable.builds, bearable.why) if bearable.why else (wanted, "")

    def _lane(self, target: Target, changes: Sequence[Change], unmade: Change | None) -> None:
        with closing(
            Runner(
                target, self.sessions,
                held=self.held[target.name], events=self.events, patience=self.patience,
                interruption=self.interruption,
                restarts=Restarts(self.targets, self.sessions.secrets, self._locks_again),
                planned=self._planned,
                free=self.writers.taken(target),
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
                    wanted = [change for change in batch if change.address not in self.refused]
                    for change in wanted:
                        self.events.started(change)
                    made = dict(zip((change.address for change in wanted), runner.apply(wanted), strict=True))
                    receipts = [made.get(change.address) or self._refused(change) for change in batch]
                for receipt in receipts:
                    self.events.finished(receipt)
            self.writers.leave(target, runner.left())

    def _planned(self) -> Mapping[Address, Resource]:
        """What is declared of the changes that are made, or still to be."""
        expected = (change for change in self.changes if change.address not in self.refused)
        return {change.address: resource_of(change) for change in expected if not self.ledger.is_given_up(change)}

    def _refused(self, change: Change) -> ChangeReceipt:
        """The receipt of what a gate has refused."""
        refusal = self.refused[change.address]
        return receipt_of(change, refusal.result, self.sessions.secrets.redact(str(refusal)))

    def _locks_again(self) -> None:
        """A restart ends the locks of all databases of the server."""
        for held in self.held.values():
            held.again()


def _is_seen_by_open_sessions(change: Change) -> bool:
    """Whether what it changes holds in sessions that are open: what tables have, and what files say once they are
    loaded; what a database or a role has holds in those that begin later."""
    return isinstance(BY_NAME[change.address.kind], SeenAtOnce) or _of_instance(change)


def _of_instance(change: Change) -> bool:
    """Whether it concerns the whole server, and not one database of it."""
    if any(isinstance(step, RestartStep | PatroniStep) for step in change.steps):
        return True
    kind = BY_NAME[change.address.kind]
    return isinstance(kind, OnNodes) and kind.on_every_node(resource_of(change))
