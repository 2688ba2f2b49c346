"""What an apply did, as text."""

from __future__ import annotations

from reconciler.model import Receipt
from reconciler.reports.characters import visible
from reconciler.reports.labels import NOTICE_SIGN
from reconciler.reports.receipt import AppliedRow, Planned, receipt_report
from reconciler.views import colours
from reconciler.views.text import DETAIL, Row, grouped
from reconciler.views.text_layout import Page, wrap


def text(receipt: Receipt, page: Page, planned: Planned) -> str:
    """One row a change with what was measured, what still differs, and a summary as the last line."""
    report = receipt_report(receipt, planned)
    lines = grouped((_row(change, page) for change in report.changes), page)
    for note in report.notes:
        lines += wrap(f"{NOTICE_SIGN} {note}", page.columns, hang="  ")
    lines += [""] if report.notes else []
    for left in report.left:
        lines += [*wrap(left.says, page.columns, hang="  "), *(f"  {visible(str(one))}" for one in left.addresses), ""]
    return "\n".join([*lines, page.paint(" ".join(report.summary), "bold")]) + "\n"


def _row(change: AppliedRow, page: Page) -> Row:
    """The result beside the address; the rest of a message of several lines beneath, and what was measured."""
    width = page.columns - len(DETAIL)
    beneath = [DETAIL + line for more in change.more for line in wrap(more, width, hang="  ")]
    if change.measured:
        beneath += [page.paint(DETAIL + line, "dim") for line in wrap(change.measured, width, hang="  ")]
    return Row(change.sign, colours.OF_APPLIED[change.result], change.address, change.says, tuple(beneath))
