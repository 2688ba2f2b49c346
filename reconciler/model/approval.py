"""An approval of a plan: what somebody signs, and what is known once the signature was verified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from reconciler.model.base import Frozen
from reconciler.model.hazard import HazardType


class Approval(Frozen):
    """What is signed.

    plan     the digest of the plan file, and so everything in it.
    targets  by name, the system and the identity of each target of the plan, for whoever reads what he signs; has to
             agree with the plan.
    allow    the hazards that are allowed with it.
    expires  until when it counts, in whole seconds of UTC.
    comment  one line of whoever signs.
    """

    plan: str
    targets: Mapping[str, str]
    allow: tuple[HazardType, ...] = ()
    expires: datetime
    comment: str = ""


class Approver(Frozen):
    """Who has approved: the principal of the file of signers, and the fingerprint of the key."""

    principal: str
    key: str


class VerifiedApproval(NamedTuple):
    """An approval whose signature is that of `approver`; whether it is one of this plan, and still counts, is not said.

    `source` is its file. The key counts from `since` until `before`; None: for ever.
    """

    approval: Approval
    approver: Approver
    source: str
    since: datetime | None = None
    before: datetime | None = None


class RejectedApproval(NamedTuple):
    """What lies among the approvals and does not count, and why, in words that fit behind `source`."""

    source: str
    why: str


class FoundApprovals(NamedTuple):
    """What lies beside a plan. `principals`: all whose approvals would count, as the file of `signers` names them."""

    verified: tuple[VerifiedApproval, ...] = ()
    rejected: tuple[RejectedApproval, ...] = ()
    principals: tuple[str, ...] = ()
    signers: str = ""
