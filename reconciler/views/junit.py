"""The checklist as JUnit XML, which every CI system shows as test results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from reconciler.model import CheckStatus, Plan
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, checks_report
from reconciler.reports.unreachable import UnreadRow
from reconciler.views.text_layout import Page

_ELEMENTS = {CheckStatus.FAIL: "failure", CheckStatus.ERROR: "error"}
"""What is neither of these, nor passed, was not decided by a test: it is skipped, and says why."""


def checks(plan: Plan, page: Page) -> str:
    """One suite a target, one case an item; and one for each system that could not be read, which is an error."""
    report = checks_report(plan)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(report.checks, report.unread)}>"]
    suites: dict[str, tuple[list[CheckRow], list[UnreadRow]]] = {}
    for row in report.checks:
        suites.setdefault(row.address.target, ([], []))[0].append(row)
    for unread in report.unread:
        suites.setdefault(unread.target, ([], []))[1].append(unread)
    for target, (items, not_read) in suites.items():
        lines += [f"  <testsuite name={_attribute(target)} {_counts(items, not_read)}>"]
        lines += [line for each in not_read for line in _not_read(each)]
        lines += [line for row in items for line in _case(row)]
        lines += ["  </testsuite>"]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(row: CheckRow) -> list[str]:
    target, kind, name = row.address
    where = f" file={_attribute(row.place.file)}" if row.place.file else ""
    where += f" line={_attribute(row.place.line)}" if row.place.line else ""
    start = f"    <testcase classname={_attribute(f'{target}.{kind}')} name={_attribute(f'{name}: {row.title}')}{where}"
    if row.status is CheckStatus.PASS:
        return [f"{start}/>"]
    element = _ELEMENTS.get(row.status, "skipped")
    message = f"{row.outcome} ({row.weight})"
    body = f"{escape(message)}\n{escape(row.declared_at)}".strip()
    kind_of = f" type={_attribute(row.status.value)}" if element != "skipped" else ""
    return [
        f"{start}>",
        f"      <{element} message={_attribute(message)}{kind_of}>{body}</{element}>",
        "    </testcase>",
    ]


def _not_read(row: UnreadRow) -> list[str]:
    where = f" file={_attribute(row.place.file)}" if row.place.file else ""
    where += f" line={_attribute(row.place.line)}" if row.place.line else ""
    body = f"{escape(row.hint)}\n{escape(row.declared_at)}".strip()
    return [
        f"    <testcase classname={_attribute(row.target)} name={_attribute(f'{row.node} is read')}{where}>",
        f"      <error message={_attribute(row.says)} type={_attribute(row.verdict.value)}>{body}</error>",
        "    </testcase>",
    ]


def _counts(rows: Sequence[CheckRow], unread: Sequence[UnreadRow]) -> str:
    counts = Counter(_ELEMENTS.get(row.status, "skipped") for row in rows if row.status is not CheckStatus.PASS)
    return (
        f'tests="{len(rows) + len(unread)}" failures="{counts["failure"]}" errors="{counts["error"] + len(unread)}" '
        f'skipped="{counts["skipped"]}"'
    )


def _attribute(text: str) -> str:
    """A quoted attribute. XML 1.0 has no control characters; `visible` leaves none."""
    return quoteattr(visible(text))
