"""A whole plan: groups of targets side by side, lanes side by side within the bound, everything else one after another.

A group is one target, or all that have to be taken in order: the nodes of a cluster, the databases of one server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from reconciler.applying.event_logging import logging
from reconciler.applying.events import Events, Subscriber
from reconciler.applying.executing.retry import PATIENCE, Patience
from reconciler.applying.gates.gate import Facts, Options
from reconciler.applying.gates.nodes import targets_of
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.applying.interruption import Interruption
from reconciler.applying.ledger import Ledger, Record, no_record
from reconciler.applying.target_group import TargetGroup
from reconciler.model import (
    Change,
    FoundApprovals,
    IgnoreRule,
    Plan,
    Receipt,
    Resource,
    Target,
)
from reconciler.planning.needed_secrets import needed
from reconciler.planning.order import groups
from reconciler.planning.plan_after_apply import plan_again
from reconciler.planning.policies import counted
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes_of_all
from reconciler.targets.open_sessions import OpenSessions, open_sessions
from reconciler.targets.thread_pool import MOST_TARGETS_AT_ONCE, Pool

NO_WAIT = timedelta()

READERS = 1
"""Sessions that read a target at once: lanes look for milliseconds and run for minutes, so that they share one."""


def reading_sessions(secrets: Secrets) -> AbstractContextManager[OpenSessions]:
    """Those that an apply reads in, until the body ends."""
    return open_sessions(secrets, READERS)


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
    ignore: Sequence[IgnoreRule] = (),
    at_once: int = MOST_TARGETS_AT_ONCE,
    lock_timeout: timedelta = NO_WAIT,
    approvals: FoundApprovals | None = None,
    left: OpenSessions | None = None,
    commit: str = "",
) -> Receipt:
    """Runs `plan` and nothing else, where no gate refuses it (`gates`; `options` is what they are told).

    `at_once` bounds the targets that are connected to, locked, rehearsed on and changed at once, those of one server
    counting as one; `parallel` the changes that run at once on one server, whose memory and connections may bound them
    further. A lock that another apply holds is waited for as long as `lock_timeout`. Without `rehearsal`, what the
    server refuses is found out step by step. `declared` is what the YAML says by now, None where it is not at hand, and
    `ignore` which differences it ignores; `approvals` what lies beside a saved plan, None where nobody says whose
    count; `left` the `reading_sessions` in which `plan` was made just now, which whoever has them ends; `commit` the
    one that the YAML is of, for the receipt.

    A change that fails or is stale stops no other of its kind: each was reviewed on its own. What comes in a later
    stage of the same lane may lean on it, and does not run. `record` gets the receipt as it is after each change, so
    that it can be saved before the next one. `subscribers` hear what happens, as `model.event` says.

    Raises, before anything ran, HazardNotAllowed, PlanFileError (another system, unknown target or kind), ApplyError (a
    secret that cannot be had), LockHeld, RehearsalFailed, TargetError, and ReconcilerError where several targets fail.
    Once something ran, it returns: what went wrong is in the receipt.
    """
    facts = Facts(
        plan=plan, options=options, now=now(), targets=targets, resources=declared, ignore=ignore, approvals=approvals
    )
    facts = enforce(Moment.DECLARED, facts)
    approved = counted(plan, approvals, options.not_by, facts.now) if approvals else None
    ledger = Ledger(
        plan, now, record,
        approved_by=[each.approver for each in approved.approvals] if approved else (),
        outside_window=secrets.redact(options.outside_window), commit=commit,
    )  # fmt: skip
    events = Events([ledger, logging(), *subscribers], now, secrets)
    wanted: dict[str, list[Change]] = {}
    group = groups(plan.targets)
    for change in plan.changes:
        wanted.setdefault(group[change.address.target], []).append(change)
    with nullcontext(left) if left else reading_sessions(secrets) as sessions, ExitStack() as locks:
        nodes = nodes_of_all({name: targets[name] for name in targets_of(plan)}, sessions)
        unresolved = secrets.unresolved(secret for change in plan.changes for secret in needed(change))
        facts = enforce(Moment.FOUND, replace(facts, nodes=nodes, unresolved=unresolved))
        events.planned(plan)
        for rejected in approved.rejected if approved else ():
            events.noted("", f"{rejected.source} {rejected.why}: it does not count")
        alike = (sessions, parallel, events, interruption, ledger, patience, facts, now, lock_timeout.total_seconds())
        found = [TargetGroup(nodes, changes, *alike) for changes in wanted.values()]
        targets_in_order = _connected(found, locks, at_once=at_once, rehearsal=rehearsal)
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            jobs = [pool.submit(each.run) for each in targets_in_order]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                interruption.set()  # else the pool would wait for builds that nobody waits for any more
                raise
        after = None if interruption else plan_again(ledger.done(), nodes, sessions)
    if after is None and (done := ledger.done()):
        events.noted(done[-1].address.target, "interrupted: nobody has looked at what came of the changes")
    receipt = ledger.receipt(after)
    events.done(receipt)
    return receipt


def _connected(
    found: Sequence[TargetGroup], locks: ExitStack, *, at_once: int, rehearsal: bool
) -> Sequence[TargetGroup]:
    """`found`, each connected to, locked until the end of `locks`, and rehearsed on, in a job of its own.

    Nothing runs before all of that is done. Raises the error of the first of them that has one.
    """

    def connected(number: int) -> tuple[int, Sequence[tuple[Change, str]] | Exception]:
        group = found[number]
        locks.callback(group.close)
        try:
            group.lock()
            return number, group.rehearse() if rehearsal else ()
        except Exception as error:  # whatever it is, it is raised below, in the order of the groups
            return number, error

    with Pool[tuple[int, Sequence[tuple[Change, str]] | Exception]](at_once) as pool:
        for number, group in enumerate(found):
            pool.add(partial(connected, number), group.servers())
        came = dict(pool.answers())
    untenable: list[tuple[Change, str]] = []
    for number in range(len(found)):
        of_group = came[number]
        if isinstance(of_group, Exception):
            raise of_group
        untenable += of_group
    if untenable:
        from reconciler.applying.rehearsal import check_refused

        check_refused(untenable)
    return found
