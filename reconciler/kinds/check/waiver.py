"""Waivers: a failure that somebody accepts, for a while, for a reason.

Decided: docs/decisions.md#waivers-of-one-definition
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from reconciler.kinds.check.model import CheckItem, Waiver
from reconciler.kinds.check.verdict import Verdict
from reconciler.model import CheckStatus, Frozen

WAIVABLE = frozenset({CheckStatus.FAIL, CheckStatus.ERROR})
"""What counts against a checklist, and so can be waived. Everything else stands as it is."""


def fingerprint(checks: Sequence[Frozen]) -> str:
    """Eight hex digits that change when the definition of a check changes: what `waiver: {for: …}` binds to."""
    definition = json.dumps([check.model_dump(mode="json", exclude_unset=True) for check in checks], sort_keys=True)
    return sha256(definition.encode()).hexdigest()[:8]


class WaiverState(Frozen):
    """A waiver on a certain day. `lapsed` says why it counts for nothing; empty: it is in force."""

    waiver: Waiver
    lapsed: str = ""


def state(item: CheckItem, today: date) -> WaiverState | None:
    """How the waiver of `item` stands; None where it has none. The day `until` still counts."""
    waiver = item.waiver
    if waiver is None:
        return None
    if today > waiver.until:
        return WaiverState(waiver=waiver, lapsed=f"its waiver by {waiver.by} expired on {waiver.until}")
    current = fingerprint(item.checks)
    if waiver.bound_to is not None and waiver.bound_to != current:
        return WaiverState(
            waiver=waiver,
            lapsed=f"its waiver by {waiver.by} was for another definition of this check (for: {waiver.bound_to}; "
            f"now {current})",
        )
    return WaiverState(waiver=waiver)


def waived(verdict: Verdict, waiver: WaiverState | None) -> Verdict:
    """`verdict` in the light of a waiver: what it accepts is WAIVED and still says what it would have been."""
    if waiver is None or verdict.status not in WAIVABLE:
        return verdict
    if waiver.lapsed:
        return verdict._replace(message=f"{verdict.message} ({waiver.lapsed})")
    accepted = waiver.waiver
    return Verdict(
        CheckStatus.WAIVED,
        f"until {accepted.until} by {accepted.by}: {accepted.reason} "
        f"(otherwise {verdict.status.value}: {verdict.message})",
        verdict.evidence,
    )
