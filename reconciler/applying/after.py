"""What a plan made after an apply says of what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from typing import NamedTuple

from reconciler.errors import ConnectionFailed, ReconcilerError
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Change, Notice, NoticeType, Target
from reconciler.planning.again import resource_of
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


class After(NamedTuple):
    """What a plan made afterwards says: what it still wants to change, and what waits for a restart."""

    remaining: Sequence[Address]
    waiting: Sequence[Address]


def plan_again(done: Iterable[Change], targets: Mapping[str, Target], secrets: Secrets) -> After:
    """What a new plan of the same resources still wants to change, though its change was said to be made; and what
    waits for a restart.

    Where it cannot be seen, nothing is said to be done.
    """
    remaining: list[Address] = []
    waiting: list[Address] = []
    silent: set[str] = set()
    for (name, kind_name), changes in groupby(done, key=lambda change: change.address[:2]):
        kind = BY_NAME[kind_name]
        resources = [resource_of(change) for change in changes]
        if name in silent:
            remaining += [resource.address for resource in resources]
            continue
        try:
            with closing(connect(targets[name], secrets)) as session:
                observed = kind.observe(session, resources)
        except ReconcilerError as error:
            if isinstance(error, ConnectionFailed) and error.silent:
                silent.add(name)  # to wait for it once is enough
            remaining += [resource.address for resource in resources]
            continue
        for resource in resources:
            outcomes = kind.plan(resource, observed.get(resource.address))
            remaining += [outcome.address for outcome in outcomes if isinstance(outcome, Change)]
            waits = (each for each in outcomes if isinstance(each, Notice))
            waiting += [each.address for each in waits if each.type is NoticeType.WAITS_FOR_RESTART]
    return After(remaining, waiting)
