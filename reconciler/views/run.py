"""What an apply of many plans did, as text."""

from __future__ import annotations

from reconciler.model import FleetReceipt
from reconciler.reports.labels import NOTICE_SIGN
from reconciler.reports.run import run_report
from reconciler.views.text import DETAIL
from reconciler.views.text_layout import Page, wrap


def text(receipt: FleetReceipt, page: Page) -> str:
    """A row for each target that somebody has to look at, and a summary as the last line."""
    report = run_report(receipt)
    lines = []
    for row in report.targets:
        lines += wrap(f"{NOTICE_SIGN} {row.name}: {row.says}", page.columns, hang="  ")
        lines += [DETAIL + line for more in row.more for line in wrap(more, page.columns - len(DETAIL), hang="  ")]
    lines += [""] if lines else []
    return "\n".join([*lines, page.paint(" ".join(report.summary), "bold")]) + "\n"
