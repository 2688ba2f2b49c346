"""What reading and deciding an item come to, whatever its type."""

from __future__ import annotations

from typing import Literal, NamedTuple

from reconciler.model import CheckStatus, Frozen

Evidence = Literal["live", "config", "static", "attested", ""]


class Verdict(NamedTuple):
    """How an item came out, before any waiver. `evidence` says where it was seen, as in `CheckResult`."""

    status: CheckStatus
    message: str
    evidence: Evidence = ""


class Unavailable(Frozen):
    """What stands in the place of evidence that could not be had. `message` says why, and what to do."""

    status: Literal[CheckStatus.ERROR, CheckStatus.FAIL, CheckStatus.NOT_VISIBLE, CheckStatus.NOT_APPLICABLE]
    message: str
    evidence: Evidence = ""


def passed_if(unmet: str, seen: str, evidence: Evidence) -> Verdict:
    """PASS with what was seen where nothing is unmet; else FAIL with what was seen and what was wanted."""
    if unmet:
        return Verdict(CheckStatus.FAIL, f"{seen}; wanted {unmet}", evidence)
    return Verdict(CheckStatus.PASS, seen, evidence)
