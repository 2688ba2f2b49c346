"""The checklist as JUnit XML, which every CI system shows as test results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from reconciler.model import CheckStatus, Plan
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow, checks_report
from reconciler.views.page import Page

_ELEMENTS = {CheckStatus.FAIL: "failure", CheckStatus.ERROR: "error"}
"""What is neither of these, nor passed, was not decided by a test: it is skipped, and says why."""


def checks(plan: Plan, page: Page) -> str:
    """One suite a target, one case an item."""
    rows = checks_report(plan).checks
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(rows)}>"]
    for target in dict.fromkeys(row.address.target for row in rows):
        suite = tuple(row for row in rows if row.address.target == target)
        lines += [f"  <testsuite name={_attribute(target)} {_counts(suite)}>"]
        lines += [line for row in suite for line in _case(row)]
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


def _counts(rows: Sequence[CheckRow]) -> str:
    counts = Counter(_ELEMENTS.get(row.status, "skipped") for row in rows if row.status is not CheckStatus.PASS)
    return (
        f'tests="{len(rows)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )


def _attribute(text: str) -> str:
    """A quoted attribute. XML 1.0 has no control characters; `visible` leaves none."""
    return quoteattr(visible(text))
