"""Items that a person vouches for."""

from __future__ import annotations

from datetime import date, timedelta

from reconciler.kinds.check.model import AttestationCheck
from reconciler.kinds.check.verdict import Verdict
from reconciler.model import CheckStatus


def decide(check: AttestationCheck, today: date) -> Verdict:
    """ATTESTED from its day until `every` later, that day included; before and after it counts for nothing."""
    said = check.attestation
    if said.by is None or said.on is None:
        return Verdict(CheckStatus.FAIL, "nobody has attested this yet: add by, on and evidence", "attested")
    try:
        last = said.on + timedelta(days=int(said.every.removesuffix("d")))
    except OverflowError:
        last = date.max
    if today < said.on:
        return Verdict(CheckStatus.FAIL, f"attested by {said.by} for {said.on}, which is in the future", "attested")
    if today > last:
        return Verdict(
            CheckStatus.FAIL, f"the attestation of {said.by} of {said.on} lapsed on {last}: attest it again", "attested"
        )
    return Verdict(CheckStatus.ATTESTED, f"{said.by} on {said.on}, good until {last}: {said.evidence}", "attested")
