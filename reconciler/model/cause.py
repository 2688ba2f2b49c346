"""What a difference comes from, as far as receipts tell."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reconciler.model.address import Address
from reconciler.model.base import Frozen


class CauseType(StrEnum):
    """How what is there, what is declared and what was made last stand to each other."""

    CHANGED_OUTSIDE = "changed-outside"
    """It is no longer as an apply has made it: somebody else has changed it since."""
    NOT_APPLIED = "not-applied"
    """It is as an apply has made it, and something else is declared by now."""
    UNKNOWN = "unknown"
    """No receipt tells, or what it tells cannot be compared."""


class Cause(Frozen):
    """What the difference of one resource comes from.

    receipt  the digest of the plan whose apply has made it last; empty where that is unknown.
    since    when that apply ended.
    """

    address: Address
    type: CauseType
    receipt: str = ""
    since: datetime | None = None
