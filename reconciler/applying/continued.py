"""An apply that goes on where an earlier one of the same plan has ended: one receipt covers both.

Decided: docs/decisions.md#receipts-that-are-there-already
"""

from __future__ import annotations

from reconciler.model import Applied, ChangeReceipt, Receipt


def covering(earlier: Receipt | None, now: Receipt) -> Receipt:
    """What was done by both: what `earlier` has made and `now` has found made is told as it was made, and of what both
    were at, all steps. Whether it succeeded is what `now` says, which has looked at all of it."""
    if earlier is None:
        return now
    known = {change.address: change for change in earlier.changes}
    return now.model_copy(
        update={
            "started_at": earlier.started_at,
            "changes": tuple(_of_both(known.get(change.address), change) for change in now.changes),
            "notes": tuple(dict.fromkeys((*earlier.notes, *now.notes))),
            "approved_by": tuple(dict.fromkeys((*earlier.approved_by, *now.approved_by))),
            "outside_window": "; ".join(dict.fromkeys(filter(None, (earlier.outside_window, now.outside_window)))),
        }
    )


def _of_both(earlier: ChangeReceipt | None, now: ChangeReceipt) -> ChangeReceipt:
    if earlier is None or earlier.result is Applied.NOT_RUN:
        return now
    if now.result is Applied.NOT_RUN or (now.result is Applied.SKIPPED and earlier.result is Applied.APPLIED):
        return earlier
    return now.model_copy(
        update={
            "steps": (*earlier.steps, *now.steps),
            "seconds": round(earlier.seconds + now.seconds, 3),
        }
    )
