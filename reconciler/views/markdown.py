"""A plan, and drift, as Markdown for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.model import Plan
from reconciler.reports.characters import visible
from reconciler.reports.checks import CheckRow
from reconciler.reports.drift import DriftReport, DriftRow, drift_report
from reconciler.reports.hazards import PermissionRow, Permissions
from reconciler.reports.labels import Labelled, listed
from reconciler.reports.notices import NoticeRow
from reconciler.reports.plan import ChangeRow, PlanReport, plan_report
from reconciler.reports.target import TargetRow
from reconciler.reports.unreachable import UnreadRow
from reconciler.views.sql import change_lines
from reconciler.views.text_layout import Page

LARGEST = 65_536
"""Characters of a comment that GitHub takes."""

RESERVED = 400
"""Characters kept for saying what was left out, and for closing what is open."""


class Comment:
    """Markdown that grows block by block until a comment is full; what is left out is counted and said."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._size = 0
        self._left_out: list[str] = []

    def add(self, block: str) -> bool:
        """Takes `block`, unless the comment would be too long; says whether it did."""
        size = len(block) + 2
        if self._size + size > LARGEST - RESERVED:
            return False
        self._blocks.append(block)
        self._size += size
        return True

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> None:
        """Takes as many rows as fit; `what` they are is said of those that do not."""
        if not rows:
            return
        lines = [_row(head), _row(["---"] * len(head))]
        room = LARGEST - RESERVED - self._size - sum(map(len, lines)) - 10
        for taken, row in enumerate(rows):
            line = _row(row)
            if len(line) + 1 > room:
                self.left_out(len(rows) - taken, what)
                break
            room -= len(line) + 1
            lines.append(line)
        if len(lines) > 2:
            self.add("\n".join(lines))

    def folded(self, title: str, blocks: Sequence[str], what: str) -> None:
        """Takes as many blocks as fit, behind a triangle to click on."""
        if not blocks or not self.add(f"<details><summary>{title}</summary>"):
            self.left_out(len(blocks), what)
            return
        taken = 0
        while taken < len(blocks) and self.add(blocks[taken]):
            taken += 1
        self.left_out(len(blocks) - taken, what)
        self._blocks.append("</details>")
        self._size += len("</details>") + 2

    def left_out(self, count: int, what: str) -> None:
        """Remembers that `count` of `what` had no room."""
        if count:
            self._left_out.append(f"{count} {what}")

    def text(self) -> str:
        """The comment."""
        blocks = list(self._blocks)
        if self._left_out:
            blocks.append(f"**Too long for a comment: {listed(self._left_out)} left out. See the plan file.**")
        return "\n\n".join(blocks) + "\n"


def plan(plan: Plan, page: Page) -> str:
    """Summary, what needs permission, a table of changes, what to know beside, and the exact steps folded away."""
    report = plan_report(plan)
    comment = Comment()
    comment.add(summary(report.summary))
    unread(report.unread, comment)
    _targets(report.targets, comment)
    if report.digest:
        comment.add(_labelled(report.digest))
    if report.permissions:
        comment.add(_permissions(report.permissions))
    rows = [[code(row.sign), _address(row), _what(row)] for row in report.changes]
    comment.table(["", "Change", "What"], rows, "changes")
    _beside(report, comment)
    if report.order:
        turns = (f"{turn.number}. {prose(turn.says)}" for turn in report.order.turns)
        comment.add("\n".join([prose(report.order.says), "", *turns]))
    steps: dict[str, list[str]] = {}
    for row in report.changes:
        steps.setdefault(row.address.target, []).append(_steps(row))
    for target, blocks in steps.items():
        comment.folded(f"The exact steps on {_html(target)}", blocks, f"changes' steps on {code(target)}")
    return comment.text()


def drift(plan: Plan, page: Page) -> str:
    """Summary, and a table of what differs."""
    report = drift_report(plan)
    comment = Comment()
    comment.add(summary(report.summary))
    unread(report.unread, comment)
    _targets(report.targets, comment)
    rows = [
        [row.what, _address(row), code(row.declared), "; ".join(filter(None, (code(row.observed), prose(row.told))))]
        for row in report.resources
    ]
    comment.table(["", "Resource", "Declared", "Observed"], rows, "resources")
    _beside(report, comment)
    return comment.text()


def unread(rows: Sequence[UnreadRow], comment: Comment) -> None:
    """Targets that were not read, before everything else."""
    told = [
        [row.sign, code(row.target), "; ".join(map(prose, filter(None, (f"{row.says}{row.declared}", row.hint))))]
        for row in rows
    ]
    comment.table(["", "Not read", "Why"], told, "targets that could not be read")


def prose(text: str) -> str:
    """`text` so that it reads as itself: no markup, no HTML, no cell of a table ended, nobody mentioned, no issue."""
    escaped = re.sub(r"([\\`*_{}\[\]~$])", r"\\\1", _html(text))
    return re.sub(r"[@#](?=\w)", r"\g<0><!-- -->", escaped).replace("|", "&#124;")


def code(text: str) -> str:
    """`text` as code in a line. With a pipe in it as HTML, since GitHub divides cells before it looks for code."""
    shown = visible(text)
    if "|" in shown:
        return f"<code>{prose(shown)}</code>"
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else ""


def summary(sentences: Sequence[str]) -> str:
    """A summary with its first sentence in bold."""
    first, *rest = map(prose, sentences)
    return " ".join([f"**{first}**", *rest])


def fenced(lines: Sequence[str], language: str) -> str:
    """Lines as a block of code, fenced by more backticks than are in it."""
    body = [visible(line) for line in "\n".join(lines).replace("\t", "    ").split("\n")]
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in body))
    return "\n".join([f"{fence}{language}", *body, fence])


def _html(text: str) -> str:
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _labelled(text: Labelled) -> str:
    return f"{prose(text.label)} {code(text.value)}"


def _address(row: ChangeRow | DriftRow | NoticeRow | CheckRow | PermissionRow) -> str:
    return code(str(row.address))


def _what(row: ChangeRow) -> str:
    """What it says, and its notes; where there is nothing to say, what runs first."""
    said = "; ".join(map(prose, filter(None, (row.says, *row.notes))))
    return said or (code(row.steps[0].line) if row.steps else "")


def _targets(targets: Sequence[TargetRow], comment: Comment) -> None:
    if targets:
        comment.add("\n".join(f"- {code(target.name)} {prose(target.says)}" for target in targets))


def _permissions(permissions: Permissions) -> str:
    """Hazards that have to be allowed by name, before everything else."""
    head = ["> [!WARNING]", f"> {_labelled(permissions.needed)}"]
    shown = [f"> - {code(each.type)} {_address(each)}: {prose(each.says)}" for each in permissions.hazards]
    return "\n".join([*head, *shown, *([f"> - {permissions.more}"] if permissions.more else [])])


def _beside(report: PlanReport | DriftReport, comment: Comment) -> None:
    """Notices, and checks that do not pass."""
    notices = [[row.sign, _address(row), prose(row.says)] for row in report.notices]
    comment.table(["", "To know", "What"], notices, "notices")
    checks = [[row.sign, _address(row), prose(row.titled)] for row in report.checks]
    comment.table(["", "Check", "Seen and wanted"], checks, "checks")


def _steps(row: ChangeRow) -> str:
    """The steps of one change in a block of code, with what was measured above it."""
    evidence = f"\n\n{prose(row.evidence)}" if row.evidence else ""
    return f"{code(row.sign)} {_address(row)}{evidence}\n\n{fenced(change_lines(row), 'sql')}"
