"""A plan, and drift, as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from reconciler.model import (
    NEEDS_PERMISSION,
    Action,
    Address,
    Change,
    Difference,
    Plan,
    SqlStep,
    Step,
)
from reconciler.reports import provenance
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.quantities import facts
from reconciler.views import words
from reconciler.views.page import Page, cells, left, right, wrap

DETAIL = " " * 6
"""What is said beneath an address is indented so far."""

USUAL_TIMEOUTS = (SqlStep.model_fields["lock_timeout"].default, SqlStep.model_fields["statement_timeout"].default)
"""Of a step that is over in an instant; every format but this one writes them out."""

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


def plan(plan: Plan, page: Page) -> str:
    """Everything that an apply would do, and what a reviewer has to know beside."""
    summary = words.plan_summary(plan)
    allowed = words.permissions(plan.changes)
    closing = [*_summary(summary, page), *(wrap(f"Apply needs {allowed}.", page.columns, hang="  ") if allowed else [])]
    order = [f"  {line}" for line in words.order(plan)]
    if plan.changes and plan.digest:
        closing += [page.paint(line, "dim") for line in wrap(f"Digest {plan.digest}", page.columns, hang="  ")]
    ordered = ["One after the other, each only after all before it:", *order, ""] if order else []
    return _page(plan, page, _changes, [*ordered, *closing])


def drift(plan: Plan, page: Page) -> str:
    """What differs from what is declared."""
    closing = _summary(words.drift_summary(plan), page)
    if plan.changes:
        closing.append(page.paint("Steps that mend it: reconciler plan", "dim"))
    # The checklist is decided by `check`; of it drift only says how many items fail.
    return _page(plan.model_copy(update={"checks": ()}), page, _drifted, closing)


def header(plan: Plan, page: Page) -> list[str]:
    """The targets: in one line if they fit, else one below the other."""
    names = {name: visible(name) for name in plan.targets}
    indent = max(map(cells, names.values()), default=0) + 2
    says = {name: words.target_line(info) for name, info in plan.targets.items()}
    lines = [page.paint(left(names[name], indent), "bold") + says[name] for name in plan.targets]
    width = sum(max(indent, cells(names[name]) + 2) + cells(says[name]) + 8 for name in plan.targets) - 8
    if width > page.columns:
        return lines
    return ["        ".join(page.paint(names[name], "bold") + "  " + says[name] for name in plan.targets)]


def grouped(rows: Iterable[Row], page: Page) -> list[str]:
    """The rows target by target, what is said beside them aligned for each kind; an empty line after each target."""
    by_target: dict[str, list[Row]] = {}
    for row in rows:
        by_target.setdefault(row.address.target, []).append(row)
    lines = []
    for group in by_target.values():
        # Kinds have columns of their own where lines beneath divide them; lists of single lines share one.
        divided = {row.section for row in group if row.beneath}
        keys = [(row.section, row.address.kind if row.section in divided else "") for row in group]
        columns: dict[tuple[str, str], int] = {}
        for key, row in zip(keys, group, strict=True):
            column = 4 + min(cells(visible(str(row.address))), page.columns // 2) + 2
            columns[key] = max(column, columns.get(key, 0))
        for place, (key, row) in enumerate(zip(keys, group, strict=True)):
            if place and keys[place - 1] != key and (group[place - 1].beneath or row.beneath):
                lines.append("")
            lines += [*_headline(row, columns[key], page), *row.beneath]
        lines.append("")
    return lines


def _page(plan: Plan, page: Page, changes: Callable[[Plan, Page], list[Row]], closing: Sequence[str]) -> str:
    rows = [*changes(plan, page), *_notices(plan), *_checks(plan, page)]
    order = {name: place for place, name in enumerate(plan.targets)}
    rows.sort(key=lambda row: order.get(row.address.target, len(order)))
    top = [*header(plan, page), ""] if rows else []
    return "\n".join(line.rstrip() for line in [*top, *grouped(rows, page), *closing]) + "\n"


def _summary(summary: str, page: Page) -> list[str]:
    """The summary, its first sentence in bold, and on a line of its own where not all fits into one."""
    first, _, rest = summary.partition(". ")
    if rest and cells(summary) <= page.columns:
        return [page.paint(first + ".", "bold") + " " + rest]
    head = [page.paint(line, "bold") for line in wrap(first + "." if rest else first, page.columns)]
    return [*head, *wrap(rest, page.columns)] if rest else head


def _headline(row: Row, column: int, page: Page) -> list[str]:
    """Sign and address, and beside them what is said, if that is one line; beneath them what is longer."""
    sign = page.paint(right(row.sign, 3), row.style)
    address = visible(str(row.address))
    start = " ".join([sign, page.paint(address, "bold")])
    room = page.columns - column if 4 + cells(address) + 2 <= column else 0
    says, beneath = row.says, row.notes
    if says and beneath and cells(says) + 3 + cells(beneath) <= room:
        says, beneath = f"{says}   {beneath}", ""
    elif cells(says) > room:
        says, beneath = "", "   ".join(part for part in (says.strip(), beneath) if part)
    first = start + " " * (column - 4 - cells(address)) + says.rstrip() if says else start
    return [first, *(_detail(beneath, page, hang="") if beneath else [])]


def _changes(plan: Plan, page: Page) -> list[Row]:
    rows = []
    for place in dict.fromkeys(change.address[:2] for change in plan.changes):
        group = [change for change in plan.changes if change.address[:2] == place]
        pairs = [pair for change in group if (pair := _short_sides(change))]
        before = max((cells(pair[0]) for pair in pairs), default=0)
        after = max((cells(pair[1]) for pair in pairs), default=0)
        for change in group:
            action = words.ACTIONS[change.action]
            says, notes = _says(change, before, after), "; ".join(map(visible, words.notes(change)))
            beneath = tuple(_beneath(change, page))
            rows.append(Row(action.sign, action.style, change.address, says, beneath, notes=notes))
    return rows


def _short_sides(change: Change) -> tuple[str, str] | None:
    pair = words.both_sides(visible(change.summary))
    return pair if pair and max(map(cells, pair)) <= SHORT else None


def _says(change: Change, before: int, after: int) -> str:
    """What stands beside the address: before → after; without a summary the reason, or why it is wanted."""
    if pair := _short_sides(change):
        return f"{right(pair[0], before)} → {left(pair[1], after)}"
    return visible(change.summary or change.reason or change.why)


def _beneath(change: Change, page: Page) -> list[str]:
    """Reason, steps with their hazards, what takes back a failure or all of it, evidence, and why it is wanted."""
    lines = []
    reason = change.reason if change.difference is Difference.DIFFERS else provenance.half_way(change)
    if reason and change.summary:
        lines += _detail(visible(reason), page)
    lines += _steps(change.steps, page)
    for type, line in words.hazards_to_read(change):
        lines += _detail(f"! {visible(line)}", page, "red" if type in NEEDS_PERMISSION else "yellow")
    for statements in words.on_failure(change):
        lines += _detail(f"on failure: {statements}", page, "dim")
    if change.inverse:
        lines += _detail(f"to undo: {words.to_undo(change)}", page, "dim")
    if change.evidence:
        lines += _detail(facts(change.evidence), page, "dim")
    if change.why and (change.summary or change.reason):
        lines += _detail("why: " + visible(change.why), page, "dim")
    return lines


def _detail(text: str, page: Page, style: str = "", hang: str = "  ") -> list[str]:
    return [DETAIL + page.paint(line, style) for line in wrap(text, page.columns - len(DETAIL), hang=hang)]


def _steps(steps: Sequence[Step], page: Page) -> list[str]:
    """The steps, one below the other; in one line where they are instant and fit."""
    together = "; ".join(map(words.in_one_line, steps))
    if not any(map(_note, steps)) and "\n" not in together and cells(together) <= page.columns - len(DETAIL):
        return _detail(together, page)
    lines, said = [], ""
    for step in steps:
        note = _note(step)
        lines += _step(step, page, "" if note == said else note)
        said = note
    return lines


def _note(step: Step) -> str:
    """How a step runs, where that is not as usual for an instant one."""
    if not isinstance(step, SqlStep):
        return ""
    usual = (step.lock_timeout, step.statement_timeout) == USUAL_TIMEOUTS and step.attempts == 1
    return "" if usual and not step.transaction else words.timeouts(step)


def _step(step: Step, page: Page, note: str) -> list[str]:
    if isinstance(step, SqlStep):
        return _sql(step, page, note)
    return _detail(words.in_one_line(step), page)


def _sql(step: SqlStep, page: Page, note: str) -> list[str]:
    """The statements, and how they run at the right edge."""
    room = page.columns - len(DETAIL)
    lines = []
    for statement in step.statements:
        first, *others = visible_lines(statement)
        lines += wrap(first, room, hang="  ")
        for line in others:
            lines += wrap("  " + line, room, hang=" " * (len(line) - len(line.lstrip(" ")) + 4))
    if lines and cells(lines[-1]) + 3 + cells(note) <= room:
        lines[-1] += " " * (room - cells(lines[-1]) - cells(note)) + page.paint(note, "dim")
    else:
        lines += [" " * (room - cells(line)) + page.paint(line, "dim") for line in wrap(note, room)]
    return [DETAIL + line for line in lines]


def _drifted(plan: Plan, page: Page) -> list[Row]:
    rows = []
    for change in words.drifted(plan):
        action = words.ACTIONS[change.action]
        pair = words.both_sides(visible(change.summary))
        if change.difference is not Difference.DIFFERS:
            says = provenance.half_way(change)
        elif pair and change.action in (Action.UPDATE, Action.REPLACE):
            says = f"declared {pair[1]}; observed {pair[0]}"
        else:
            said = [action.drift, visible(change.deviation or change.summary), visible(change.reason)]
            says = ": ".join(part for part in said if part)
        seen = provenance.said(change.provenance) if change.provenance else ""
        beneath = tuple(_detail(seen, page, "dim")) if seen else ()
        rows.append(Row(action.sign, action.style, change.address, says, beneath))
    return rows


def _notices(plan: Plan) -> list[Row]:
    return [
        Row("•", "cyan", notice.address, visible(words.notice(notice)), section="notices") for notice in plan.notices
    ]


def _checks(plan: Plan, page: Page) -> list[Row]:
    rows = []
    for check in plan.checks:
        if check.status in words.LISTED:
            status = words.CHECKS[check.status]
            says = visible(check.message) or status.one
            about = ", ".join(filter(None, (check.title, f"{check.severity} severity", check.declared_at)))
            beneath = tuple(_detail(visible(about), page, "dim"))
            rows.append(Row(status.sign, status.style, check.address, says, beneath, "checks"))
    return rows
