"""A plan of some resources of its targets: the same changes as in the plan of all, and what they cannot do without.

The targets are read and planned whole, since what is beside a resource decides what becomes of it. Of the changes those
are taken that were asked for, and each that one of them leans on: what an apply would not go on without, and what it
was judged beside. Of the rest nothing is said but how many changes it has.

Decided: docs/decisions.md#narrowed-plans
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.desired.narrowing import Narrowing, is_named
from reconciler.kind import LeansOnOthers
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Address,
    Change,
    CheckResult,
    Notice,
    NoticeType,
    Outcome,
    Partial,
    Plan,
    PulledIn,
    Resource,
    Verdict,
)
from reconciler.planning.order import groups, may_lean_on, precedes
from reconciler.planning.staleness import resource_of
from reconciler.verdicts import of_outcome

ALL = "*"
"""The name of what is said of all resources of a kind."""


class Narrowed(NamedTuple):
    """A plan of what was asked for, and by node what it has only in sum: how many resources of each kind are as
    declared, and how many changes are left out."""

    plan: Plan
    in_sync: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, int]


def narrowed(
    plan: Plan, only: Narrowing, declared: Sequence[Resource], read: Mapping[str, Sequence[Resource]]
) -> Narrowed | None:
    """`plan` of what `only` is about; None where that is all of its targets.

    `declared`: all that is declared, also of targets that the plan is not about; `read`: what was looked at of each
    node. Raises UsageError where a part of `only` is about nothing.
    """
    names = [*(info.node_of or name for name, info in plan.targets.items()), *plan.unseen]
    if all(map(only.is_whole, names)):
        return None

    def target(address: Address) -> str:
        info = plan.targets.get(address.target)
        return (info.node_of if info else "") or address.target

    def is_asked(address: Address) -> bool:
        return only.holds(address, target(address))

    def is_of_system(notice: Notice) -> bool:
        """Whether it is about all resources of a kind, of which some are asked for."""
        of_kind = (each._replace(name=ALL) for each in only.resources)
        return notice.address.name == ALL and any(
            is_named(each, notice.address, target(notice.address)) for each in of_kind
        )

    there = [*(each.address for each in declared), *(each.address for each in _outcomes(plan))]
    only.check_found([(address, target(address)) for address in there], plan.unseen)
    asked = {change.address for change in plan.changes if is_asked(change.address)}
    pulled_in = _pulled_in(plan, asked)
    changes = tuple(each for each in plan.changes if each.address in asked or each.address in pulled_in)
    in_sync = _in_sync(plan, only, read)
    of_all: Counter[str] = Counter()
    for counts in in_sync.values():
        of_all.update(counts)
    made = {each.address for each in changes}
    made_less = plan.model_copy(
        update={
            "changes": changes,
            "notices": tuple(each for each in plan.notices if is_asked(each.address) or is_of_system(each)),
            "checks": tuple(each for each in plan.checks if is_asked(each.address)),
            "in_sync": dict(sorted(of_all.items())),
            "partial": Partial(
                to=only.words,
                where=only.where.text if only.where else "",
                pulled_in=tuple(
                    PulledIn(address=each.address, needed_by=pulled_in[each.address])
                    for each in changes
                    if each.address in pulled_in
                ),
                left_out=len(plan.changes) - len(changes),
            ),
        }
    )
    left_out = Counter(each.address.target for each in plan.changes if each.address not in made)
    return Narrowed(made_less, in_sync, left_out)


def _pulled_in(plan: Plan, asked: set[Address]) -> dict[Address, Address]:
    """The other changes that those which are `asked` for lean on, each with the first that does."""
    group = groups(plan.targets)
    together: dict[str, list[Change]] = {}
    for change in plan.changes:
        together.setdefault(group[change.address.target], []).append(change)
    found: dict[Address, Address] = {}
    for changes in together.values():
        left = {each.address: each for each in changes if each.address not in asked}
        waiting = [each for each in changes if each.address in asked]
        while waiting and left:
            change = waiting.pop(0)
            for each in list(_leant_on(change, left)):
                del left[each.address]
                found[each.address] = change.address
                waiting.append(each)
    return found


def _leant_on(change: Change, others: Mapping[Address, Change]) -> Iterator[Change]:
    kind = BY_NAME[change.address.kind]
    beside = kind.leans_on(resource_of(change)) if isinstance(kind, LeansOnOthers) else ()
    judged_by = {each.address for each in beside}
    for address, other in others.items():
        if address in judged_by or (precedes(other, change) and may_lean_on(change, other)):
            yield other


def _in_sync(plan: Plan, only: Narrowing, read: Mapping[str, Sequence[Resource]]) -> dict[str, dict[str, int]]:
    """By node and kind, how many of the resources that are asked for are as declared."""
    found: dict[Address, bool] = {}
    for outcome in _outcomes(plan):
        said = isinstance(outcome, CheckResult) or of_outcome(outcome) is not Verdict.IN_SYNC
        said = said or (isinstance(outcome, Notice) and outcome.type is NoticeType.IGNORED)
        found[outcome.address] = found.get(outcome.address, False) or said
    counts: dict[str, Counter[str]] = {node: Counter() for node in read}
    for node, resources in read.items():
        counts[node].update(
            resource.address.kind
            for resource in resources
            if resource.stands_for_itself
            and only.holds(resource.address, plan.targets[node].node_of or node)
            and not found.get(resource.address, False)
        )
    return {node: dict(sorted(of_node.items())) for node, of_node in counts.items()}


def _outcomes(plan: Plan) -> list[Outcome]:
    return [*plan.changes, *plan.notices, *plan.checks]
