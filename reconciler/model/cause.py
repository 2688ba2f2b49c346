"""What a difference comes from, as far as receipts tell, and the commits that they name."""

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
    """Something else is declared by now than what an apply has made."""
    UNKNOWN = "unknown"
    """No receipt tells, or what it tells cannot be compared."""


class UnknownReason(StrEnum):
    """Why a cause is unknown."""

    NO_RECEIPT = "no-receipt"
    FAILED = "failed"
    """The last apply of it has not come to its end: nobody knows what it left."""
    NOT_COMPARABLE = "not-comparable"
    """It was not declared when it was made, as what a rollback brings back; or differences of it were ignored then."""
    SECRET = "secret"
    """What differs is a secret, of which no file tells whether it is another by now."""
    VARIABLE = "variable"
    """It is declared by a variable of the environment, of which no commit tells what it was."""
    NO_COMMIT = "no-commit"
    """The receipt does not name the commit of its YAML."""
    COMMIT_UNREADABLE = "commit-unreadable"
    """The commit cannot be read here: no git, a clone that does not reach so far back, or more than is read."""
    YAML_UNREADABLE = "yaml-unreadable"
    """The YAML of that commit is not one of this version, or is not complete without asking somebody."""


class Cause(Frozen):
    """What the difference of one resource comes from.

    receipt  the digest of the plan whose apply has made it last; empty where that is unknown.
    since    when that apply ended.
    commit   whose YAML tells it, where what was made does not; in hex.
    why      it is unknown; None where it is known.
    """

    address: Address
    type: CauseType
    receipt: str = ""
    since: datetime | None = None
    commit: str = ""
    why: UnknownReason | None = None
