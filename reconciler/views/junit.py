"""The checklist as JUnit XML, which every CI system shows as test results."""

from __future__ import annotations

from collections import Counter
from xml.sax.saxutils import escape, quoteattr

from reconciler.model import CheckResult, CheckStatus, Plan
from reconciler.reports.characters import visible
from reconciler.views import words
from reconciler.views.page import Page

_ELEMENTS = {CheckStatus.FAIL: "failure", CheckStatus.ERROR: "error"}
"""What is neither of these, nor passed, was not decided by a test: it is skipped, and says why."""


def checks(plan: Plan, page: Page) -> str:
    """One suite a target, one case an item."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(plan.checks)}>"]
    for target in dict.fromkeys(check.address.target for check in plan.checks):
        suite = tuple(check for check in plan.checks if check.address.target == target)
        lines += [f"  <testsuite name={_attribute(target)} {_counts(suite)}>"]
        lines += [line for check in suite for line in _case(check)]
        lines += ["  </testsuite>"]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(check: CheckResult) -> list[str]:
    target, kind, name = check.address
    file, _, place = check.declared_at.partition(":")
    line = place.split(":")[0]
    where = f" file={_attribute(file)}" if file else ""
    where += f' line="{line}"' if line.isascii() and line.isdigit() else ""
    start = (
        f"    <testcase classname={_attribute(f'{target}.{kind}')} name={_attribute(f'{name}: {check.title}')}{where}"
    )
    if check.status is CheckStatus.PASS:
        return [f"{start}/>"]
    element = _ELEMENTS.get(check.status, "skipped")
    message = f"{words.CHECKS[check.status].one}: {check.message} ({check.severity} severity)"
    body = f"{escape(visible(message))}\n{escape(visible(check.declared_at))}".strip()
    kind_of = f" type={_attribute(check.status.value)}" if element != "skipped" else ""
    return [
        f"{start}>",
        f"      <{element} message={_attribute(message)}{kind_of}>{body}</{element}>",
        "    </testcase>",
    ]


def _counts(checks: tuple[CheckResult, ...]) -> str:
    counts = Counter(_ELEMENTS.get(check.status, "skipped") for check in checks if check.status is not CheckStatus.PASS)
    return (
        f'tests="{len(checks)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )


def _attribute(text: str) -> str:
    """A quoted attribute. XML 1.0 has no control characters; `visible` leaves none."""
    return quoteattr(visible(text))
