"""What has to be true of a plan before any of it runs.

Decided: docs/decisions.md#forbidden-changes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reconciler.documents.plan import NEW_PLAN
from reconciler.errors import HazardNotAllowed, PlanFileError, RehearsalFailed
from reconciler.model import NEEDS_PERMISSION, Change, Hazard, HazardType, Plan, Target, TargetInfo
from reconciler.planning.order import group_of, in_order
from reconciler.planning.staleness import resource_of


def declared_names(plan: Plan) -> list[str]:
    """The targets that a plan's changes are for, as they are declared: of a node, the target that it is one of."""
    names = (plan.targets[change.address.target].node_of or change.address.target for change in plan.changes)
    return list(dict.fromkeys(names))


def check_declared(plan: Plan, targets: Mapping[str, Target]) -> None:
    """Raises PlanFileError where a change is of a target or a kind that is not known here, is made from the declaration
    of something else, is not the only one of its address, or stands out of its order."""
    for change in plan.changes:
        name = change.address.target
        info = plan.targets.get(name)
        if info is None or (info.node_of or name) not in targets:
            raise PlanFileError(
                f"the plan is for the target {(info and info.node_of) or name}, which is not declared here",
                hint=f"declared are: {', '.join(sorted(targets)) or 'none'}",
            )
        resource_of(change)
    twice = [address for address, times in Counter(change.address for change in plan.changes).items() if times > 1]
    if twice:
        raise PlanFileError(f"the plan has two changes of {twice[0]}", hint=NEW_PLAN)
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(group_of(change.address.target, plan.targets), []).append(change)
    if not all(map(in_order, groups.values())):
        raise PlanFileError("the changes of the plan are not in the order in which they are made", hint=NEW_PLAN)


def check_digest(plan: Plan, digest: str) -> None:
    """Raises PlanFileError where `plan` is not the one with this digest."""
    if plan.digest != digest:
        raise PlanFileError(
            f"this is another plan than the one that --digest names: its digest is {plan.digest}, and not {digest}",
            hint="apply the plan that was reviewed, or review this one: reconciler show FILE",
        )


def check_known(plan: Plan, nodes: Mapping[str, Target]) -> None:
    """Raises PlanFileError where a cluster has other nodes by now than when the plan was made."""
    for declared in declared_names(plan):
        planned = {name for name, info in plan.targets.items() if declared in (name, info.node_of)}
        found = {name for name, node in nodes.items() if declared in (name, node.node_of)}
        if planned != found:
            said = [
                *(f"{name} is gone" for name in sorted(planned - found)),
                *(f"{name} was not there" for name in sorted(found - planned)),
            ]
            raise PlanFileError(
                f"{declared} has other nodes than when the plan was made: {', '.join(said)}", hint="make a new plan"
            )


def check_hazards(changes: Iterable[Change], allowed: Collection[HazardType]) -> None:
    """Raises HazardNotAllowed where a step carries a hazard that needs permission and has not got it."""
    missing = [
        (change, hazard)
        for change in changes
        for hazard in hazards(change)
        if hazard.type in NEEDS_PERMISSION and hazard.type not in allowed
    ]
    if missing:
        lines = [f"  {change.address}: {hazard.type}: {hazard.message}" for change, hazard in missing]
        flags = " ".join(f"--allow {name}" for name in sorted({hazard.type.value for _, hazard in missing}))
        raise HazardNotAllowed(
            "this plan has hazards that nobody has allowed; nothing was run\n" + "\n".join(lines),
            hint=f"if they are wanted: reconciler apply … {flags}",
        )


def hazards(change: Change) -> Iterator[Hazard]:
    """All hazards of a change's steps."""
    for step in change.steps:
        yield from step.hazards


def check_refused(refused: Sequence[tuple[Change, str]]) -> None:
    """Raises RehearsalFailed where the server would refuse changes; each comes with what it said."""
    if refused:
        lines = [f"  {change.address}: {why}" for change, why in refused]
        raise RehearsalFailed(
            f"the server would refuse {len(lines)} of the changes, tried on empty copies; nothing was run\n"
            + "\n".join(lines),
            hint="correct what is declared, and plan again; reconciler plan --rehearse tries it then. Where only the "
            "copy is at fault, apply --no-rehearsal goes without",
        )


def check_identity(name: str, planned: TargetInfo, found: TargetInfo, node_of: str) -> None:
    """Raises PlanFileError where the plan was made for another system than the one behind this URL, or for one that is
    no node of the same target."""
    if (planned.system, planned.identity, planned.node_of) != (found.system, found.identity, node_of):
        raise PlanFileError(
            f"the plan was made for another {name}: {_where(planned)}, and its URL now leads to {_where(found)}",
            hint="check the URL, or make a new plan for this system",
        )
    if planned.role != found.role:
        raise PlanFileError(
            f"{name} was a {planned.role} when the plan was made, and is a {found.role} now: its order no longer holds",
            hint="make a new plan",
        )
    if planned.as_role != found.as_role:
        before, now = (f"as role {each}" if each else "without `role`" for each in (planned.as_role, found.as_role))
        raise PlanFileError(f"{name} was planned {before}, and is declared {now}", hint="make a new plan")


def _where(info: TargetInfo) -> str:
    database = f" database {info.database}" if info.database else ""
    return f"{info.product} {info.version} at {info.location}{database} ({info.identity})"
