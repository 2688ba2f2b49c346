"""One plan of many targets → a plan for each, and their index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from reconciler.desired.patterns import fits
from reconciler.documents import fleet as fleet_file
from reconciler.documents import plan as plan_file
from reconciler.documents.digest import digest
from reconciler.model import (
    ChangeGroup,
    Fleet,
    IdleRule,
    IgnoreRule,
    Outcome,
    Partial,
    Plan,
    Resource,
    Rollout,
    Shard,
    Target,
    TargetPlan,
)
from reconciler.planning.groups import Group, groups_of
from reconciler.planning.make import Planned
from reconciler.reports.hazards import hazards_of
from reconciler.verdicts import of_plan


def plans_of(planned: Planned) -> dict[str, Plan]:
    """A plan for each target that was read, as it is declared: with all of its nodes, and nothing of others."""
    whole = planned.plan
    owner = _owner(whole)
    nodes: dict[str, list[str]] = {}
    for name in dict.fromkeys([*whole.targets, *_told_of(whole)]):
        if owner(name) not in whole.unseen:
            nodes.setdefault(owner(name), []).append(name)
    return {target: _plan_of({*names}, planned) for target, names in sorted(nodes.items())}


def index(
    whole: Plan, plans: Mapping[str, Plan], declared: str, shard: Shard | None = None, rollout: Rollout | None = None
) -> Fleet:
    """The index of `plans`, which `whole` was split into; `declared` and `rollout` as in Fleet."""
    owner = _owner(whole)
    groups = [
        described(group, {owner(change.address.target) for change in group.changes})
        for group in groups_of(whole.changes)
    ]
    return fleet_file.seal(
        Fleet(
            reconciler_version=whole.reconciler_version,
            created_at=whole.created_at,
            declared=declared,
            shard=shard,
            allow_blocked=whole.allow_blocked,
            targets={name: _entry(plan) for name, plan in plans.items()},
            groups=tuple(sorted(groups, key=lambda group: group.digest)),
            unreachable=whole.unreachable,
            partial=whole.partial,
            rollout=rollout,
            verdict=of_plan(whole),
        )
    )


def described(group: Group, targets: Iterable[str]) -> ChangeGroup:
    """What the index says of a group, whose changes are made on the declared `targets`."""
    return ChangeGroup(
        digest=group.digest,
        action=group.changes[0].action,
        kind=group.changes[0].address.kind,
        name=group.changes[0].address.name,
        hazards=tuple(sorted({hazard.type for hazard in hazards_of(group.changes)})),
        targets=tuple(sorted(targets)),
    )


def declared_digest(
    targets: Mapping[str, Target], resources: Iterable[Resource], ignore: Iterable[IgnoreRule] = ()
) -> str:
    """SHA-256 of all that is declared, but for URLs, which may lead to the same system by another way, and for places
    and reasons. Secrets are in none of it."""
    said: dict[str, object] = {
        "targets": {name: each.model_dump(mode="json", exclude={"declared_at"}) for name, each in targets.items()},
        "resources": {str(each.address): each.declaration() for each in resources},
    }
    if rules := [each.model_dump(mode="json", exclude={"declared_at", "reason"}) for each in ignore]:
        said["ignore"] = rules
    return digest(said)


def owned_by(plan: Plan) -> set[str]:
    """The declared targets that a plan is about."""
    owner = _owner(plan)
    return {owner(name) for name in (*plan.targets, *_told_of(plan))} | {*plan.unseen}


def _told_of(plan: Plan) -> list[str]:
    """The systems that it says something of: also of an application without a URL, which it has not read."""
    outcomes: list[Outcome] = [*plan.changes, *plan.notices, *plan.checks]
    return [each.address.target for each in outcomes]


def _owner(plan: Plan) -> Callable[[str], str]:
    """By the name of a node, the target that it is one of."""
    declared = {name: info.node_of or name for name, info in plan.targets.items()}
    return lambda name: declared.get(name, name)


def _plan_of(names: set[str], planned: Planned) -> Plan:
    whole = planned.plan
    owner = _owner(whole)
    in_sync: Counter[str] = Counter()
    for name in names:
        in_sync.update(planned.in_sync.get(name, {}))
    return plan_file.seal(
        whole.model_copy(
            update={
                "targets": {name: info for name, info in whole.targets.items() if name in names},
                "changes": tuple(each for each in whole.changes if each.address.target in names),
                "notices": tuple(each for each in whole.notices if each.address.target in names),
                "checks": tuple(each for each in whole.checks if each.address.target in names),
                "in_sync": dict(sorted(in_sync.items())),
                "unreachable": (),
                "idle_rules": tuple(each for each in whole.idle_rules if _concerns(each, names, owner)),
                "partial": whole.partial and _partial_of(names, whole.partial, planned.left_out),
                "digest": "",
            }
        )
    )


def _concerns(idle: IdleRule, names: Iterable[str], owner: Callable[[str], str]) -> bool:
    """Whether an ignore rule is for one of these targets."""
    return any(fits(idle.rule.pattern.target, owner(name)) for name in names)


def _partial_of(names: set[str], whole: Partial, left_out: Mapping[str, int]) -> Partial:
    return whole.model_copy(
        update={
            "pulled_in": tuple(each for each in whole.pulled_in if each.address.target in names),
            "left_out": sum(left_out.get(name, 0) for name in names),
        }
    )


def _entry(plan: Plan) -> TargetPlan:
    groups = sorted(group.digest for group in groups_of(plan.changes))
    return TargetPlan(digest=plan.digest, verdict=of_plan(plan), groups=tuple(groups))
