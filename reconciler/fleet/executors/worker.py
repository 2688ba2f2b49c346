"""What a worker does with a task: it holds the plan against its own files and settings, and applies it.

Whoever reaches the worker has its credentials, so that nothing that comes with a task is believed: what is declared,
what is approved and what is allowed is read here, from the environment that the worker was started with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler import __version__, allow_lists
from reconciler.allow_lists import Reach
from reconciler.applying.apply import apply_plan
from reconciler.applying.gates.age import UNATTENDED
from reconciler.applying.gates.gate import Facts, Options
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.applying.interruption import Interruption
from reconciler.desired.load import Desired, load
from reconciler.desired.narrowing import Narrowing
from reconciler.documents import fleet as fleet_file
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.documents import task as task_file
from reconciler.documents.git_commit import commit_of
from reconciler.errors import (
    ApplyError,
    ConnectionFailed,
    HazardNotAllowed,
    LockHeld,
    NotBegun,
    PlanFileError,
    ReconcilerError,
    UsageError,
)
from reconciler.fleet.approval import read_approvals, unapproved
from reconciler.fleet.split import owned_by
from reconciler.kinds.registry import KINDS
from reconciler.model import NEEDS_PERMISSION, HazardType, NotApplied, Plan, Receipt, Resource, Task, TaskResult
from reconciler.secrets import Secrets

APPROVALS = "RECONCILER_WORKER_APPROVALS"
ALLOW = "RECONCILER_WORKER_ALLOW"
PARALLEL = "RECONCILER_WORKER_PARALLEL"
DESIRED = "RECONCILER_DESIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a worker was started with.

    desired    the folder of YAML files.
    reach      what they may reach.
    approvals  the file of approved digests: of groups of changes, or of whole indexes.
    allowed    hazards that may be in a plan.
    parallel   how many indexes may be built at once on a target.
    """

    desired: Path
    reach: Reach
    approvals: Path
    allowed: Collection[HazardType]
    parallel: int

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Settings:
        """The settings in `env`: what limits the YAML by the names that the command line knows. Raises UsageError."""
        desired = Path(env.get(DESIRED) or "desired")
        limits = {name: env.get(f"RECONCILER_{name.upper()}") for name in allow_lists.NAMES}
        try:
            reach = allow_lists.reach(limits, desired)
        except allow_lists.NotALimit as wrong:
            raise UsageError(f"the variable RECONCILER_{wrong.name.upper()} of this worker: {wrong}") from None
        if not env.get(APPROVALS):
            raise UsageError(
                "this worker knows of nothing that is approved, and so applies nothing",
                hint=f"start it with {APPROVALS}=FILE, with the digests of what it may apply",
            )
        return cls(
            desired=desired, reach=reach, approvals=Path(env[APPROVALS]), allowed=_hazards(env.get(ALLOW, "")),
            parallel=_parallel(env.get(PARALLEL, "2")),
        )  # fmt: skip


def result_of(data: bytes, env: Mapping[str, str], interruption: Interruption) -> bytes:
    """What becomes of the task in `data`, as bytes. Never raises: an error of ours is not to be told by an engine."""
    secrets = Secrets(env)
    try:
        settings = Settings.of(env)
        secrets = Secrets(env, settings.reach)
        receipt = applied(task_file.load(data, source="the task"), settings, env, secrets, interruption)
        result = TaskResult(reconciler_version=__version__, receipt=receipt_file.dump(receipt))
    except ReconcilerError as error:
        said = secrets.redact(str(error))
        result = TaskResult(reconciler_version=__version__, not_applied=_why(error), message=said)
    except Exception as error:  # a mistake of ours: the client has to hear of it, and the worker goes on
        said = secrets.redact(f"unexpected {type(error).__name__}: {error}")
        result = TaskResult(reconciler_version=__version__, not_applied=NotApplied.REFUSED, message=said)
    return task_file.dump_result(result)


def applied(
    task: Task, settings: Settings, env: Mapping[str, str], secrets: Secrets, interruption: Interruption,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Receipt:  # fmt: skip
    """Applies the plan of `task`, where the worker's own settings let it. Raises ReconcilerError, as `apply_plan`."""
    plan = plan_file.load(task.plan, source=f"the plan of {task.target}")
    if owned_by(plan) - {task.target}:
        raise PlanFileError(f"the plan is not about {task.target} alone", hint=fleet_file.NEW_FLEET)
    _expect_approved(task, plan, settings)
    _expect_allowed(plan, settings)
    options = Options(
        max_age=None if task.max_age is None else min(task.max_age, UNATTENDED),
        allowed=[*filter(settings.allowed.__contains__, task.allowed)],
    )
    enforce(Moment.SAVED, Facts(plan=plan, options=options, now=now()))
    desired = load(settings.desired, KINDS, env, secrets, only=Narrowing((task.target,)))
    if interruption:
        raise NotBegun("interrupted before its turn: nothing was run")
    return apply_plan(
        plan, desired.targets, secrets,
        options=options, parallel=min(task.parallel, settings.parallel), now=now, subscribers=[],
        interruption=interruption, declared=_declared(desired, settings, env, secrets), ignore=desired.ignore,
        commit=commit_of(settings.desired),
    )  # fmt: skip


def _why(error: ReconcilerError) -> NotApplied:
    match error:
        case LockHeld():
            return NotApplied.HELD
        case NotBegun():
            return NotApplied.INTERRUPTED
        case ConnectionFailed():
            return NotApplied.SILENT if error.silent else NotApplied.UNREACHABLE
    return NotApplied.REFUSED


def _declared(
    desired: Desired, settings: Settings, env: Mapping[str, str], secrets: Secrets
) -> Collection[Resource] | None:
    """What is declared of the target; None where the folder holds targets alone: nothing to compare."""
    if desired.resources or load(settings.desired, KINDS, env, secrets, offline=True).resources:
        return desired.resources
    return None


def _expect_approved(task: Task, plan: Plan, settings: Settings) -> None:
    """Raises ApplyError where a change is in no group that is approved here, nor the whole index is."""
    digests = read_approvals(settings.approvals)
    if task.index:
        fleet = fleet_file.load(task.index, source="the index of the plans")
        listed = fleet.targets.get(task.target)
        if fleet.digest in digests and listed and listed.digest == plan.digest:
            return
    if missing := unapproved(plan, digests):
        raise ApplyError(
            f"the worker's own file approves neither the index nor the group of {missing[0].address}",
            hint=f"add the digest to the file that {APPROVALS} names there, once the worker's owner agrees",
        )


def _expect_allowed(plan: Plan, settings: Settings) -> None:
    """Raises HazardNotAllowed where a step has a hazard that is not allowed here, whatever else is."""
    found = {hazard.type for change in plan.changes for step in change.steps for hazard in step.hazards}
    if missing := sorted((found & NEEDS_PERMISSION) - {*settings.allowed}):
        raise HazardNotAllowed(
            f"the worker does not allow {', '.join(missing)}; nothing was run",
            hint=f"whoever runs the worker decides it: {ALLOW}",
        )


def _hazards(text: str) -> frozenset[HazardType]:
    names = [*filter(None, map(str.strip, text.split(",")))]
    known = {hazard.value for hazard in NEEDS_PERMISSION}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{ALLOW}: {unknown[0]!r} is no hazard: expected some of {', '.join(sorted(known))}")
    return frozenset(map(HazardType, names))


def _parallel(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", text.strip(), re.ASCII):
        raise UsageError(f"{PARALLEL}: {text!r} is no number of builds at once: expected one from 1 to 99")
    return int(text)
