"""Something that only a person can vouch for, again and again.

What
    A person has vouched for it, and not longer ago than `every`.

Why
    Of a restored backup, or a rehearsed failover, no server can tell. An attestation says who has seen it and when, and
    lapses: nobody goes on to rely on what was true two years ago. Until somebody vouches for it, it fails.

How to write it
    id: pg-backups
    title: A backup was restored, and it worked
    check:
      attestation: {every: 90d, by: dba, on: 2026-11-02, evidence: restored on staging}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, model_validator

from reconciler.kinds.check import http_without_url
from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.field_types import Words
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen
from reconciler.targets.session import Session
from reconciler.yaml.dates import Day


def _days(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,3}d", text):
        raise ValueError(f"{text!r} is not a number of days: expected something like 90d")
    return text


Days = Annotated[str, AfterValidator(_days)]


class Attestation(Frozen):
    """What only a person can vouch for. Without `by`, `on` and `evidence` nobody has vouched yet, and it fails."""

    every: Days
    by: Words | None = None
    on: Day | None = None
    evidence: Words | None = None

    @model_validator(mode="after")
    def _whole(self) -> Attestation:
        given = [self.by is not None, self.on is not None, self.evidence is not None]
        if any(given) and not all(given):
            raise ValueError("an attestation says by whom, on which day and with what evidence: by, on, evidence")
        return self


class AttestationCheck(Frozen):
    """A person vouches for it, again and again."""

    attestation: Attestation


class ToVouchFor(Frozen):
    """There is what a person may vouch for; nothing else is read."""


def read(session: Session, checks: Mapping[Part, AttestationCheck]) -> dict[Part, ToVouchFor | Unavailable]:
    """Nothing is asked: without an application there is nothing to vouch for."""
    return dict.fromkeys(checks, http_without_url.missing(session) or ToVouchFor())


def decide(check: AttestationCheck, found: ToVouchFor, known: Circumstances) -> Verdict:
    """ATTESTED from its day until `every` later, that day included; before and after it counts for nothing."""
    said = check.attestation
    if said.by is None or said.on is None:
        return Verdict(CheckStatus.FAIL, "nobody has attested this yet: add by, on and evidence", "attested")
    try:
        last = said.on + timedelta(days=int(said.every.removesuffix("d")))
    except OverflowError:
        last = date.max
    if known.today < said.on:
        return Verdict(CheckStatus.FAIL, f"attested by {said.by} for {said.on}, which is in the future", "attested")
    if known.today > last:
        return Verdict(
            CheckStatus.FAIL, f"the attestation of {said.by} of {said.on} lapsed on {last}: attest it again", "attested"
        )
    return Verdict(CheckStatus.ATTESTED, f"{said.by} on {said.on}, good until {last}: {said.evidence}", "attested")


TYPE = CheckType(AttestationCheck, read=read, decide=decide)
