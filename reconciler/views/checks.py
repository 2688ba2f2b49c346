"""The checklist, as text and as Markdown."""

from __future__ import annotations

from reconciler.model import CheckResult, CheckStatus, Plan
from reconciler.reports.characters import visible
from reconciler.views import words
from reconciler.views.markdown import Comment, code, prose, summary
from reconciler.views.page import Page, wrap
from reconciler.views.text import DETAIL, Row, grouped, header


def text(plan: Plan, page: Page) -> str:
    """Every item with its outcome, those that pass in one line, and a summary."""
    rows = []
    for check in plan.checks:
        status = words.CHECKS[check.status]
        rows.append(Row(status.sign, status.style, check.address, _says(check), tuple(_beneath(check, page))))
    top = [*header(plan, page), ""] if rows else []
    closing = wrap(words.checks_summary(plan.checks), page.columns)
    return "\n".join([*top, *grouped(rows, page), *(page.paint(line, "bold") for line in closing)]) + "\n"


def markdown(plan: Plan, page: Page) -> str:
    """A summary and a table, for a comment on a pull request."""
    rows = [
        [
            words.CHECKS[check.status].sign,
            code(str(check.address)),
            check.severity.value,
            prose(check.title),
            prose(_outcome(check)),
        ]
        for check in plan.checks
    ]
    comment = Comment()
    comment.add(summary(words.checks_summary(plan.checks)))
    comment.table(["", "Check", "Severity", "Title", "Outcome"], rows, "checks")
    return comment.text()


def _says(check: CheckResult) -> str:
    title = visible(check.title)
    if check.status is CheckStatus.PASS:
        return f"{title}: {visible(check.message)}" if check.message else title
    return f"{title}, {check.severity} severity"


def _outcome(check: CheckResult) -> str:
    word = words.CHECKS[check.status].one
    return visible(f"{word}: {check.message}" if check.message else word)


def _beneath(check: CheckResult, page: Page) -> list[str]:
    """Of an item that does not pass: what was seen and wanted, and where it is declared."""
    if check.status is CheckStatus.PASS:
        return []
    width = page.columns - len(DETAIL)
    lines = [DETAIL + line for line in wrap(_outcome(check), width, hang="  ")]
    if check.declared_at:
        lines += [DETAIL + page.paint(line, "dim") for line in wrap(visible(check.declared_at), width)]
    return lines
