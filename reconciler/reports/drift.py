"""Drift: what each live system has otherwise than declared, and where its value comes from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from reconciler.model import Action, Address, Change, Difference, Plan, Verdict
from reconciler.planning.groups import change_key
from reconciler.reports import provenance
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, listed_checks
from reconciler.reports.definitions import definition
from reconciler.reports.idle_rules import IdleRow, idle_rows
from reconciler.reports.labels import ACTIONS, Labelled, both_sides
from reconciler.reports.narrowing import as_arguments, pulled_in
from reconciler.reports.notices import NoticeRow, notice_rows
from reconciler.reports.places import Place, place
from reconciler.reports.several import Several, are_many, several, together
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
    several: Several | None = None


class DriftReport(NamedTuple):
    """What differs; `summary` in sentences, `checks` those that do not pass, `mended_by` which command."""

    summary: tuple[str, ...]
    verdict: Verdict
    targets: tuple[TargetRow, ...]
    unread: tuple[UnreadRow, ...]
    resources: tuple[DriftRow, ...]
    notices: tuple[NoticeRow, ...]
    idle_rules: tuple[IdleRow, ...]
    checks: tuple[CheckRow, ...]
    mended_by: Labelled | None


def drift_report(plan: Plan, *, grouped: bool = False) -> DriftReport:
    """Drift in rows and sentences: `plan` is what would mend it. `grouped`: of many targets what is the same once."""
    many = grouped and are_many(plan)
    unasked = pulled_in(plan.partial)
    drifted = tuple(
        change
        for change in plan.changes
        if change.action is not Action.RESTART and change.address not in unasked  # mends one, and is none
    )
    return DriftReport(
        summary=drift_summary(plan, drifted),
        verdict=of_plan(plan),
        targets=target_rows(plan, many=many),
        unread=unread_rows(plan, many=many),
        resources=tuple(map(_same, together(drifted, _key, many=many))),
        notices=notice_rows(plan.notices, many=many),
        idle_rules=idle_rows(plan),
        checks=listed_checks(plan.checks, many=many),
        mended_by=Labelled("Steps that mend it:", f"reconciler plan{as_arguments(plan.partial)}")
        if plan.changes
        else None,
    )


def _key(change: Change) -> Hashable:
    """What differences have in common that are told as one: what mends them, and every word but lines of files."""
    row = _row(change)
    said = [provenance.without_lines(words, change.provenance) for words in (row.says, row.seen, row.told)]
    return change_key(change), *said, row.what, row.declared, row.observed


def _same(same: Sequence[Change]) -> DriftRow:
    """Equal differences as one; where a value stands may be that of the first, and says so."""
    rows = [_row(change) for change in same]
    row = rows[0]
    first = f" (of {visible(row.address.target)})"
    seen, told = (
        words + ("" if all(each == words for each in others) else first)
        for words, others in ((row.seen, [each.seen for each in rows]), (row.told, [each.told for each in rows]))
    )
    return row._replace(seen=seen, told=told, several=several([each.address.target for each in same]))


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
        declared=after or (definition(change) if change.action is Action.CREATE else ""),
        observed="" if half_way else before or (definition(change) if change.action is Action.DELETE else ""),
        told=told,
        place=place(change.declared_at),
    )
