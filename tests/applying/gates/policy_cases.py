"""Policies for the cases of gates: what is denied, who has to approve, and when windows are open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.model import (
    Approval,
    ApprovalsNeeded,
    Approver,
    FoundApprovals,
    HazardType,
    Policy,
    RejectedApproval,
    TargetInfo,
    VerifiedApproval,
    Window,
    WindowRule,
)

EXPIRES = datetime(2026, 3, 8, tzinfo=UTC)


def policy(whose: str = "x.yaml:1:1", **said) -> Policy:
    return Policy(declared_at=whose, **said)


def window(cron: str, hours: float, rule: str = "allow", **said) -> Window:
    return Window(rule=WindowRule(rule), cron=cron, lasts=timedelta(hours=hours), **{"zone": "UTC"} | said)


def approvals(required: int, **by_hazard: int) -> ApprovalsNeeded:
    named = {HazardType(name.replace("_", "-")): count for name, count in by_hazard.items()}
    return ApprovalsNeeded(required=required, by_hazard=named)


def approved(
    plan: str, infos: dict[str, TargetInfo], *people: str, allow: tuple[HazardType, ...] = (), **other
) -> tuple[VerifiedApproval, ...]:
    """Approvals of the plan of this digest by these people, each by a key of his."""
    targets = {name: f"{info.system.value}:{info.identity}" for name, info in infos.items()}
    said = {"plan": plan, "targets": targets, "allow": allow, "expires": EXPIRES} | other
    return tuple(
        VerifiedApproval(Approval(**said), Approver(principal=name, key=f"SHA256:{name}"), f"a/{name}")
        for name in people
    )


def beside(*verified: VerifiedApproval, rejected: tuple[RejectedApproval, ...] = ()) -> FoundApprovals:
    """What lies beside a plan, verified."""
    names = tuple(dict.fromkeys(each.approver.principal for each in verified))
    return FoundApprovals(verified, rejected, names, "signers")
