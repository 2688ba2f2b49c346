"""Drift: what each live system has otherwise than declared, and where its value comes from."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.model import Action, Address, Change, Difference, Plan, Verdict
from reconciler.reports import provenance
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, listed_checks
from reconciler.reports.labels import ACTIONS, Labelled, both_sides
from reconciler.reports.notices import NoticeRow, notice_rows
from reconciler.reports.places import Place, place
from reconciler.reports.summary import drift_summary
from reconciler.reports.target import TargetRow, target_rows
from reconciler.reports.unreachable import UnreadRow, unread_rows
from reconciler.verdicts import of_outcome, of_plan

WITH_VALUES = frozenset({Action.UPDATE, Action.REPLACE})
"""Of these a summary `before → after` is about two values of one thing."""


class DriftRow(NamedTuple):
    """One resource that is not as declared.

    says       all of it in one line: `declared 16MB; observed 4MB`, `missing`.
    seen       where the value comes from that is in force; empty where that is not known.
    what       what it is, in a word or two: `missing`, `runs and is not persisted`.
    declared   and `observed`: the two values as they are, for columns; empty where it is not about values.
    told       what is to be told beside what and these values.
    place      where it is declared.
    """

    address: Address
    action: Action
    verdict: Verdict
    sign: str
    says: str
    seen: str
    what: str
    declared: str
    observed: str
    told: str
    place: Place


class DriftReport(NamedTuple):
    """What differs; `summary` in sentences, `checks` those that do not pass, `mended_by` which command."""

    summary: tuple[str, ...]
    verdict: Verdict
    targets: tuple[TargetRow, ...]
    unread: tuple[UnreadRow, ...]
    resources: tuple[DriftRow, ...]
    notices: tuple[NoticeRow, ...]
    checks: tuple[CheckRow, ...]
    mended_by: Labelled | None


def drift_report(plan: Plan) -> DriftReport:
    """Drift in rows and sentences: `plan` is what would mend it."""
    drifted = tuple(change for change in plan.changes if change.action is not Action.RESTART)  # mends one, and is none
    return DriftReport(
        summary=drift_summary(plan, drifted),
        verdict=of_plan(plan),
        targets=target_rows(plan),
        unread=unread_rows(plan),
        resources=tuple(map(_row, drifted)),
        notices=notice_rows(plan.notices),
        checks=listed_checks(plan.checks),
        mended_by=Labelled("Steps that mend it:", "reconciler plan") if plan.changes else None,
    )


def _row(change: Change) -> DriftRow:
    words = ACTIONS[change.action]
    before, after = (change.action in WITH_VALUES and both_sides(visible(change.summary))) or ("", "")
    summary, reason = visible(change.deviation or change.summary), visible(change.reason)
    seen = provenance.said(change.provenance) if change.provenance else ""
    half_way = change.difference is not Difference.DIFFERS
    if half_way:
        says, told = provenance.half_way(change), reason
    elif after:
        says, told = f"declared {after}; observed {before}", seen
    else:
        says = ": ".join(part for part in (words.drift, summary, reason) if part)
        told = "; ".join(filter(None, (summary or reason, seen)))
    return DriftRow(
        address=change.address,
        action=change.action,
        verdict=of_outcome(change),
        sign=words.sign,
        says=says,
        seen=seen,
        what=provenance.DIFFERENCES[change.difference][0] if half_way else words.drift,
        declared=after,
        observed="" if half_way else before,
        told=told,
        place=place(change.declared_at),
    )
