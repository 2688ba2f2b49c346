"""What reading and deciding an item come to, whatever its type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from reconciler.model import Address, CheckStatus, Frozen

Evidence = Literal["live", "config", "static", "attested", ""]


class Part(NamedTuple):
    """One check of an item: the item's address and the check's place in its list, the folder where relative paths of
    it start, and the one that they may not lead out of."""

    item: Address
    place: int
    folder: Path
    repository: Path


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


_WORST_FIRST = (
    CheckStatus.FAIL,
    CheckStatus.ERROR,
    CheckStatus.NOT_VISIBLE,
    CheckStatus.NO_DATA,
    CheckStatus.NOT_APPLICABLE,
    CheckStatus.ATTESTED,
    CheckStatus.PASS,
)


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on an item whose checks all have to be passed: the worst, and all that is as bad.

    An item is passed only where each of its checks is: one that could not be decided leaves it undecided.
    """
    worst = min((verdict.status for verdict in verdicts), key=_WORST_FIRST.index)
    deciding = [verdict for verdict in verdicts if verdict.status is worst]
    return Verdict(worst, "; ".join(dict.fromkeys(verdict.message for verdict in deciding)), deciding[0].evidence)
