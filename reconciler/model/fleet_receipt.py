"""What an apply of many plans did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from reconciler.model.base import Frozen
from reconciler.model.shard import Shard
from reconciler.model.verdict import Verdict


class TargetResult(StrEnum):
    """What became of one target's plan."""

    APPLIED = "applied"
    """All of its changes are made, by this run or before it: each of them was looked at."""
    NOTHING_TO_DO = "nothing-to-do"
    """It has no changes. Nobody connected."""
    DONE_BEFORE = "done-before"
    """A receipt of an earlier run says that all of it was made. Nobody connected."""
    NOT_APPROVED = "not-approved"
    """Some change of it is in no group that was approved: nothing ran."""
    HELD = "held"
    """Another apply is at work there: nothing ran."""
    UNREACHABLE = "unreachable"
    """It did not answer, or refused us: nothing ran."""
    FAILED = "failed"
    """It was refused, or some change of it was not made; the receipt of the target, where there is one, says which."""
    NOT_RUN = "not-run"
    """The run ended before its turn came; `TargetReceipt.not_run` says why."""


class NotRun(StrEnum):
    """Why the turn of a target did not come, or a wave is the last one that was begun."""

    INTERRUPTED = "interrupted"
    """Somebody asked the run to end."""
    FAILURES = "failures"
    """So many targets failed as may fail in all (`stop_after`)."""
    UNREACHABLE = "unreachable"
    """So many did not answer as may not (`stop_after_unreachable`)."""


class TargetReceipt(Frozen):
    """What became of one target's plan, and why.

    verdict    what was left of the target, where its plan was applied, or had nothing to do.
    succeeded  whether an apply of this target alone would end with 0.
    not_run    why its turn did not come, where it did not.
    """

    plan_digest: str
    result: TargetResult
    verdict: Verdict | None = None
    succeeded: bool
    message: str = ""
    not_run: NotRun | None = None


class FleetReceipt(Frozen):
    """What one run made of the plans of a fleet, or of those of a shard.

    run           its name, and that of the folder which holds the receipts of the targets.
    fleet_digest  of the index.
    approved      the groups that were approved; None: all, by the digest of the index.
    unseen        the targets that could not be read when the plans were made: nothing of them was applied.
    complete      every target has come to its end; not so in what is left of a run that was killed.
    succeeded     whether `apply` ends with 0: it is complete, all of its targets succeeded, and none is unseen.
    """

    reconciler_version: str
    run: str
    fleet_digest: str
    shard: Shard | None = None
    approved: tuple[str, ...] | None = None
    started_at: datetime
    finished_at: datetime
    targets: Mapping[str, TargetReceipt]
    unseen: tuple[str, ...] = ()
    complete: bool
    succeeded: bool
