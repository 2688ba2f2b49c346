"""A checklist: what each item came to, and what all of them do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.model import Address, CheckResult, CheckStatus, CheckVerdict, Plan, Severity
from reconciler.planning import exit_codes
from reconciler.reports.characters import visible
from reconciler.reports.labels import CHECK, CHECKS, counted, numbered
from reconciler.reports.places import Place, place
from reconciler.reports.target import TargetRow, target_rows
from reconciler.reports.unreachable import UnreadRow, unread_rows, unread_summary

LISTED = frozenset({CheckStatus.FAIL, CheckStatus.ERROR, CheckStatus.NOT_VISIBLE, CheckStatus.NO_DATA})
"""Outcomes that a plan lists; the others it only counts."""


class CheckRow(NamedTuple):
    """One item.

    title     what it asks, and `graded` with how much that matters: `Slow queries are logged, high severity`.
    weight    how much it matters: `high severity`.
    message   what was seen and wanted; empty where there is nothing to say.
    outcome   what it came to, and the message: `fails: off; wanted at most 250ms`.
    finding   what stands beside the address where only what does not pass is listed: message, or outcome.
    titled    title and message: `Connection pool configured: 20 of 100`.
    place     where it is declared, and `declared_at` in full.
    """

    address: Address
    status: CheckStatus
    verdict: CheckVerdict
    severity: Severity
    weight: str
    sign: str
    title: str
    graded: str
    message: str
    outcome: str
    finding: str
    titled: str
    declared_at: str
    place: Place


class ChecksReport(NamedTuple):
    """A checklist; `summary` in sentences."""

    targets: tuple[TargetRow, ...]
    unread: tuple[UnreadRow, ...]
    checks: tuple[CheckRow, ...]
    summary: tuple[str, ...]
    verdict: CheckVerdict


def checks_report(plan: Plan) -> ChecksReport:
    """The checklist of a plan, with every item."""
    rows = tuple(map(_row, plan.checks))
    return ChecksReport(
        targets=target_rows(plan),
        unread=unread_rows(plan),
        checks=rows,
        summary=(*unread_summary(plan.unseen), checks_summary(plan.checks)),
        verdict=exit_codes.of_checklist(plan),
    )


def listed_checks(checks: Iterable[CheckResult]) -> tuple[CheckRow, ...]:
    """The items that a plan lists: those that do not pass, and nobody answers for."""
    return tuple(_row(check) for check in checks if check.status in LISTED)


def checks_summary(checks: Sequence[CheckResult]) -> str:
    """`1 of 24 checks fails; 1 is waived, 2 are attested.`; without checks: that there are none."""
    counts = Counter(check.status for check in checks)
    total = counted(len(checks), CHECK)
    if not checks:
        return "There are no checks."
    if counts[CheckStatus.PASS] == len(checks):
        return f"{total} {numbered(len(checks), CHECKS[CheckStatus.PASS].said)}."
    first = CheckStatus.FAIL if counts[CheckStatus.FAIL] else CheckStatus.PASS
    others = [status for status in CHECKS if counts[status] and status not in (first, CheckStatus.PASS)]
    rest = ", ".join(counted(counts[status], CHECKS[status].said) for status in others)
    said = numbered(counts[first], CHECKS[first].said)
    return f"{counts[first]} of {total} {said}{'; ' + rest if rest else ''}."


def all_pass(checks: Iterable[CheckResult]) -> bool:
    """Whether there is nothing to say of any of them."""
    return all(check.status is CheckStatus.PASS for check in checks)


def _row(check: CheckResult) -> CheckRow:
    words = CHECKS[check.status]
    title, message = visible(check.title), visible(check.message)
    outcome, weight = words.said[0], f"{check.severity} severity"
    return CheckRow(
        address=check.address,
        status=check.status,
        verdict=exit_codes.of_check(check),
        severity=check.severity,
        weight=weight,
        sign=words.sign,
        title=title,
        graded=", ".join(filter(None, (title, weight))),
        message=message,
        outcome=f"{outcome}: {message}" if message else outcome,
        finding=message or outcome,
        titled=f"{title}: {message}" if message else title,
        declared_at=visible(check.declared_at),
        place=place(check.declared_at),
    )
