"""Causes that receipts alone leave unknown, told from the YAML of the commit that the last receipt names.

Decided: docs/decisions.md#yaml-of-earlier-commits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.desired.at_commit import AtCommit
from reconciler.model import (
    SENSITIVE,
    Action,
    Address,
    Applied,
    Cause,
    CauseType,
    Change,
    Outcome,
    Plan,
    Receipt,
    Resource,
    UnknownReason,
    Verdict,
)
from reconciler.planning.ignoring import differing, is_about

RAN = (Applied.APPLIED, Applied.SKIPPED, Applied.FAILED, Applied.INCOMPLETE)


class Found(NamedTuple):
    """The last apply that found a resource as it was declared, or made it so, and the commit of that."""

    receipt: Receipt
    commit: str


class ByCommit(NamedTuple):
    """What tells causes by commits: what is declared `now`, by address, and what commits declare; `receipts`, the last
    one first."""

    plan: Plan
    receipts: Sequence[Receipt]
    now: Mapping[Address, Resource]
    at: AtCommit

    def cause(self, outcome: Outcome) -> Cause:
        """What the difference `outcome` comes from; unknown, and why."""
        found = self._found(outcome.address)
        if isinstance(found, UnknownReason):
            return _unknown(outcome.address, found)
        type = self._compared(outcome, found)
        if isinstance(type, UnknownReason):
            return _unknown(outcome.address, type)
        return Cause(
            address=outcome.address, type=type, receipt=found.receipt.plan_digest,
            since=ended(found.receipt), commit=found.commit,
        )  # fmt: skip

    def _found(self, address: Address) -> Found | UnknownReason:
        info = self.plan.targets.get(address.target)
        for receipt in self.receipts:
            then = receipt.targets.get(address.target)
            change = next(
                (one for one in receipt.changes if one.address == address and one.action is not Action.RESTART), None
            )
            ran = change is not None and change.result in RAN
            if ran and receipt.rolls_back is not None:
                return UnknownReason.NOT_COMPARABLE
            if then is None or info is None or then.identity != info.identity or receipt.rolls_back is not None:
                # Of another system, or of a version that did not tell.
                if ran:
                    return UnknownReason.NO_COMMIT
                continue
            unlooked = [each.address for each in receipt.unlooked]
            if address in (*receipt.remaining, *unlooked, *receipt.blocked, *receipt.half_way) and (ran or not change):
                return UnknownReason.FAILED
            if change is not None and ran:
                made = change.result in (Applied.APPLIED, Applied.SKIPPED)
                return Found(receipt, receipt.git.commit) if made else UnknownReason.FAILED
            # Its plan was about all of the target, and had nothing to change here.
            if change is None and receipt.partial is None:
                return Found(receipt, receipt.git.plan)
        return UnknownReason.NO_RECEIPT

    def _compared(self, outcome: Outcome, found: Found) -> CauseType | UnknownReason:
        if not found.commit:
            return UnknownReason.NO_COMMIT
        at = self.at(found.commit)
        if isinstance(at, UnknownReason):
            return at
        owner = self.plan.targets[outcome.address.target].node_of or outcome.address.target
        address = outcome.address._replace(target=owner)
        now, then = self.now.get(address), at.resources.get(address)
        if now is None and then is None:
            return UnknownReason.NOT_COMPARABLE
        if now is None or then is None or now.declaration() != then.declaration():
            return CauseType.NOT_APPLIED
        if _is_secret(outcome):
            return UnknownReason.SECRET
        if address in at.by_variables:
            return UnknownReason.VARIABLE
        is_unseen = found.receipt.beside is not Verdict.IN_SYNC and not _changed(outcome.address, found.receipt)
        if is_unseen or any(is_about(rule, outcome.address, owner) for rule in at.ignore):
            return UnknownReason.NOT_COMPARABLE
        return CauseType.CHANGED_OUTSIDE


def ended(receipt: Receipt) -> datetime:
    """When an apply ended, in UTC where it does not say."""
    at = receipt.finished_at
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _unknown(address: Address, why: UnknownReason) -> Cause:
    return Cause(address=address, type=CauseType.UNKNOWN, why=why)


def _changed(address: Address, receipt: Receipt) -> bool:
    return any(change.address == address for change in receipt.changes)


def _is_secret(outcome: Outcome) -> bool:
    if not isinstance(outcome, Change):
        return False
    before, after = outcome.before or {}, outcome.after or {}
    keys = differing(outcome) or before.keys() | after.keys()
    return any(SENSITIVE in (before.get(key), after.get(key)) for key in keys)
