"""The changes of one group of targets: one target, or all that have to be taken in order, the nodes of a cluster or the
databases of one server. Stage after stage, lanes of a stage side by side within the bound.

Decided: docs/decisions.md#connections-of-an-apply
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.applying.batches import batches
from reconciler.applying.build_parallelism import bound
from reconciler.applying.build_slots import BuildSlots
from reconciler.applying.events import Events
from reconciler.applying.executing.restart import Restarts
from reconciler.applying.executing.retry import Patience
from reconciler.applying.executing.writers import Writers
from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.applying.interruption import Interruption
from reconciler.applying.last_gates import LastGates
from reconciler.applying.ledger import DONE, Ledger, not_run, receipt_of
from reconciler.applying.lock import locked
from reconciler.applying.lock.holding import Held
from reconciler.applying.lock.waiting import Waiting
from reconciler.applying.one_change import Runner
from reconciler.applying.other_clock import other_clock
from reconciler.applying.overrun import Deadline
from reconciler.applying.partitions import most_at_once
from reconciler.errors import ReconcilerError
from reconciler.kind import OnNodes
from reconciler.kind.applying import SeenAtOnce
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Address,
    Applied,
    Change,
    ChangeReceipt,
    PatroniStep,
    PostgresTarget,
    Resource,
    RestartStep,
    System,
    Target,
)
from reconciler.planning.build_estimates import builds
from reconciler.planning.order import may_lean_on, stage_of
from reconciler.planning.staleness import resource_of
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.servers_in_urls import places
from reconciler.targets.session import Session

if TYPE_CHECKING:
    from reconciler.targets.postgres.bounded_connection import HeardConnection

SESSIONS = 3
"""Of a group, on its server, while its targets are connected to one after the other."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """The changes of one group of targets, and all that is needed to make them.

    targets  all nodes that the plan changes; `facts` what gates have been asked about so far.
    held     the locks of the group's targets, by name, once `lock` has taken them.
    writers  connections that write, those of rehearsals among them, in which nothing is left of that.
    lock_timeout  seconds that the lock of a target is waited for.
    alone    held by a step that makes others wait while it waits for its lock: one of them at a time on a server.
    """

    targets: Mapping[str, Target]
    changes: Sequence[Change]
    sessions: OpenSessions
    parallel: int
    events: Events
    interruption: Interruption
    ledger: Ledger
    patience: Patience
    facts: Facts
    now: Callable[[], datetime]
    lock_timeout: float = 0.0
    held: dict[str, Held] = field(default_factory=dict)
    writers: Writers = field(default_factory=Writers)
    alone: threading.Lock = field(default_factory=threading.Lock)
    opened: ExitStack = field(default_factory=ExitStack)

    @property
    def refused(self) -> Mapping[Address, Refusal]:
        """What gates have refused of the plan's changes."""
        return self.facts.refused

    def servers(self) -> Mapping[str, int]:
        """How many sessions it holds at once while it is connected to, by server: one that looks, one that holds the
        lock, one that rehearses."""
        first = self.targets[self.changes[0].address.target]
        return dict.fromkeys(places(first), SESSIONS)

    def close(self) -> None:
        """Ends the connections that write, and lets go of the locks. Never raises."""
        self.writers.close()
        self.opened.close()

    def lock(self) -> None:
        """Takes the lock of each target, after the gates have seen what is there.

        Raises PlanFileError, LockHeld, ApplyError, TargetError.
        """
        for name in dict.fromkeys(change.address.target for change in self.changes):
            self._only(name)
            target = self.targets[name]
            instance = any(change.address.target == name and _of_instance(change) for change in self.changes)
            waiting = Waiting(self.lock_timeout, self.patience, self.interruption, partial(self.events.noted, name))
            while name not in self.held:
                with waiting.while_held(), self.sessions.lent(target) as session:
                    self._expect(name, session)
                    # While this session is idle: a pooler that gives the lock its process shares sessions.
                    idle = [session.pid] if session.system is System.POSTGRES else []
                    lock = locked(
                        target, self.sessions.secrets, self.now,
                        instance=instance, ours=self._ours, idle=idle, held=self.held.values(),
                    )  # fmt: skip
                    self.held[name] = self.opened.enter_context(lock)
                    if line := other_clock(target, session, self.facts):
                        self.events.noted(name, line)

    def _expect(self, name: str, session: Session) -> None:
        """Raises PlanFileError where the system that `session` leads to is not the one that the plan was made for,
        ApplyError where another than the target says has logged in."""
        from reconciler.targets.postgres.session import PostgresSession  # the driver, where there is a session to it

        logins = {name: session.login} if isinstance(session, PostgresSession) else {}
        enforce(Moment.CONNECTED, replace(self.facts, infos={name: session.info}, logins=logins))

    def _ours(self) -> list[int]:
        return [held.pid for held in self.held.values()]

    def _only(self, name: str) -> None:
        """From now on only the target `name` is read and written: a server has few sessions of ours at once."""
        others = [other for other in self.held if other != name]
        if others:
            self.writers.renew()
        for other in others:
            self.sessions.renew(self.targets[other])

    def _leave(self, target: PostgresTarget, connection: HeardConnection) -> None:
        from reconciler.applying.executing.step import PostgresExecutor

        self.writers.leave(target, PostgresExecutor(target, connection))

    def rehearse(self) -> Sequence[tuple[Change, str]]:
        """The changes that the server would refuse, with what it said. Raises TargetError."""
        refused: list[tuple[Change, str]] = []
        for name in self.held:
            self._only(name)
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
            self._only(target.name)
            if any(isinstance(step, RestartStep | PatroniStep) for change in stage for step in change.steps):
                self.writers.renew()  # open ones would only be in its way
            # What has a phase is about several tables or nodes: side by side, two of them could wait for each other.
            at_once, why = (1, "") if stage[0].phase else self._at_once(target, list(lanes.values()))
            if why:
                self.events.noted(target.name, f"{target.name}: {why}")
            slots = BuildSlots(at_once, len(lanes))
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                jobs = []
                for lane in lanes.values():
                    missing = next((each for each in unmade if may_lean_on(lane[0], each)), None)
                    jobs.append(pool.submit(self._lane, target, lane, missing, slots))
                for job in jobs:
                    job.result()
            unmade += [change for change in stage if self.ledger[change].result not in DONE]
            if not all(map(_is_seen_by_open_sessions, stage)):
                self.writers.renew()

    def _at_once(self, target: Target, lanes: Sequence[Sequence[Change]]) -> tuple[int, str]:
        """How many lanes of a stage, and partitions of a change, run side by side, and why that is less than asked;
        empty where it is not.

        Read before each stage that builds: an earlier one may have changed maintenance_work_mem.
        """
        wanted = min(self.parallel, sum(map(_most_at_once, lanes)))
        building = [lane for lane in lanes if any(builds(step) for change in lane for step in change.steps)]
        most = min(wanted, sum(map(_most_at_once, building)))
        if most < 2 or not isinstance(target, PostgresTarget):  # only PostgreSQL has indexes
            return wanted, ""
        try:
            bearable = self.sessions.ask(target, partial(bound, asked=most))
        except ReconcilerError:
            return wanted, ""  # the first change will meet it as well, and say so
        return (bearable.builds, bearable.why) if bearable.why else (wanted, "")

    def _lane(self, target: Target, changes: Sequence[Change], unmade: Change | None, slots: BuildSlots) -> None:
        deadline = Deadline(self.interruption, self.now)
        gates = LastGates(self.facts, self.now)
        with slots.lane(), closing(
            Runner(
                target, self.sessions,
                held=self.held[target.name], events=self.events, patience=self.patience,
                interruption=deadline,
                restarts=Restarts(self.targets, self.sessions.secrets, self._locks_again),
                expected=partial(self._expect, target.name),
                planned=self._planned,
                gates=gates,
                writers=self.writers, slots=slots, alone=self.alone,
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
                    refused = gates.refused(batch)
                    wanted = [change for change in batch if change.address not in refused]
                    deadline.set_to(gates.stops_at(wanted))
                    for change in wanted:
                        self.events.started(change)
                    made = dict(zip((change.address for change in wanted), runner.apply(wanted), strict=True))
                    receipts = [made.get(change.address) or self._receipt_of(change, refused) for change in batch]
                if deadline.has_come() and any(receipt.result is Applied.FAILED for receipt in receipts):
                    self.events.noted(target.name, f"{target.name}: the window closed, and what ran was cancelled")
                for receipt in receipts:
                    self.events.finished(receipt)
            self.writers.leave(target, runner.left())

    def _planned(self) -> Mapping[Address, Resource]:
        """What is declared of the changes that are made, or still to be."""
        expected = (change for change in self.changes if change.address not in self.refused)
        return {change.address: resource_of(change) for change in expected if not self.ledger.is_given_up(change)}

    def _receipt_of(self, change: Change, refused: Mapping[Address, Refusal]) -> ChangeReceipt:
        """The receipt of what a gate has refused."""
        refusal = refused[change.address]
        return receipt_of(change, refusal.result, self.sessions.secrets.redact(str(refusal)))

    def _locks_again(self) -> None:
        """A restart ends the locks of all databases of the server."""
        for held in self.held.values():
            held.again()


def _most_at_once(lane: Sequence[Change]) -> int:
    return max(map(most_at_once, lane))


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
