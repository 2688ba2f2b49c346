"""A plan, and drift, as Markdown for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.model import NEEDS_PERMISSION, Action, Change, Difference, Plan
from reconciler.reports import provenance
from reconciler.reports.characters import visible
from reconciler.reports.quantities import facts
from reconciler.views import words
from reconciler.views.page import Page
from reconciler.views.sql import change_lines

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
            blocks.append(f"**Too long for a comment: {words.listed(self._left_out)} left out. See the plan file.**")
        return "\n\n".join(blocks) + "\n"


def plan(plan: Plan, page: Page) -> str:
    """Summary, what needs permission, a table of changes, what to know beside, and the exact steps folded away."""
    comment = Comment()
    comment.add(summary(words.plan_summary(plan)))
    _targets(plan, comment)
    if plan.changes and plan.digest:
        comment.add(f"Digest {code(plan.digest)}")
    _permissions(plan, comment)
    rows = [
        [
            _sign(change),
            code(str(change.address)),
            "; ".join(filter(None, (_says(change), *map(prose, words.notes(change))))) or _first_step(change),
        ]
        for change in plan.changes
    ]
    comment.table(["", "Change", "What"], rows, "changes")
    _beside(plan, comment)
    order = words.order(plan)
    if order:
        lines = "\n".join(f"{number} {prose(rest)}" for number, _, rest in (line.partition(" ") for line in order))
        comment.add(f"One after the other, each only after all before it:\n\n{lines}")
    for target in dict.fromkeys(change.address.target for change in plan.changes):
        blocks = [_steps(change) for change in plan.changes if change.address.target == target]
        comment.folded(f"The exact steps on {_html(target)}", blocks, f"changes' steps on {code(target)}")
    return comment.text()


def _first_step(change: Change) -> str:
    return code(words.in_one_line(change.steps[0])) if change.steps else ""


def drift(plan: Plan, page: Page) -> str:
    """Summary, and a table of what differs."""
    comment = Comment()
    comment.add(summary(words.drift_summary(plan)))
    _targets(plan, comment)
    rows = []
    for change in words.drifted(plan):
        pair = words.both_sides(visible(change.summary))
        known = pair and change.action in (Action.UPDATE, Action.REPLACE)
        said = prose(change.deviation) or _says(change, why=False)
        declared, observed = (code(pair[1]), code(pair[0])) if known and pair else ("", said)
        what = words.ACTIONS[change.action].drift
        if change.difference is not Difference.DIFFERS:
            what, observed = provenance.DIFFERENCES[change.difference][0], prose(change.reason)
        elif change.provenance:
            observed = "; ".join(filter(None, (observed, prose(provenance.said(change.provenance)))))
        rows.append([what, code(str(change.address)), declared, observed])
    comment.table(["", "Resource", "Declared", "Observed"], rows, "resources")
    _beside(plan, comment)
    return comment.text()


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


def summary(text: str) -> str:
    """A summary with its first sentence in bold."""
    first, _, rest = text.partition(". ")
    return f"**{prose(first)}.** {prose(rest)}" if rest else f"**{prose(text)}**"


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


def _sign(change: Change) -> str:
    return code(words.ACTIONS[change.action].sign)


def _says(change: Change, *, why: bool = True) -> str:
    return prose(change.summary or change.reason or (change.why if why else ""))


def _targets(plan: Plan, comment: Comment) -> None:
    if plan.targets:
        comment.add(
            "\n".join(f"- {code(name)} {prose(words.target_line(info))}" for name, info in plan.targets.items())
        )


def _permissions(plan: Plan, comment: Comment) -> None:
    """Hazards that have to be allowed by name, before everything else."""
    found = [
        f"> - {code(hazard.type)} {code(str(change.address))}: {prose(hazard.message)}"
        for change in plan.changes
        for hazard in words.hazards_of([change])
        if hazard.type in NEEDS_PERMISSION
    ]
    if found:
        head = ["> [!WARNING]", f"> Apply needs {code(words.permissions(plan.changes))}"]
        shown = found[:20]
        more = [f"> - and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
        comment.add("\n".join([*head, *shown, *more]))


def _beside(plan: Plan, comment: Comment) -> None:
    """Notices, and checks that do not pass."""
    notices = [["•", code(str(notice.address)), prose(words.notice(notice))] for notice in plan.notices]
    comment.table(["", "To know", "What"], notices, "notices")
    checks = [
        [words.CHECKS[check.status].sign, code(str(check.address)), prose(f"{check.title}: {check.message}")]
        for check in plan.checks
        if check.status in words.LISTED
    ]
    comment.table(["", "Check", "Seen and wanted"], checks, "checks")


def _steps(change: Change) -> str:
    """The steps of one change in a block of code, with what was measured above it."""
    evidence = f"\n\n{prose(facts(change.evidence))}" if change.evidence else ""
    return f"{_sign(change)} {code(str(change.address))}{evidence}\n\n{fenced(change_lines(change), 'sql')}"
