"""What an apply of many plans did."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime, Field

from reconciler.model.address import Address
from reconciler.model.base import Frozen
from reconciler.model.check import CheckVerdict
from reconciler.model.partial import Partial
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
    NONE_APPLIED = "none-applied"
    """Nothing was applied to any target of an earlier wave."""
    HELD = "held"
    """Another apply is at work on a target of an earlier wave."""
    CHECKS = "checks"
    """A check of an earlier wave does not pass, or cannot be decided."""
    SHARDS = "shards"
    """Another shard has not come to the end of an earlier wave."""


class TargetReceipt(Frozen):
    """What became of one target's plan, and why.

    verdict    what was left of the target, where its plan was applied, or had nothing to do.
    succeeded  whether an apply of this target alone would end with 0.
    not_run    why its turn did not come, where it did not.
    ended_at   when the apply of its plan came to its end, be it in an earlier run; None where nothing was applied.
    """

    plan_digest: str
    result: TargetResult
    verdict: Verdict | None = None
    succeeded: bool
    message: str = ""
    not_run: NotRun | None = None
    ended_at: AwareDatetime | None = None


class WaveReceipt(Frozen):
    """What the wave of this `number`, from 1, came to, of the targets of one run.

    stopped  why no further wave is begun; None: nothing is against it.
    checks   what those that are declared for its targets came to; None: they were not asked for.
    failing  the checks that do not pass, or could not be decided.
    message  what was in the way of deciding them, for people.
    """

    number: int = Field(ge=1)
    stopped: NotRun | None = None
    checks: CheckVerdict | None = None
    failing: tuple[Address, ...] = ()
    message: str = ""


class FleetReceipt(Frozen):
    """What one run made of the plans of a fleet, or of those of a shard.

    run           its name, and that of the folder which holds the receipts of the targets.
    fleet_digest  of the index.
    approved      the groups that were approved; None: all, by the digest of the index.
    unseen        the targets that could not be read when the plans were made: nothing of them was applied.
    partial       what the plans were narrowed to: of the rest the receipt says nothing.
    waves         of a rollout, those that were begun.
    complete      every target has come to its end; not so in what is left of a run that was killed.
    succeeded     whether `apply` ends with 0: it is complete, all of its targets succeeded, no wave stopped it, and
                  none is unseen.
    """

    reconciler_version: str
    run: str
    fleet_digest: str
    shard: Shard | None = None
    approved: tuple[str, ...] | None = None
    started_at: AwareDatetime
    finished_at: AwareDatetime
    targets: Mapping[str, TargetReceipt]
    unseen: tuple[str, ...] = ()
    partial: Partial | None = None
    waves: tuple[WaveReceipt, ...] = ()
    complete: bool
    succeeded: bool
