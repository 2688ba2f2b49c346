"""Carries out what goes through Patroni's REST API: a PATCH of its configuration, and a rolling restart.

Decided: docs/decisions.md#restarts-through-patroni
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from reconciler.applying.executing.progress import Progress
from reconciler.errors import StepFailed
from reconciler.model import PatroniStep, PostgresTarget
from reconciler.secrets import Secrets
from reconciler.targets.patroni.api import Member
from reconciler.targets.patroni.writing import PatroniWriter

ROUNDS = 3
"""Of a rolling restart. What is lowered takes two: a replica keeps what it knows its leader to have until the leader
was restarted with less. One more for whoever became leader meanwhile."""

TAKING_UP_SECONDS = 10.0
"""Beside two rounds of Patroni (loop_wait), for a member that is slow."""

NOTICING_SECONDS = 2.0
"""Beside two rounds, for one that finds out that it still has more than its leader."""

POLL = 0.2


def run(
    target: PostgresTarget,
    step: PatroniStep,
    secrets: Secrets,
    tell: Callable[[Progress], None],
    asked: Callable[[], bool],
) -> None:
    """Runs `step`; `asked` says whether to stop before the next member. Raises StepFailed, TargetError."""
    if target.patroni is None:
        raise StepFailed(f"{target.name}: the target declares no Patroni", hint="make a new plan")
    with closing(PatroniWriter(target.name, [target.patroni.get_secret_value()], secrets)) as api:
        if step.parameters:
            after = api.patch_config(step.parameters)
            if None in step.parameters.values():
                # What takes its place is Patroni's own business, so that nothing shows when it is there.
                _pause(after.loop_wait + NOTICING_SECONDS, asked)
        if step.restart_for:
            _restart(target, api, step.restart_for, tell, asked)


def _pause(seconds: float, asked: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not asked():
        time.sleep(POLL)


def _restart(
    target: PostgresTarget,
    api: PatroniWriter,
    settings: Sequence[str],
    tell: Callable[[Progress], None],
    asked: Callable[[], bool],
) -> None:
    """Restarts who waits: the replicas one after the other, then the leader, and again while somebody still waits."""
    restarted = 0
    for number in range(ROUNDS):
        members = _waiting(api, settings, TAKING_UP_SECONDS if number == 0 else NOTICING_SECONDS)
        if not members:
            break
        for member in sorted(members, key=lambda one: one.leads):
            if asked():
                raise StepFailed(f"{target.name}: interrupted after the restart of {restarted} members")
            tell(Progress(f"restarting {member.name} ({member.role})", None, (), aloud=True))
            api.restart(member)
            restarted += 1
    if not restarted:
        raise StepFailed(
            f"{target.name}: no member waits for a restart",
            hint="Patroni may not have taken up what was written: its log says what it refused",
        )


def _waiting(api: PatroniWriter, settings: Sequence[str], seconds: float) -> list[Member]:
    """The members that wait for a restart, once all do, or two rounds of Patroni and `seconds` are over.

    Raises TargetError.
    """
    deadline = time.monotonic() + 2 * api.config().loop_wait + seconds
    while True:
        running = [member for member in api.cluster().members if member.runs]
        waiting = [member for member in running if member.pending_restart]
        all_of_them = running and all(member.waits_for(settings) for member in running)
        if all_of_them or time.monotonic() >= deadline:
            return waiting
        time.sleep(POLL)
