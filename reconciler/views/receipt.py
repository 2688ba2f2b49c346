"""What an apply did, as text."""

from __future__ import annotations

from collections import Counter

from reconciler.model import ChangeReceipt, Receipt
from reconciler.views import words
from reconciler.views.page import Page, visible, wrap
from reconciler.views.quantities import duration
from reconciler.views.text import Row, grouped


def text(receipt: Receipt, page: Page) -> str:
    """One row a change, what still differs, and a summary as the last line."""
    rows = (
        Row(words.ACTIONS[change.action].sign, words.APPLIED[change.result][1], change.address, _says(change))
        for change in receipt.changes
    )
    lines = grouped(rows, page)
    if receipt.remaining:
        remaining = ", ".join(visible(str(address)) for address in receipt.remaining)
        lines += wrap(f"A new plan still wants to change {remaining}.", page.columns, hang="  ")
    return "\n".join([*lines, page.paint(_summary(receipt), "bold")]) + "\n"


def _says(change: ChangeReceipt) -> str:
    word = words.APPLIED[change.result][0]
    took = f" in {duration(change.seconds)}" if change.seconds else ""
    return f"{word}{took}{': ' if change.message else ''}{visible(change.message)}"


def _summary(receipt: Receipt) -> str:
    """`Applied 3 of 5 changes in 12 s; 1 skipped, 1 failed.`"""
    counts = Counter(change.result for change in receipt.changes)
    (applied, _), *others = words.APPLIED.items()
    rest = [f"{counts[result]} {word}" for result, (word, _) in others if counts[result]]
    total = len(receipt.changes)
    took = duration((receipt.finished_at - receipt.started_at).total_seconds())
    return (
        f"Applied {counts[applied]} of {total} change{'' if total == 1 else 's'} in {took}"
        f"{'; ' + ', '.join(rest) if rest else ''}."
        f"{' Nothing remains to be changed.' if receipt.succeeded else ''}"
    )
