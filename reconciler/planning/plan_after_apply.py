"""What a plan made after an apply says of what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from reconciler.errors import ConnectionFailed, ReconcilerError
from reconciler.kind import AnyKind
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Change, Notice, Observed, Resource, Target, Unlooked, Verdict
from reconciler.planning.staleness import resource_of
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.servers_in_urls import places
from reconciler.verdicts import of_outcome


class After(NamedTuple):
    """What a plan made afterwards says: what it still wants to change, what waits for a restart, what runs and is not
    persisted, and what it could not look at."""

    remaining: Sequence[Address]
    waiting: Sequence[Address]
    half_way: Sequence[Address]
    unlooked: Sequence[Unlooked]


def _observed(kind: AnyKind, resources: Sequence[Resource], session: Any) -> Mapping[Address, Observed]:
    found: Mapping[Address, Observed] = kind.observe(session, resources)
    return found


def plan_again(done: Iterable[Change], targets: Mapping[str, Target], sessions: OpenSessions) -> After:
    """What a new plan of the same resources still wants to change, though its change was said to be made; and what
    waits for a restart, or runs without being persisted. What cannot be seen is said not to be.
    """
    remaining: list[Address] = []
    waiting: list[Address] = []
    half_way: list[Address] = []
    unlooked: list[Unlooked] = []
    silent: dict[str, str] = {}
    open_on: dict[str, set[str]] = {}
    for other, target in targets.items():
        for place in places(target):
            open_on.setdefault(place, set()).add(other)
    for (name, kind_name), changes in groupby(done, key=lambda change: change.address[:2]):
        kind = BY_NAME[kind_name]
        resources = [resource_of(change) for change in changes]
        why = silent.get(name, "")
        for place in places(targets[name]):  # a server has few sessions of ours at once
            for other in open_on[place] - {name}:
                sessions.renew(targets[other])
            open_on[place] = {name}
        if not why:
            try:
                observed = sessions.ask(targets[name], partial(_observed, kind, resources))
            except ReconcilerError as error:
                why = sessions.secrets.redact(str(error))
                if isinstance(error, ConnectionFailed) and error.silent:
                    silent[name] = why  # to wait for it once is enough
        if why:
            unlooked += [Unlooked(address=resource.address, why=why) for resource in resources]
            continue
        for resource in resources:
            outcomes = kind.plan(resource, observed.get(resource.address))
            remaining += [outcome.address for outcome in outcomes if isinstance(outcome, Change)]
            notices = [each for each in outcomes if isinstance(each, Notice)]
            waiting += [each.address for each in notices if of_outcome(each) is Verdict.WAITS]
            half_way += [each.address for each in notices if of_outcome(each) is Verdict.HALF_WAY]
    return After(remaining, waiting, half_way, unlooked)
