"""What people are told of an apply of many plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from reconciler.model import FleetReceipt, TargetReceipt, TargetResult, Verdict, WaveReceipt
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.fleet import TARGET
from reconciler.reports.labels import counted
from reconciler.reports.narrowing import narrowed_to
from reconciler.reports.several import FEW, several, together
from reconciler.reports.unreachable import unread_summary
from reconciler.reports.waves import WHY, ended

SAID: Mapping[TargetResult, str] = {
    TargetResult.APPLIED: "applied",
    TargetResult.NOTHING_TO_DO: "had nothing to do",
    TargetResult.DONE_BEFORE: "done before",
    TargetResult.NOT_APPROVED: "not approved",
    TargetResult.HELD: "held by another apply",
    TargetResult.UNREACHABLE: "not reached",
    TargetResult.FAILED: "failed",
    TargetResult.NOT_RUN: "not run",
}
"""In the order in which a summary counts them."""

_STILL = (Verdict.IN_SYNC, None)


class TargetRow(NamedTuple):
    """A target, several, or a wave, that did not simply succeed: `says` what became of it, `more` the lines of why."""

    name: str
    says: str
    more: Sequence[str]


class RunReport(NamedTuple):
    """The targets that somebody has to look at, and what all of them come to."""

    targets: Sequence[TargetRow]
    summary: Sequence[str]


def run_report(receipt: FleetReceipt) -> RunReport:
    """A run in rows and sentences. Of many targets, those that were not run for one reason are told of together."""
    rows = [_wave(wave) for wave in receipt.waves if wave.stopped]
    told_of = [
        (name, each) for name, each in receipt.targets.items() if not each.succeeded or each.verdict not in _STILL
    ]
    for same in together(told_of, _alike, many=len(receipt.targets) > FEW):
        of = several([name for name, _ in same])
        rows.append(_row(of.says if of else visible(same[0][0]), same[0][1]))
    counts = Counter(target.result for target in receipt.targets.values())
    told = [f"{counts[result]} {said}" for result, said in SAID.items() if counts[result]]
    of_shard = f" of the shard {receipt.shard}" if receipt.shard else ""
    first = f"{counted(len(receipt.targets), TARGET)}{of_shard}{': ' if told else ''}{', '.join(told)}."
    said = [] if receipt.complete else ["The run did not come to its end."]
    if receipt.partial:
        said.append(f"The plans were narrowed to {narrowed_to(receipt.partial)}, and nothing is said of the rest.")
    return RunReport(rows, [first, *said, *unread_summary(receipt.unseen)])


def _alike(told: tuple[str, TargetReceipt]) -> Hashable:
    """Of those that were not run, the reason; each other target is told of by itself."""
    name, receipt = told
    return receipt.not_run or name


def _row(name: str, target: TargetReceipt) -> TargetRow:
    left = f" ({target.verdict})" if target.verdict not in _STILL else ""
    first, *more = visible_lines(WHY[target.not_run] if target.not_run else target.message)
    return TargetRow(name, f"{SAID[target.result]}{left}{': ' if first else ''}{first}", more)


def _wave(wave: WaveReceipt) -> TargetRow:
    says, more = ended(wave)
    return TargetRow(f"wave {wave.number}", says, more)
