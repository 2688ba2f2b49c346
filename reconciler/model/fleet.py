"""The plans of many targets, as their index lists them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.base import Frozen
from reconciler.model.change import Action
from reconciler.model.hazard import HazardType
from reconciler.model.partial import Partial
from reconciler.model.rollout import Rollout
from reconciler.model.shard import Shard
from reconciler.model.unreachable import Unreachable
from reconciler.model.verdict import Verdict


class TargetPlan(Frozen):
    """The plan of one target: its digest and verdict, and the groups of its changes, by their digests."""

    digest: str
    verdict: Verdict
    groups: tuple[str, ...] = ()


class ChangeGroup(Frozen):
    """Changes that do the same on several targets, or on one alone: what is approved.

    `digest` is that of `planning.groups.Group`, and not over the targets, which are those whose plans hold such
    a change, as they are declared. `hazards` are those of its steps, each once.
    """

    digest: str
    action: Action
    kind: str
    name: str
    hazards: tuple[HazardType, ...] = ()
    targets: tuple[str, ...]


class Fleet(Frozen):
    """The index of the plans of many targets.

    declared       SHA-256 of all that was declared when they were made: the same for all shards of one state of it.
    shard          whose targets they are; None: all.
    targets        the plan of each target that was read.
    groups         of the changes of all of them, by digest.
    unreachable    what was not read, and has no plan.
    partial        what the plans were narrowed to: of the rest nothing is said. None: they are of all that is declared.
    rollout        in which waves the plans are applied, over the targets of all shards; None: all at once.
    verdict        the worst of all targets.
    digest         SHA-256 over everything else in the file, and so over every plan.
    """

    reconciler_version: str
    created_at: datetime
    declared: str
    shard: Shard | None = None
    allow_blocked: bool = False
    targets: Mapping[str, TargetPlan]
    groups: tuple[ChangeGroup, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    partial: Partial | None = None
    rollout: Rollout | None = None
    verdict: Verdict
    digest: str = ""

    @property
    def unseen(self) -> tuple[str, ...]:
        """The names of the declared targets that could not be read, each once."""
        return tuple(dict.fromkeys(each.target for each in self.unreachable))
