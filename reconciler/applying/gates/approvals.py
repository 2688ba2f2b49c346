"""As many people as are needed have approved this very plan, with each of its hazards, and their approvals still count.

Decided: docs/decisions.md#whose-approvals-count, docs/decisions.md#who-has-the-last-word
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import ApprovalError
from reconciler.model import HazardType, VerifiedApproval
from reconciler.planning.policies import Counted, Needed, counted, moment, needed_approvals
from reconciler.reports.characters import visible
from reconciler.reports.hazards import allowing

SHOWN = 20
"""Approvals that are told one by one: a screenful."""


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan that fewer have approved than have to, or that is not to be applied in another way."""
    options = facts.options
    needed = needed_approvals(facts.plan, facts.changes, facts.targets, options.policy, options.require_approvals)
    if not needed.most:
        return
    says = f"{needed.whose} asks for {_approvals(needed.most)}"
    if not options.saved:
        yield Refusal(
            f"{says}, and only a saved plan can be approved",
            "reconciler plan --out FILE, have it approved by reconciler approve FILE, and apply FILE",
            ApprovalError,
        )
    elif options.allowed:
        yield Refusal(
            f"{says}, and a hazard is then allowed by those who approve: {allowing(options.allowed)} has no place here",
            f"leave it away, and approve with it: reconciler approve PLAN --key FILE {allowing(options.allowed)}",
            ApprovalError,
        )
    elif facts.approvals is None:
        yield Refusal(
            f"{says}, and nobody has said whose count",
            "name the file of those who may approve: --allowed-signers FILE",
            ApprovalError,
        )
    else:
        found = counted(facts.plan, facts.approvals, options.not_by, facts.now)
        missing = _missing(needed, found)
        if missing:
            lines = [*missing, *_told(found)]
            flags = f" {allowing(needed.allowing)}" if needed.allowing else ""
            yield Refusal(
                "this plan is not approved; nothing was run\n" + "\n".join(f"  {line}" for line in lines),
                f"whoever is in {visible(facts.approvals.signers)} approves it by: reconciler approve PLAN --key "
                f"FILE{flags}",
                ApprovalError,
            )


def _missing(needed: Needed, found: Counted) -> list[str]:
    """What is not approved by as many as have to."""
    has = len(found.approvals)
    lines = [f"{needed.whose} asks for {_approvals(needed.required)}, and {has} count"] if has < needed.required else []
    for hazard, wanted in sorted(needed.by_hazard.items()):
        allow = found.allowing(hazard)
        if allow < wanted:
            what = f"{_approvals(wanted)} that allow it" if hazard in needed.allowing else _approvals(wanted)
            lines.append(f"{HazardType(hazard)} needs {what}, and {allow} count")
    return lines


def _told(found: Counted) -> list[str]:
    lines = [f"counts: {_approver(each)}" for each in found.approvals]
    lines += [f"does not count: {visible(each.source)} {visible(each.why)}" for each in found.rejected]
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more] or ["there is no approval beside it"]


def _approver(found: VerifiedApproval) -> str:
    allow = ", ".join(found.approval.allow)
    return (
        f"{found.approver.principal} ({found.approver.key}), until {moment(found.approval.expires)}"
        f"{f', allowing {allow}' if allow else ''}"
    )


def _approvals(count: int) -> str:
    return f"{count} approval{'' if count == 1 else 's'}"
