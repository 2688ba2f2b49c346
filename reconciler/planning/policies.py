"""Which policies hold for a change, and what they come to together: the runner's, then the target's, then approvals,
then `--allow`. What any of them denies, none of the others allows.

Decided: docs/decisions.md#who-has-the-last-word
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from reconciler.documents.approval import targets_of
from reconciler.model import (
    NEEDS_PERMISSION,
    NO_BOUNDS,
    NO_POLICY,
    Change,
    FoundApprovals,
    HazardType,
    Plan,
    Policy,
    RejectedApproval,
    Target,
    VerifiedApproval,
)


class Holding(NamedTuple):
    """A policy that holds, and whose it is, in words."""

    whose: str
    policy: Policy


class Needed(NamedTuple):
    """How many have to approve a plan: in any case, and with which of its hazards; `whose` policy says most.

    `allowing`: the hazards that have to be allowed by those who approve.
    """

    required: int
    by_hazard: Mapping[HazardType, int]
    allowing: tuple[HazardType, ...]
    whose: str

    @property
    def most(self) -> int:
        """How many at most; 0: nobody has to."""
        return max([self.required, *self.by_hazard.values()])


class Counted(NamedTuple):
    """The approvals of a plan that count at a moment, one for each person, by name, and those that do not."""

    approvals: tuple[VerifiedApproval, ...]
    rejected: tuple[RejectedApproval, ...]

    def suffice(self, needed: Needed) -> bool:
        """Whether these are as many as are needed, with each of the hazards."""
        enough = len(self.approvals) >= needed.required
        return enough and all(self.allowing(hazard) >= wanted for hazard, wanted in needed.by_hazard.items())

    def allowing(self, hazard: HazardType) -> int:
        """How many of them allow `hazard`, or approve of it where nobody has to."""
        if hazard not in NEEDS_PERMISSION:
            return len(self.approvals)
        return sum(hazard in each.approval.allow for each in self.approvals)


def target_name(change: Change, plan: Plan) -> str:
    """The target of a change as it is declared; of a node, the target that it is one of."""
    info = plan.targets.get(change.address.target)
    return (info and info.node_of) or change.address.target


def holding(name: str, targets: Mapping[str, Target], runner: Policy) -> list[Holding]:
    """The policies for the target `name`, the runner's first."""
    found = [Holding(f"the policy of whoever runs this ({runner.declared_at})", runner)]
    if name in targets:
        policy = targets[name].policy
        found.append(Holding(f"the policy of {name} ({policy.declared_at})", policy))
    return [each for each in found if each.policy != NO_POLICY]


def hazard_types(change: Change) -> set[HazardType]:
    """The hazards of all steps of a change."""
    return {hazard.type for step in change.steps for hazard in step.hazards}


def burdens(change: Change) -> bool:
    """Whether a change builds or restarts something, which bounds of policies are about."""
    return not hazard_types(change).isdisjoint({HazardType.INDEX_BUILD, HazardType.RESTART})


def bounded(change: Change, plan: Plan, targets: Mapping[str, Target], runner: Policy) -> bool:
    """Whether how the server stands decides whether a change may begin."""
    found = holding(target_name(change, plan), targets, runner)
    return burdens(change) and any(each.policy.bounds != NO_BOUNDS for each in found)


def needed_approvals(
    plan: Plan, changes: Sequence[Change], targets: Mapping[str, Target], runner: Policy, asked: int
) -> Needed:
    """How many have to approve these changes of `plan`; `asked` is what whoever applies asks for."""
    required, whose = (asked, "--require-approvals") if changes else (0, "")
    by_hazard: dict[HazardType, int] = {}
    for change in changes:
        types = hazard_types(change)
        for each in holding(target_name(change, plan), targets, runner):
            wanted = each.policy.approvals
            if wanted.required > max([required, *by_hazard.values()]):
                whose = each.whose
            required = max(required, wanted.required)
            for hazard in types & wanted.by_hazard.keys():
                if wanted.by_hazard[hazard] > max([required, *by_hazard.values()]):
                    whose = each.whose
                by_hazard[hazard] = max(by_hazard.get(hazard, 0), wanted.by_hazard[hazard])
    allowing: set[HazardType] = set()
    if required or by_hazard:
        allowing = {type for change in changes for type in hazard_types(change)} & NEEDS_PERMISSION
        by_hazard |= {hazard: max(required, by_hazard.get(hazard, 1)) for hazard in allowing}
    return Needed(required, by_hazard, tuple(sorted(allowing)), whose)


def counted(plan: Plan, found: FoundApprovals, not_by: Collection[str], now: datetime) -> Counted:
    """The approvals among those `found` that count for `plan` at this moment.

    Of several by one person the one counts that allows most; each key is one person's, since no file of signers lists
    it twice.
    """
    excluded = {name.casefold() for name in not_by}
    rejected = list(found.rejected)
    by_person: dict[str, VerifiedApproval] = {}
    for each in found.verified:
        person = each.approver.principal.casefold()
        why = _against(plan, each, now)
        if not why and person in excluded:
            why = f"is by {each.approver.principal}, whom --not-by excludes"
        if why:
            rejected.append(RejectedApproval(each.source, why))
            continue
        other = by_person.get(person)
        if other is None or len(each.approval.allow) > len(other.approval.allow):
            by_person[person] = each
        if other is not None:
            rejected.append(RejectedApproval(each.source, f"is one more by {each.approver.principal}"))
    return Counted(tuple(by_person[person] for person in sorted(by_person)), tuple(rejected))


def _against(plan: Plan, found: VerifiedApproval, now: datetime) -> str:
    """Why an approval does not count; empty where it does."""
    approval, who = found.approval, found.approver.principal
    if approval.plan != plan.digest:
        return f"approves another plan: sha256:{approval.plan}, and this one is sha256:{plan.digest}"
    if approval.targets != targets_of(plan):
        return "names other targets than the plan has"
    if now >= approval.expires:
        return f"by {who} has expired: it was valid until {moment(approval.expires)}, and it is {moment(now)} now"
    if found.since is not None and now < found.since:
        return f"is by a key of {who} that counts from {moment(found.since)} on, and it is {moment(now)} now"
    if found.before is not None and now >= found.before:
        return f"is by a key of {who} that counted until {moment(found.before)}, and it is {moment(now)} now"
    return ""


def end_of(approvals: Iterable[VerifiedApproval]) -> datetime | None:
    """Until when all of them count."""
    ends = [each.approval.expires for each in approvals]
    ends += [each.before for each in approvals if each.before is not None]
    return min(ends, default=None)


def moment(at: datetime) -> str:
    """A moment for people, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
