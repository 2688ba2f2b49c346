"""A plan: all that is to be reviewed, and applied as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.base import Frozen
from reconciler.model.cause import Cause
from reconciler.model.change import Change
from reconciler.model.check import CheckResult
from reconciler.model.ignore import IdleRule
from reconciler.model.notice import Notice
from reconciler.model.partial import Partial
from reconciler.model.rolls_back import RollsBack
from reconciler.model.target import TargetInfo
from reconciler.model.unreachable import Unreachable

Outcome = Change | Notice | CheckResult
"""What `Kind.plan` finds. Nothing found means: in sync."""


class Plan(Frozen):
    """The ordered changes, and everything a reviewer needs beside them.

    `targets` are all systems that were read, `unreachable` those that were not, as they are declared one after the
    other: the plan says nothing of them but that. `in_sync` counts by kind what is as declared. `allow_blocked`:
    whoever made it knew that something is blocked, and wants the rest. `partial`: what it was narrowed to, where it is
    not about all that is declared of its targets: all else in it is about that alone. `commit`: that the YAML
    was of, in hex; empty: not known. `rolls_back`: what it undoes, where it was made of a receipt and not of YAML.
    `idle_rules` are the ignore rules for its targets that ignore nothing. `causes`, of drift alone: what each
    difference comes from, as receipts tell; None where none were asked for. `digest` is SHA-256 over everything else in
    the file.
    """

    reconciler_version: str
    created_at: datetime
    targets: Mapping[str, TargetInfo]
    changes: tuple[Change, ...] = ()
    notices: tuple[Notice, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    in_sync: Mapping[str, int] = {}
    unreachable: tuple[Unreachable, ...] = ()
    allow_blocked: bool = False
    partial: Partial | None = None
    commit: str = ""
    rolls_back: RollsBack | None = None
    idle_rules: tuple[IdleRule, ...] = ()
    causes: tuple[Cause, ...] | None = None
    digest: str = ""

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to run. Notices, failing checks and targets that were not read may be there."""
        return not self.changes

    @property
    def unseen(self) -> tuple[str, ...]:
        """The names of the declared targets that could not be read, each once."""
        return tuple(dict.fromkeys(each.target for each in self.unreachable))
