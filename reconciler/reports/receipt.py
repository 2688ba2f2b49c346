"""What an apply did: what became of each change, what is left, and what all of it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Action, Address, Applied, ChangeReceipt, Fact, NoticeType, Receipt, Verdict
from reconciler.planning.exit_codes import Left, left_by
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.labels import ACTIONS, APPLIED, CHANGE, NOTICES, counted, listed, numbered
from reconciler.reports.narrowing import narrowed_to
from reconciler.reports.quantities import duration, fact, quantity
from reconciler.reports.rollback import rollback_summary
from reconciler.reports.summary import of_kinds
from reconciler.reports.timeline import Stretch, timeline

Planned = Mapping[Address, Sequence[Fact]]
"""The evidence of the plan that was applied."""


class AppliedRow(NamedTuple):
    """One change: `says` what became of it and why, `more` the further lines of why, `measured` what was."""

    address: Address
    action: Action
    result: Applied
    verdict: Verdict
    sign: str
    says: str
    more: tuple[str, ...]
    measured: str


class Listing(NamedTuple):
    """What is true of several resources."""

    says: str
    addresses: tuple[Address, ...]


class ReceiptReport(NamedTuple):
    """`notes` of the whole apply, what is `left` and why, and a `summary` in sentences."""

    changes: tuple[AppliedRow, ...]
    notes: tuple[str, ...]
    left: tuple[Listing, ...]
    summary: tuple[str, ...]
    verdict: Verdict
    timeline: tuple[Stretch, ...]


def receipt_report(receipt: Receipt, planned: Planned) -> ReceiptReport:
    """A receipt in rows and sentences, with the plan's estimates beside what was measured."""
    left = left_by(receipt)
    return ReceiptReport(
        changes=tuple(_row(change, planned.get(change.address, ()), left) for change in receipt.changes),
        notes=tuple(map(visible, [*_agreed(receipt), *receipt.notes])),
        left=_left(receipt),
        summary=_summary(receipt, left),
        verdict=receipt.verdict,
        timeline=timeline(receipt),
    )


def _row(change: ChangeReceipt, planned: Sequence[Fact], left: Left) -> AppliedRow:
    took = f" in {duration(change.seconds)}" if change.seconds else ""
    first, *more = visible_lines(change.message)
    return AppliedRow(
        address=change.address,
        action=change.action,
        result=change.result,
        verdict=left.of_change(change),
        sign=ACTIONS[change.action].sign,
        says=f"{APPLIED[change.result]}{took}{': ' if first else ''}{first}",
        more=tuple(more),
        measured=", ".join(_measured(one, planned) for one in change.evidence),
    )


def _measured(one: Fact, planned: Sequence[Fact]) -> str:
    """`index 30 MB (about 28 MB planned)`: with the plan's estimate of the same name, where it had one."""
    for estimate in planned:
        if (estimate.name, estimate.unit) == (one.name, one.unit) and not isinstance(estimate.value, str):
            return f"{fact(one)} (about {quantity(estimate.value, estimate.unit)} planned)"
    return fact(one)


def _agreed(receipt: Receipt) -> list[str]:
    """Who has approved it, and why it was applied while no window was open."""
    by = [f"{each.principal} ({each.key})" for each in receipt.approved_by]
    said = [f"Approved by {listed(by)}."] if by else []
    return [*said, *([f"Outside of its windows: {receipt.outside_window}"] if receipt.outside_window else [])]


def _left(receipt: Receipt) -> tuple[Listing, ...]:
    """What still differs; and by the reason, what could not be looked at again."""
    remaining = [Listing("A new plan still wants to change:", receipt.remaining)] if receipt.remaining else []
    unlooked: dict[str, list[Address]] = {}
    for one in receipt.unlooked:
        unlooked.setdefault(one.why, []).append(one.address)
    return (*remaining, *(Listing(f"Not looked at again: {visible(why)}", tuple(at)) for why, at in unlooked.items()))


def _summary(receipt: Receipt, left: Left) -> tuple[str, ...]:
    """`Applied 3 of 5 changes in 12 s; 1 skipped, 1 failed.`, and what is left."""
    beside = (
        (receipt.blocked, NoticeType.BLOCKED),
        (receipt.half_way, NoticeType.NOT_PERSISTED),
        (receipt.waiting, NoticeType.WAITS_FOR_RESTART),
    )
    said = rollback_summary(receipt.rolls_back)
    said += [f"{of_kinds(which)} {numbered(len(which), NOTICES[type])}." for which, type in beside if which]
    if receipt.partial:
        said.append(f"The plan was narrowed to {narrowed_to(receipt.partial)}, and nothing is said of the rest.")
    if receipt.unseen:
        names = visible(listed(receipt.unseen))
        said.append(f"Not read when the plan was made, and not changed: {names}.")
    if not receipt.changes:
        return ("There was nothing to apply.", *said)
    counts = Counter(change.result for change in receipt.changes)
    others = [
        f"{counts[each]} {word}" for each, word in APPLIED.items() if counts[each] and each is not Applied.APPLIED
    ]
    took = duration((receipt.finished_at - receipt.started_at).total_seconds())
    first = f"Applied {counts[Applied.APPLIED]} of {counted(len(receipt.changes), CHANGE)} in {took}"
    return (f"{first}{'; ' + ', '.join(others) if others else ''}.", *_what_is_left(receipt, left), *said)


def _what_is_left(receipt: Receipt, left: Left) -> list[str]:
    """The sentence about what remains, where one is true."""
    if receipt.remaining or any(left.of_change(change) is Verdict.DIFFERS for change in receipt.changes):
        return ["What is left needs a new plan."]
    if receipt.unlooked:
        return ["Whether anything is left only a new plan tells."]
    return (
        [f"Nothing{' of it' if receipt.partial else ''} remains to be changed."]
        if receipt.verdict in (Verdict.IN_SYNC, Verdict.WAITS)
        else []
    )
