"""What an apply did, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.model import Address, Applied, ChangeReceipt, Fact, Receipt
from reconciler.views import words
from reconciler.views.page import Page, visible, visible_lines, wrap
from reconciler.views.quantities import duration, fact, quantity
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
    if not total:
        return "There was nothing to apply."
    left = "Nothing remains to be changed." if receipt.succeeded else "What is left needs a new plan."
    if receipt.unlooked and not receipt.remaining and counts[Applied.APPLIED] + counts[Applied.SKIPPED] == total:
        left = "Whether anything is left only a new plan tells."
    took = duration((receipt.finished_at - receipt.started_at).total_seconds())
    waits = len(receipt.waiting)
    waiting = f" {waits} {'waits' if waits == 1 else 'wait'} for a restart." if waits else ""
    return (
        f"Applied {counts[applied]} of {total} change{'' if total == 1 else 's'} in {took}"
        f"{'; ' + ', '.join(rest) if rest else ''}."
        f" {left}{waiting}"
    )
