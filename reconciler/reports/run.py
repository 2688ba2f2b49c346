"""What people are told of an apply of many plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model import FleetReceipt, NotRun, TargetResult, Verdict
from reconciler.reports.characters import visible, visible_lines
from reconciler.reports.fleet import TARGET
from reconciler.reports.labels import counted
from reconciler.reports.unreachable import unread_summary

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

WHY_NOT_RUN: Mapping[NotRun, str] = {
    NotRun.INTERRUPTED: "interrupted",
    NotRun.FAILURES: "as many targets have failed as may",
    NotRun.UNREACHABLE: "as many targets were not reached as may be",
}

_STILL = (Verdict.IN_SYNC, None)


class TargetRow(NamedTuple):
    """A target that did not simply succeed: `says` what became of it, `more` the further lines of why."""

    name: str
    says: str
    more: Sequence[str]


class RunReport(NamedTuple):
    """The targets that somebody has to look at, and what all of them come to."""

    targets: Sequence[TargetRow]
    summary: Sequence[str]


def run_report(receipt: FleetReceipt) -> RunReport:
    """A run in rows and sentences."""
    rows = []
    for name, target in receipt.targets.items():
        if target.succeeded and target.verdict in _STILL:
            continue
        left = f" ({target.verdict})" if target.verdict not in _STILL else ""
        first, *more = visible_lines(WHY_NOT_RUN[target.not_run] if target.not_run else target.message)
        rows.append(TargetRow(visible(name), f"{SAID[target.result]}{left}{': ' if first else ''}{first}", more))
    counts = Counter(target.result for target in receipt.targets.values())
    told = [f"{counts[result]} {said}" for result, said in SAID.items() if counts[result]]
    of_shard = f" of the shard {receipt.shard}" if receipt.shard else ""
    first = f"{counted(len(receipt.targets), TARGET)}{of_shard}{': ' if told else ''}{', '.join(told)}."
    killed = [] if receipt.complete else ["The run did not come to its end."]
    return RunReport(rows, [first, *killed, *unread_summary(receipt.unseen)])
