"""The types that everything else speaks in. Types only: nothing here reads, decides or prints.

Decided: docs/decisions.md#several-statements-in-a-step, docs/decisions.md#rebuilds
"""

from __future__ import annotations

from reconciler.model.address import Address
from reconciler.model.approval import Approval, Approver, FoundApprovals, RejectedApproval, VerifiedApproval
from reconciler.model.base import Frozen
from reconciler.model.blocking_session import Blocker
from reconciler.model.cause import Cause, CauseType, UnknownReason
from reconciler.model.change import SENSITIVE, Action, Change, ComesTrue, Difference, Fact, Provenance, file_of
from reconciler.model.check import CheckResult, CheckStatus, CheckVerdict, Severity
from reconciler.model.fleet import ChangeGroup, Fleet, TargetPlan
from reconciler.model.fleet_receipt import FleetReceipt, NotRun, TargetReceipt, TargetResult, WaveReceipt
from reconciler.model.hazard import NEEDS_PERMISSION, WORTH_SAYING, Hazard, HazardType
from reconciler.model.headroom import Headroom, Replica
from reconciler.model.ignore import Idleness, IdleRule, Ignored, IgnoreRule
from reconciler.model.note import Note
from reconciler.model.notice import Notice, NoticeType
from reconciler.model.partial import Partial, PulledIn
from reconciler.model.plan import Outcome, Plan
from reconciler.model.policy import (
    NO_BOUNDS,
    NO_POLICY,
    ApprovalsNeeded,
    AtMost,
    Bounds,
    Overrun,
    Policy,
    Window,
    WindowRule,
)
from reconciler.model.receipt import Applied, ChangeReceipt, Commits, Receipt, StepReceipt, Unlooked
from reconciler.model.resource import Observed, Resource
from reconciler.model.rollout import LONGEST_BAKE, MOST_AT_ONCE, Rollout, Unreached, Wave
from reconciler.model.rolls_back import RollsBack
from reconciler.model.shard import Shard
from reconciler.model.step import (
    ManualStep,
    NewPartitions,
    PatroniStep,
    RedisStep,
    RestartStep,
    SecretArgument,
    SqlStep,
    Step,
)
from reconciler.model.target import (
    BY_HAND,
    HttpTarget,
    PostgresTarget,
    RedisTarget,
    SecretRef,
    System,
    Target,
    TargetInfo,
)
from reconciler.model.task import NotApplied, Task, TaskResult
from reconciler.model.unreachable import Unreachable, UnreadReason
from reconciler.model.verdict import Verdict

__all__ = [
    "BY_HAND",
    "LONGEST_BAKE",
    "MOST_AT_ONCE",
    "NEEDS_PERMISSION",
    "NO_BOUNDS",
    "NO_POLICY",
    "SENSITIVE",
    "WORTH_SAYING",
    "Action",
    "Address",
    "Applied",
    "Approval",
    "ApprovalsNeeded",
    "Approver",
    "AtMost",
    "Blocker",
    "Bounds",
    "Cause",
    "CauseType",
    "Change",
    "ChangeGroup",
    "ChangeReceipt",
    "CheckResult",
    "CheckStatus",
    "CheckVerdict",
    "ComesTrue",
    "Commits",
    "Difference",
    "Fact",
    "Fleet",
    "FleetReceipt",
    "FoundApprovals",
    "Frozen",
    "Hazard",
    "HazardType",
    "Headroom",
    "HttpTarget",
    "IdleRule",
    "Idleness",
    "IgnoreRule",
    "Ignored",
    "ManualStep",
    "NewPartitions",
    "NotApplied",
    "NotRun",
    "Note",
    "Notice",
    "NoticeType",
    "Observed",
    "Outcome",
    "Overrun",
    "Partial",
    "PatroniStep",
    "Plan",
    "Policy",
    "PostgresTarget",
    "Provenance",
    "PulledIn",
    "Receipt",
    "RedisStep",
    "RedisTarget",
    "RejectedApproval",
    "Replica",
    "Resource",
    "RestartStep",
    "Rollout",
    "RollsBack",
    "SecretArgument",
    "SecretRef",
    "Severity",
    "Shard",
    "SqlStep",
    "Step",
    "StepReceipt",
    "System",
    "Target",
    "TargetInfo",
    "TargetPlan",
    "TargetReceipt",
    "TargetResult",
    "Task",
    "TaskResult",
    "UnknownReason",
    "Unlooked",
    "Unreachable",
    "Unreached",
    "UnreadReason",
    "Verdict",
    "VerifiedApproval",
    "Wave",
    "WaveReceipt",
    "Window",
    "WindowRule",
    "file_of",
]
