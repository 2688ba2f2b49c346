"""What became of each change so far: complete at every moment, whatever happens next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from reconciler import __version__
from reconciler.model import (
    Address,
    Applied,
    Approver,
    Change,
    ChangeReceipt,
    Commits,
    Fact,
    Plan,
    Receipt,
    StepReceipt,
)
from reconciler.model.event import Event, Finished, Noted
from reconciler.planning import exit_codes
from reconciler.planning.plan_after_apply import After

DONE = frozenset({Applied.APPLIED, Applied.SKIPPED})
"""Results after which the live system is as the change promised."""

Record = Callable[[Receipt], None]
"""Told of the receipt as it is by now, after each change. Called from several threads, one at a time."""


class Ledger:
    """The receipts of one apply, as its events tell of them; read by several threads."""

    def __init__(
        self, plan: Plan, now: Callable[[], datetime], record: Record, *,
        approved_by: Sequence[Approver] = (), outside_window: str = "", commit: str = "",
    ) -> None:  # fmt: skip
        """`approved_by`, `outside_window` and `commit` as in `Receipt`."""
        self._commit = commit
        self._approved_by = tuple(approved_by)
        self._outside_window = outside_window
        self._plan = plan
        self._now = now
        self._record = record
        self._started_at = now()
        self._receipts: dict[Address, ChangeReceipt] = {}
        self._notes: list[str] = []

    def __getitem__(self, change: Change) -> ChangeReceipt:
        """The receipt of `change`; of one that has not come to its end: not run."""
        return self._receipts.get(change.address) or not_run(change, "the apply did not come to its end")

    def __call__(self, told: Event) -> None:
        """Enters a change that has come to its end, and what is noted. Raises what `record` raises; by then it is
        entered."""
        match told:
            case Finished():
                self._receipts[told.address] = told.receipt
                self._record(self.receipt())
            case Noted():
                self._notes.append(told.line)

    def is_given_up(self, change: Change) -> bool:
        """Whether `change` has come to its end, and was not made."""
        found = self._receipts.get(change.address)
        return found is not None and found.result not in DONE

    def done(self) -> list[Change]:
        """The changes that are made, by us or before us, in the plan's order."""
        return [change for change in self._plan.changes if self[change].result in DONE]

    def receipt(self, after: After | None = None) -> Receipt:
        """Everything so far, and what a plan said `after` it. Only one in which every change has come to its end, and
        behind which somebody has looked, can be a success, and what was held remains. What no longer waits for a
        restart is not said to."""
        changes = tuple(self[change] for change in self._plan.changes)
        if after is not None:
            still = {*after.waiting, *(one.address for one in after.unlooked)}
            changes = tuple(
                one.model_copy(update={"message": ""})
                if one.result is Applied.APPLIED and one.waits and one.address not in still
                else one
                for one in changes
            )
        changed = {one.address.target for one in changes}
        held = [one.address for one in changes if one.result is Applied.HELD]
        left = exit_codes.Left(
            changes,
            unseen=self._plan.unseen,
            remaining=(*held, *(after.remaining if after else ())),
            waiting=tuple(after.waiting) if after else (),
            unlooked=tuple(after.unlooked) if after else (),
            blocked=exit_codes.blocked(self._plan),
            half_way=tuple(dict.fromkeys((*exit_codes.half_way(self._plan), *(after.half_way if after else ())))),
            beside=exit_codes.beside(self._plan),
        )
        return Receipt(
            reconciler_version=__version__,
            plan_digest=self._plan.digest,
            started_at=self._started_at,
            finished_at=self._now(),
            targets={name: info for name, info in self._plan.targets.items() if name in changed},
            git=Commits(commit=self._commit, plan=self._plan.commit),
            rolls_back=self._plan.rolls_back,
            **left._asdict(),
            partial=self._plan.partial,
            verdict=left.of_all(),
            succeeded=after is not None and left.succeeded(allow_blocked=self._plan.allow_blocked),
            notes=tuple(self._notes),
            approved_by=self._approved_by,
            outside_window=self._outside_window,
        )


def not_run(change: Change, why: str) -> ChangeReceipt:
    """The receipt of a change of which nothing ran."""
    return receipt_of(change, Applied.NOT_RUN, why)


def receipt_of(
    change: Change, result: Applied, message: str, *,
    steps: Sequence[StepReceipt] = (), seconds: float = 0.0, evidence: Sequence[Fact] = (), waits: bool = False,
) -> ChangeReceipt:  # fmt: skip
    """What became of `change`, beside what was planned of it."""
    return ChangeReceipt(
        address=change.address,
        action=change.action,
        before=change.before,
        after=change.after,
        sensitive=change.sensitive,
        inverse=change.inverse,
        result=result,
        message=message,
        steps=tuple(steps),
        seconds=seconds,
        evidence=tuple(evidence),
        waits=waits,
    )


def no_record(receipt: Receipt) -> None:
    """Records nothing."""
