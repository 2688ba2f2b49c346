"""The result of a checklist's item."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from reconciler.model.address import Address
from reconciler.model.base import Frozen


class CheckVerdict(StrEnum):
    """What checklist items come to (`planning.verdict`); the worst first."""

    FAILED = "failed"
    UNDECIDED = "undecided"
    """It is not known: this role may not see it, or there is no data."""
    MET = "met"


class CheckStatus(StrEnum):
    """How a checklist item came out. FAIL and ERROR count against it; the others say why they do not."""

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    ATTESTED = "attested"
    NOT_VISIBLE = "not-visible"
    NO_DATA = "no-data"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


class Severity(StrEnum):
    """How much a failing item matters, in the words of the field's scanners."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CheckResult(Frozen):
    """One decided checklist item. `message` says what was seen and what was wanted; `evidence` where it was seen."""

    address: Address
    title: str
    severity: Severity
    status: CheckStatus
    message: str
    evidence: Literal["live", "config", "static", "attested", ""] = ""
    declared_at: str = ""
