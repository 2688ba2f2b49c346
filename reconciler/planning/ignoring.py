"""Which differences are ignored by rules of the YAML, and what leans on them: the one place that decides it, for a
plan, for drift and for the apply of a plan that was made before a rule came.

Decided: docs/decisions.md#ignored-differences
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reconciler.desired.patterns import fits
from reconciler.kind import AnyKind, Discerns, LeansOnOthers, Sequences
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Action,
    Address,
    Change,
    Idleness,
    IdleRule,
    Ignored,
    IgnoreRule,
    Notice,
    NoticeType,
    Outcome,
    Plan,
    Resource,
    Verdict,
)
from reconciler.planning.order import may_lean_on, precedes
from reconciler.planning.staleness import judged, resource_of
from reconciler.targets.session import Session
from reconciler.verdicts import of_outcome

DIFFERENT = frozenset({Verdict.BLOCKED, Verdict.DIFFERS, Verdict.HALF_WAY, Verdict.WAITS})
"""What can be ignored: what is known to be otherwise. What is not visible may be anything."""


PLACES = frozenset({"source"})
"""Keys of before and after that say where a value comes from, which is no difference of its own."""


class Ignoring(NamedTuple):
    """The rules of the YAML, and the day for which is asked."""

    rules: Sequence[IgnoreRule] = ()
    today: date = date.min

    def of(self, target: str) -> Ignoring:
        """Those for a declared target that hold on this day."""
        if not self.rules:
            return self
        return Ignoring([each for each in self.in_force if fits(each.pattern.target, target)], self.today)

    @property
    def in_force(self) -> list[IgnoreRule]:
        """Those that hold on this day: until the end of their last one."""
        return [each for each in self.rules if self.today <= each.until]

    def ignored(self, outcome: Outcome, target: str) -> Ignored | None:
        """By what a difference on the declared `target` is ignored; None: it counts. Where rules name attributes, all
        that differ have to be named, by one rule or by several."""
        if not self.rules or not isinstance(outcome, Change | Notice) or of_outcome(outcome) not in DIFFERENT:
            return None
        found = [each for each in self.in_force if is_about(each, outcome.address, target)]
        whole = [each for each in found if not each.attribute]
        if not whole and found and isinstance(outcome, Change):
            differs = differing(outcome)
            if differs and differs <= {each.attribute for each in found}:
                whole = [each for each in found if each.attribute in differs]
        if not whole:
            return None
        return Ignored(rule=whole[0].declared_at, reason=whole[0].reason, until=min(each.until for each in whole))


NOTHING = Ignoring()


def differing(change: Change) -> set[str]:
    """The keys that are another before and after; none where all of it comes or goes. Where a value comes from is no
    difference of its own."""
    kind = BY_NAME[change.address.kind]
    if isinstance(kind, Discerns):
        return {*kind.differing(change)}
    if change.before is None or change.after is None:
        return set()
    before, after = change.before, change.after
    return {key for key in (before.keys() | after.keys()) - PLACES if before.get(key) != after.get(key)}


def without_ignored(
    kind: AnyKind, session: Session, found: Sequence[Sequence[Outcome]], ignoring: Ignoring
) -> list[Sequence[Outcome]]:
    """What was `found` of the resources of one kind and system, with a notice in place of each difference that is
    ignored, and of each change that leans on one. Raises TargetError."""
    target = session.target.node_of or session.target.name
    mine = ignoring.of(target)
    if not mine.rules:
        return list(found)
    gone: dict[Address, tuple[Outcome, Ignored]] = {}
    left: list[list[Outcome]] = []
    for outcomes in found:
        kept: list[Outcome] = []
        for outcome in outcomes:
            by = mine.ignored(outcome, target)
            if by is not None:
                gone[outcome.address] = (outcome, by)
            kept.append(outcome if by is None else _notice(outcome, by))
        left.append(kept)
    changes = {address: each for address, (each, _) in gone.items() if isinstance(each, Change)}
    if not changes:
        return list(left)
    leaning = _leaning(kind, session, changes)
    return [
        [
            _blocked(outcome, on, gone[on.address][1])
            if isinstance(outcome, Change) and (on := leaning(outcome)) is not None
            else outcome
            for outcome in outcomes
        ]
        for outcomes in left
    ]


def idle_rules(ignoring: Ignoring, plan: Plan, declared: Iterable[Resource]) -> tuple[IdleRule, ...]:
    """The rules for the targets of `plan` that ignore nothing; `declared` is all that is declared of them. Of a plan
    that was narrowed, those that have expired and are about what is in it."""
    return tuple(_idle(ignoring, plan, declared)) if ignoring.rules else ()


def _idle(ignoring: Ignoring, plan: Plan, declared: Iterable[Resource]) -> Iterator[IdleRule]:
    owner = {name: info.node_of or name for name, info in plan.targets.items()}
    targets = {*owner.values(), *plan.unseen}
    outcomes: list[Outcome] = [*plan.changes, *plan.notices]
    there = [(each.address, owner.get(each.address.target, each.address.target)) for each in outcomes]
    if not plan.partial:
        there += [(each.address, each.address.target) for each in declared]
    for rule in ignoring.rules:
        if not any(fits(rule.pattern.target, name) for name in targets):
            continue
        found = any(is_about(rule, address, target) for address, target in there)
        if rule.until < ignoring.today:
            if found or not plan.partial:
                yield IdleRule(rule=rule, idleness=Idleness.EXPIRED)
        elif not found and not plan.partial and not plan.unreachable:  # else nobody knows what there is
            yield IdleRule(rule=rule, idleness=Idleness.MATCHES_NOTHING)


def is_about(rule: IgnoreRule, address: Address, target: str) -> bool:
    """Whether a rule is for what stands at `address`, of the declared `target`."""
    pattern = rule.pattern
    return fits(pattern.target, target) and fits(pattern.kind, address.kind) and fits(pattern.name, address.name)


def _leaning(kind: AnyKind, session: Session, gone: Mapping[Address, Change]) -> Callable[[Change], Change | None]:
    """What tells of a change the first of those that are ignored that it leans on."""

    def leaning(change: Change) -> Change | None:
        if isinstance(kind, LeansOnOthers):
            resource = resource_of(change)
            beside = [each.address for each in kind.leans_on(resource) if each.address in gone]
            if beside:
                alone = kind.without(resource, beside)
                if alone is None or judged(session, alone) != judged(session, resource):
                    return gone[beside[0]]
        # What such a kind orders in a lane comes so for other reasons, and what leans is said by `leans_on`.
        if isinstance(kind, Sequences) or not change.lane:
            return None
        missing = (each for each in gone.values() if each.action is not Action.UPDATE)  # the others are there
        return next((each for each in missing if precedes(each, change) and may_lean_on(change, each)), None)

    return leaning


def _notice(outcome: Outcome, by: Ignored) -> Notice:
    """What is said in place of a difference that is ignored."""
    if isinstance(outcome, Notice):
        return outcome.model_copy(update={"type": NoticeType.IGNORED, "ignored": by})
    assert isinstance(outcome, Change)  # noqa: S101 - a check's result is never ignored
    says = outcome.deviation or outcome.summary or outcome.reason or f"a plan would {outcome.action} it"
    return Notice(
        address=outcome.address, type=NoticeType.IGNORED, message=says, provenance=outcome.provenance,
        declared_at=outcome.declared_at, ignored=by,
    )  # fmt: skip


def _blocked(change: Change, on: Change, by: Ignored) -> Notice:
    return Notice(
        address=change.address, type=NoticeType.BLOCKED, declared_at=change.declared_at,
        message=f"it leans on {on.address}, whose difference is ignored until {by.until} ({by.rule}): {by.reason}",
    )  # fmt: skip
