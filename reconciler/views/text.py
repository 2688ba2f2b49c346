"""A plan, and drift, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.model import Address, Plan, SqlStep
from reconciler.reports.changes import ChangeRow
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.checks import CheckRow
from reconciler.reports.drift import DriftRow, drift_report
from reconciler.reports.idle_rules import SIGN, IdleRow
from reconciler.reports.notices import NoticeRow
from reconciler.reports.plan import plan_report
from reconciler.reports.several import Several
from reconciler.reports.steps import StepRow
from reconciler.reports.target import TargetRow
from reconciler.reports.unreachable import UnreadRow
from reconciler.views import colours
from reconciler.views.text_layout import Page, cells, left, right, wrap

DETAIL = " " * 6
"""What is said beneath an address is indented so far."""

SHORT = 16
"""Cells. Sides of `before → after` up to here are aligned at the arrow; longer ones would push all others away."""


class Row(NamedTuple):
    """A line of its own with an address, and the lines beneath; `says` and `notes` stand beside it if they fit.

    An empty line divides sections, and kinds inside them, unless both rows are of one line.
    """

    sign: str
    style: str
    address: Address
    says: str
    beneath: tuple[str, ...] = ()
    section: str = ""
    notes: str = ""
    several: Several | None = None

    @property
    def name(self) -> str:
        """What it is called beneath its target, or beneath the heading of several."""
        return visible(str(self.address) if self.several is None else "/".join(self.address[1:]))

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that it is about."""
        return (self.address.target,) if self.several is None else self.several.names


def plan(plan: Plan, page: Page) -> str:
    """Everything that an apply would do, and what a reviewer has to know beside."""
    report = plan_report(plan, grouped=True)
    changes, legend = (report.changes, ()) if page.verbose else report.quiet
    closing = [page.paint(line, "dim") for says in legend for line in wrap(says, page.columns, hang="  ")]
    closing += [""] if legend else []
    if report.order:
        closing += [report.order.says, *(f"  {turn.number}. {turn.says}" for turn in report.order.turns), ""]
    closing += _summary(report.summary, page)
    if report.permissions:
        closing += wrap(f"{report.permissions.needed}.", page.columns, hang="  ")
    if report.digest:
        closing += [page.paint(line, "dim") for line in wrap(str(report.digest), page.columns, hang="  ")]
    rows = [
        *_changes(changes, page),
        *map(_notice, report.notices),
        *(_check(one, page) for one in report.checks),
    ]
    closing = [*unread(report.unread, page), *_idle(report.idle_rules, page), *closing]
    return _page(report.targets, rows, closing, page)


def drift(plan: Plan, page: Page) -> str:
    """What differs from what is declared."""
    report = drift_report(plan, grouped=True)
    closing = _summary(report.summary, page)
    if report.mended_by:
        closing.append(page.paint(str(report.mended_by), "dim"))
    # The checklist is decided by `check`; of it drift only says how many items fail.
    rows = [*(_drifted(one, page) for one in report.resources), *map(_notice, report.notices)]
    closing = [*unread(report.unread, page), *_idle(report.idle_rules, page), *closing]
    return _page(report.targets, rows, closing, page)


def _idle(rows: Sequence[IdleRow], page: Page) -> list[str]:
    """Ignore rules that ignore nothing; an empty line after all of them."""
    lines = []
    for row in rows:
        first, *more = wrap(f"{right(SIGN, 3)} {row.pattern}  {row.says}", page.columns, hang=DETAIL)
        lines += [page.paint(first, "yellow"), *(page.paint(line, "yellow") for line in more)]
    return [*lines, ""] if lines else []


def header(targets: Sequence[TargetRow], page: Page) -> list[str]:
    """The targets: in one line if they fit, else one below the other."""
    rows = [(visible(target.name), target.says) for target in targets]
    indent = max((cells(name) for name, _ in rows), default=0) + 2
    lines = [page.paint(left(name, indent), "bold") + says for name, says in rows]
    width = sum(max(indent, cells(name) + 2) + cells(says) + 8 for name, says in rows) - 8
    if width > page.columns:
        return lines
    return ["        ".join(page.paint(name, "bold") + "  " + says for name, says in rows)]


def unread(rows: Sequence[UnreadRow], page: Page) -> list[str]:
    """Targets that were not read, each with why and what to do about it; an empty line after all of them."""
    lines = []
    for row in rows:
        start = f"{right(row.sign, 3)} {row.several.says if row.several else visible(row.target)}"
        first, *more = wrap(f"{start}  {row.says}{row.declared}", page.columns, hang=DETAIL)
        lines.append(page.paint(first[: len(start)], "bold") + first[len(start) :])
        lines += [*more, *(_detail(row.hint, page, "dim") if row.hint else [])]
    return [*lines, ""] if lines else []


def grouped(rows: Iterable[Row], page: Page) -> list[str]:
    """The rows target by target, what is said beside them aligned for each kind; an empty line after each target.

    What is the same on several targets stands before that, beneath a line that tells which, of the most of them first.
    """
    by_targets: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        by_targets.setdefault(row.targets, []).append(row)
    lines = []
    for _, group in sorted(by_targets.items(), key=lambda each: -len(each[0])):
        if heading := group[0].several:
            lines += [page.paint(line, "bold") for line in wrap(heading.says, page.columns, hang="  ")]
        # Kinds have columns of their own where lines beneath divide them; lists of single lines share one.
        divided = {row.section for row in group if row.beneath}
        keys = [(row.section, row.address.kind if row.section in divided else "") for row in group]
        columns: dict[tuple[str, str], int] = {}
        for key, row in zip(keys, group, strict=True):
            column = 4 + min(cells(row.name), page.columns // 2) + 2
            columns[key] = max(column, columns.get(key, 0))
        for place, (key, row) in enumerate(zip(keys, group, strict=True)):
            if place and keys[place - 1] != key and (group[place - 1].beneath or row.beneath):
                lines.append("")
            lines += [*_headline(row, columns[key], page), *row.beneath]
        lines.append("")
    return lines


def _page(targets: Sequence[TargetRow], rows: Sequence[Row], closing: Sequence[str], page: Page) -> str:
    order = {target.name: place for place, target in enumerate(targets)}
    ordered = sorted(rows, key=lambda row: order.get(row.address.target, len(order)))
    top = [*header(targets, page), ""] if rows and targets else []
    return "\n".join(line.rstrip() for line in [*top, *grouped(ordered, page), *closing]) + "\n"


def _summary(sentences: Sequence[str], page: Page) -> list[str]:
    """The summary, its first sentence in bold, and on a line of its own where not all fits into one."""
    first, rest = sentences[0], " ".join(sentences[1:])
    if rest and cells(f"{first} {rest}") <= page.columns:
        return [page.paint(first, "bold") + " " + rest]
    head = [page.paint(line, "bold") for line in wrap(first, page.columns)]
    return [*head, *wrap(rest, page.columns)] if rest else head


def _headline(row: Row, column: int, page: Page) -> list[str]:
    """Sign and address, and beside them what is said, if that is one line; beneath them what is longer."""
    sign = page.paint(right(row.sign, 3), row.style)
    address = row.name
    start = " ".join([sign, page.paint(address, "bold")])
    room = page.columns - column if 4 + cells(address) + 2 <= column else 0
    says, beneath = row.says, row.notes
    if says and beneath and cells(says) + 3 + cells(beneath) <= room:
        says, beneath = f"{says}   {beneath}", ""
    elif cells(says) > room:
        says, beneath = "", "   ".join(part for part in (says.strip(), beneath) if part)
    first = start + " " * (column - 4 - cells(address)) + says.rstrip() if says else start
    return [first, *(_detail(beneath, page, hang="") if beneath else [])]


def _changes(changes: Sequence[ChangeRow], page: Page) -> list[Row]:
    rows = []
    groups: dict[tuple[Several | None, str, str], list[ChangeRow]] = {}
    for change in changes:
        groups.setdefault((change.several, *change.address[:2]), []).append(change)
    for group in groups.values():
        pairs = [pair for change in group if (pair := _short_sides(change))]
        before = max((cells(pair[0]) for pair in pairs), default=0)
        after = max((cells(pair[1]) for pair in pairs), default=0)
        for change in group:
            pair = _short_sides(change)
            says = f"{right(pair[0], before)} → {left(pair[1], after)}" if pair else change.says
            beneath, notes = tuple(_beneath(change, page)), "; ".join(change.notes)
            style = colours.OF_ACTIONS[change.action]
            rows.append(Row(change.sign, style, change.address, says, beneath, notes=notes, several=change.several))
    return rows


def _short_sides(change: ChangeRow) -> tuple[str, str] | None:
    return change.sides if change.sides and max(map(cells, change.sides)) <= SHORT else None


def _beneath(change: ChangeRow, page: Page) -> list[str]:
    """Reason, steps with their hazards, what takes back a failure or all of it, evidence, and why it is wanted."""
    lines = _detail(change.reason, page) if change.reason else []
    lines += _steps(change.steps, page)
    for hazard in change.hazards:
        lines += _detail(f"! {hazard.says}", page, "red" if hazard.needs_permission else "yellow")
    for detail in (*change.on_failure, change.to_undo, change.evidence, change.why):
        if detail:
            lines += _detail(str(detail), page, "dim")
    return lines


def _detail(text: str, page: Page, style: str = "", hang: str = "  ") -> list[str]:
    return [DETAIL + page.paint(line, style) for line in wrap(text, page.columns - len(DETAIL), hang=hang)]


def _steps(steps: Sequence[StepRow], page: Page) -> list[str]:
    """The steps, one below the other; in one line where nothing is said of how they run, and they fit."""
    together = "; ".join(step.line for step in steps)
    of_lines = any("\n" in text for row in steps if isinstance(row.step, SqlStep) for text in row.step.statements)
    if not any(step.how for step in steps) and not of_lines and cells(together) <= page.columns - len(DETAIL):
        return _detail(together, page)
    lines, said = [], ""
    for row in steps:
        if isinstance(row.step, SqlStep):
            lines += _sql(row.step, page, "" if row.how == said else row.how)
        else:
            lines += _detail(row.line, page)
        said = row.how
    return lines


def _sql(step: SqlStep, page: Page, how: str) -> list[str]:
    """The statements, and how they run at the right edge."""
    room = page.columns - len(DETAIL)
    lines = []
    for statement in step.statements:
        first, *others = visible_lines(statement)
        lines += wrap(first, room, hang="  ")
        for line in others:
            lines += wrap("  " + line, room, hang=" " * (len(line) - len(line.lstrip(" ")) + 4))
    if lines and cells(lines[-1]) + 3 + cells(how) <= room:
        lines[-1] += " " * (room - cells(lines[-1]) - cells(how)) + page.paint(how, "dim")
    elif how:
        lines += [" " * (room - cells(line)) + page.paint(line, "dim") for line in wrap(how, room)]
    return [DETAIL + line for line in lines]


def _drifted(one: DriftRow, page: Page) -> Row:
    beneath = tuple(line for says in (one.seen, one.cause) if says for line in _detail(says, page, "dim"))
    return Row(one.sign, colours.OF_ACTIONS[one.action], one.address, one.says, beneath, several=one.several)


def _notice(one: NoticeRow) -> Row:
    return Row(one.sign, colours.NOTICE, one.address, one.says, section="notices", several=one.several)


def _check(one: CheckRow, page: Page) -> Row:
    about = ", ".join(filter(None, (one.graded, one.declared_at)))
    beneath = tuple(_detail(about, page, "dim"))
    return Row(
        one.sign, colours.OF_CHECKS[one.status], one.address, one.finding, beneath, "checks", several=one.several
    )
