"""What an apply did, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.model import Address, ChangeReceipt, Fact, NoticeType, Receipt, Verdict
from reconciler.planning.verdict import left_by
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.quantities import duration, fact, quantity
from reconciler.views import words
from reconciler.views.page import Page, wrap
from reconciler.views.text import DETAIL, Row, grouped

Planned = Mapping[Address, Sequence[Fact]]
"""The evidence of the plan that was applied."""


def text(receipt: Receipt, page: Page, planned: Planned) -> str:
    """One row a change with what was measured, what still differs, and a summary as the last line."""
    lines = grouped((_row(change, planned.get(change.address, ()), page) for change in receipt.changes), page)
    if receipt.notes:
        lines += [*(line for note in receipt.notes for line in wrap(f"• {visible(note)}", page.columns, hang="  ")), ""]
    if receipt.remaining:
        lines += ["A new plan still wants to change:", *(f"  {visible(str(one))}" for one in receipt.remaining), ""]
    for why, which in _unlooked(receipt).items():
        lines += [*wrap(f"Not looked at again: {visible(why)}", page.columns, hang="  "), *which, ""]
    return "\n".join([*lines, page.paint(_summary(receipt), "bold")]) + "\n"


def _unlooked(receipt: Receipt) -> dict[str, list[str]]:
    """By the reason, what could not be looked at again."""
    found: dict[str, list[str]] = {}
    for one in receipt.unlooked:
        found.setdefault(one.why, []).append(f"  {visible(str(one.address))}")
    return found


def _row(change: ChangeReceipt, planned: Sequence[Fact], page: Page) -> Row:
    """The result beside the address; the rest of a message of several lines beneath, and what was measured."""
    word, style = words.APPLIED[change.result]
    took = f" in {duration(change.seconds)}" if change.seconds else ""
    first, *others = visible_lines(change.message)
    says = f"{word}{took}{': ' if first else ''}{first}"
    beneath = [DETAIL + line for other in others for line in wrap(other, page.columns - len(DETAIL), hang="  ")]
    if change.evidence:
        said = ", ".join(_measured(one, planned) for one in change.evidence)
        beneath += [page.paint(DETAIL + line, "dim") for line in wrap(said, page.columns - len(DETAIL), hang="  ")]
    return Row(words.ACTIONS[change.action].sign, style, change.address, says, tuple(beneath))


def _measured(one: Fact, planned: Sequence[Fact]) -> str:
    """`index 30 MB (about 28 MB planned)`: with the plan's estimate of the same name, where it had one."""
    for estimate in planned:
        if (estimate.name, estimate.unit) == (one.name, one.unit) and not isinstance(estimate.value, str):
            return f"{fact(one)} (about {quantity(estimate.value, estimate.unit)} planned)"
    return fact(one)


def _summary(receipt: Receipt) -> str:
    """`Applied 3 of 5 changes in 12 s; 1 skipped, 1 failed.`"""
    counts = Counter(change.result for change in receipt.changes)
    (applied, _), *others = words.APPLIED.items()
    rest = [f"{counts[result]} {word}" for result, (word, _) in others if counts[result]]
    total = len(receipt.changes)
    took = duration((receipt.finished_at - receipt.started_at).total_seconds())
    counted = [
        (len(receipt.blocked), words.NOTICES[NoticeType.BLOCKED]),
        (len(receipt.half_way), words.NOTICES[NoticeType.NOT_PERSISTED]),
        (len(receipt.waiting), words.NOTICES[NoticeType.WAITS_FOR_RESTART]),
    ]
    left = "".join(f" {count} {said[count != 1]}." for count, said in counted if count)
    if not total:
        return f"There was nothing to apply.{left}"
    if receipt.remaining or any(left_by(receipt).of_change(change) is Verdict.DIFFERS for change in receipt.changes):
        left = f" What is left needs a new plan.{left}"
    elif receipt.unlooked:
        left = f" Whether anything is left only a new plan tells.{left}"
    elif receipt.verdict in (Verdict.IN_SYNC, Verdict.WAITS):
        left = f" Nothing remains to be changed.{left}"
    return (
        f"Applied {counts[applied]} of {total} change{'' if total == 1 else 's'} in {took}"
        f"{'; ' + ', '.join(rest) if rest else ''}.{left}"
    )
