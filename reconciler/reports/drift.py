"""Drift: what each live system has otherwise than declared, and where its value comes from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Action, Address, Cause, Change, Difference, Plan, Verdict
from reconciler.planning.groups import change_key
from reconciler.reports import provenance
from reconciler.reports.causes import cause_says
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
    cause      what it comes from, in words; empty where nobody asked.
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
    cause: str
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
    known = {each.address: each for each in plan.causes or ()}
    drifted = tuple(
        change
        for change in plan.changes
        if change.action is not Action.RESTART and change.address not in unasked  # mends one, and is none
    )
    rows = [(change, _row(change, cause_says(known.get(change.address)))) for change in drifted]
    return DriftReport(
        summary=drift_summary(plan, drifted),
        verdict=of_plan(plan),
        targets=target_rows(plan, many=many),
        unread=unread_rows(plan, many=many),
        resources=tuple(map(_same, together(rows, _key, many=many))),
        notices=tuple(_with_cause(row, known) for row in notice_rows(plan.notices, many=many)),
        idle_rules=idle_rows(plan),
        checks=listed_checks(plan.checks, many=many),
        mended_by=Labelled("Steps that mend it:", f"reconciler plan{as_arguments(plan.partial)}")
        if plan.changes
        else None,
    )


def _with_cause(row: NoticeRow, known: Mapping[Address, Cause]) -> NoticeRow:
    """A notice of what differs, with what that comes from; what several targets have in common has no one cause."""
    cause = "" if row.several or row.verdict is Verdict.IN_SYNC else cause_says(known.get(row.address))
    return row._replace(says=f"{row.says}; {cause}") if cause else row


def _key(told: tuple[Change, DriftRow]) -> Hashable:
    """What differences have in common that are told as one: what mends them, and every word but lines of files."""
    change, row = told
    said = [provenance.without_lines(words, change.provenance) for words in (row.says, row.seen, row.told)]
    return change_key(change), *said, row.what, row.declared, row.observed, row.cause


def _same(same: Sequence[tuple[Change, DriftRow]]) -> DriftRow:
    """Equal differences as one; where a value stands may be that of the first, and says so."""
    rows = [row for _, row in same]
    row = rows[0]
    first = f" (of {visible(row.address.target)})"
    seen, told = (
        words + ("" if all(each == words for each in others) else first)
        for words, others in ((row.seen, [each.seen for each in rows]), (row.told, [each.told for each in rows]))
    )
    return row._replace(seen=seen, told=told, several=several([each.address.target for each in rows]))


def _row(change: Change, cause: str) -> DriftRow:
    words = ACTIONS[change.action]
    before, after = (change.action in WITH_VALUES and both_sides(visible(change.summary))) or ("", "")
    summary, reason = visible(change.deviation or change.summary), visible(change.reason)
    seen = provenance.said(change.provenance) if change.provenance else ""
    half_way = change.difference is not Difference.DIFFERS
    if half_way:
        before = "" if before == after else before  # the declared one may run
        values = f"declared {after}; observed {before}" if before else ""
        says, told = "; ".join(filter(None, (values, provenance.half_way(change)))), reason
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
        observed=before or (definition(change) if change.action is Action.DELETE else ""),
        told=told,
        cause=cause,
        place=place(change.declared_at),
    )
