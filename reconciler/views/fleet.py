"""The plans of a fleet, as text."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import Change, Fleet
from reconciler.reports.fleet import GroupRow, fleet_report
from reconciler.reports.labels import UNREAD_SIGN
from reconciler.views.text import DETAIL
from reconciler.views.text_layout import Page, cells, wrap


def text(fleet: Fleet, page: Page, examples: Mapping[str, Change]) -> str:
    """Each group with its targets, what runs there, and the digest by which it is approved; a summary at the end."""
    report = fleet_report(fleet, examples)
    lines = [line for group in report.groups for line in _group(group, page)]
    for unread in report.unread:
        lines += wrap(f"{UNREAD_SIGN} {unread}", page.columns, hang="  ")
    lines += [""] if report.unread else []
    lines += [line for each in report.rollout for line in wrap(each, page.columns, hang="  ")]
    lines += [""] if report.rollout else []
    lines += [page.paint(line, "bold") for line in wrap(" ".join(report.summary), page.columns)]
    lines.append(page.paint(str(report.digest), "dim"))
    return "\n".join(lines) + "\n"


def _group(group: GroupRow, page: Page) -> list[str]:
    width = page.columns - len(DETAIL)
    beneath = [line for row in group.steps for line in wrap(row.line, width, hang="  ")]
    beneath += [line for each in group.on_failure for line in wrap(f"on failure: {each}", width, hang="  ")]
    beneath += [line for each in group.hazards for line in wrap(each.says, width, hang="  ")]
    beside = f"  {group.says}" if group.says else ""
    title = f"  {group.sign} {group.about}"
    if cells(title + beside) > page.columns:
        beneath = [*wrap(group.says, width, hang="  "), *beneath]
        beside = ""
    return [
        page.paint(title, "bold") + beside,
        *(DETAIL + line for line in wrap(group.on, width, hang="  ")),
        *(DETAIL + line for line in beneath),
        DETAIL + page.paint(str(group.approved_by), "dim"),
        "",
    ]
