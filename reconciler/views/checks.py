"""The checklist, as text and as Markdown."""

from __future__ import annotations

from reconciler.model import CheckStatus, Plan
from reconciler.reports.checks import CheckRow, checks_report
from reconciler.views import colours
from reconciler.views import markdown as in_markdown
from reconciler.views.comment import Comment
from reconciler.views.markdown import summary
from reconciler.views.markdown_text import prose
from reconciler.views.text import DETAIL, Row, grouped, header, unread
from reconciler.views.text_layout import Page, wrap


def text(plan: Plan, page: Page) -> str:
    """Every item with its outcome, those that pass in one line, and a summary."""
    report = checks_report(plan, grouped=True)
    top = [*header(report.targets, page), ""] if report.checks and report.targets else []
    lines = [*grouped((_row(check, page) for check in report.checks), page), *unread(report.unread, page)]
    closing = wrap(" ".join(report.summary), page.columns)
    return "\n".join([*top, *lines, *(page.paint(line, "bold") for line in closing)]) + "\n"


def markdown(plan: Plan, page: Page) -> str:
    """A summary and a table, for a comment on a pull request."""
    report = checks_report(plan, grouped=True)
    rows = [
        [row.sign, in_markdown.address(row), row.severity.value, prose(row.title), prose(row.outcome)]
        for row in report.checks
    ]
    comment = Comment("check", page.marker, limit=page.limit, whole="--limit 0")
    comment.add(summary(report.summary))
    in_markdown.unread(report.unread, comment)
    comment.table(["", "Check", "Severity", "Title", "Outcome"], rows, "checks")
    return comment.text()


def _row(check: CheckRow, page: Page) -> Row:
    """Of an item that passes one line; of others beneath what was seen and wanted, and where it is declared."""
    style = colours.OF_CHECKS[check.status]
    if check.status is CheckStatus.PASS:
        return Row(check.sign, style, check.address, check.titled, several=check.several)
    width = page.columns - len(DETAIL)
    lines = [DETAIL + line for line in wrap(check.outcome, width, hang="  ")]
    if check.declared_at:
        lines += [DETAIL + page.paint(line, "dim") for line in wrap(check.declared_at, width)]
    return Row(check.sign, style, check.address, check.graded, tuple(lines), several=check.several)
