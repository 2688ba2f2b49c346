"""Restarts: a change of their own, after the settings that wait for one and before those that need one.

In a cluster, what a standby must not have less of than its primary is raised on the standbys first and lowered on the
primary first (manual, "Hot Standby": Administrator's Overview). So the changes of a plan have phases:

    0   settings of every node        1   restarts of standbys        2   settings of what they have loaded
    3   those that lean on standbys   4   restart of the primary      5   settings of what it has loaded
    6   what is lowered on standbys   7   restarts of standbys, once they have replayed the WAL of the primary

Decided: docs/decisions.md#restarts-as-changes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.kinds.pg_setting import startup
from reconciler.kinds.pg_setting.changes import patroni
from reconciler.kinds.pg_setting.changes.instance_state import state_of
from reconciler.kinds.pg_setting.changes.planned_outcomes import LANE
from reconciler.kinds.pg_setting.model import RESTART, PgSetting, Restart
from reconciler.kinds.pg_setting.observed import ObservedRestart, SettingObserved
from reconciler.kinds.pg_setting.observing.observe import observe as observe_settings
from reconciler.kinds.pg_setting.startup.session_start import STATISTICS
from reconciler.kinds.pg_setting.startup.standby import NOT_LOWER
from reconciler.model import (
    BY_HAND,
    Action,
    Address,
    Change,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    PatroniStep,
    PostgresTarget,
    RestartStep,
    Step,
    TargetInfo,
)
from reconciler.targets.postgres.session import PostgresSession

PATRONI = "by Patroni"
"""Of `Restart.command`: through Patroni's API."""

EVERYWHERE, AFTER_STANDBYS, AFTER_THE_PRIMARY = 0, 3, 6
"""The phases in which settings are written; what has to restart for them does so one phase later."""


def sequenced(outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> list[Outcome]:
    """The outcomes of one node with phases, and with the restarts that its target declares. Pure."""
    role = info.role if target.standbys or target.node_of else ""
    found: list[Outcome] = []
    waiting: dict[int, list[str]] = {}
    brings: dict[str, tuple[Hazard, ...]] = {}
    for outcome in sorted(outcomes, key=_is_switched_on_last):
        if isinstance(outcome, Change | Notice):
            phase = _phase(outcome, role)
            restarts_in = (AFTER_STANDBYS if role == "primary" else phase) + 1
            if _waits(outcome):
                waiting.setdefault(restarts_in, []).append(outcome.address.name)
                brings |= outcome.provenance.brings if outcome.provenance else {}
            if isinstance(outcome, Change):
                late = bool(outcome.desired.get("after_restart"))
                outcome = outcome.model_copy(update={"phase": restarts_in + 1 if late else phase})
        found.append(outcome)
    if target.restart or target.patroni:
        for number, (phase, settings) in enumerate(sorted(waiting.items())):
            resource = Restart(
                address=Address(target.name, RESTART, "again" if number else "server"),
                command=target.restart or PATRONI,
                settings=tuple(sorted(settings)),
                after_primary=phase > AFTER_THE_PRIMARY,
            )
            found.append(change(resource, brings).model_copy(update={"phase": phase}))
    return found


def _is_switched_on_last(outcome: Outcome) -> bool:
    """ALTER SYSTEM takes none of these while another runs that excludes it: what goes off goes first."""
    if not isinstance(outcome, Change) or outcome.address.name not in STATISTICS:
        return False
    return outcome.after is not None and outcome.after["value"] == "on"


def in_its_phase(outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> list[Outcome]:
    """Restarts as `sequenced` places them, for when a restart is looked at alone. Pure."""
    role = info.role if target.standbys or target.node_of else ""
    return [
        outcome.model_copy(update={"phase": _phase_of(outcome, role)}) if isinstance(outcome, Change) else outcome
        for outcome in outcomes
    ]


def _phase_of(restart: Change, role: str) -> int:
    if role == "primary":
        return AFTER_STANDBYS + 1
    after_primary = Restart.model_validate(dict(restart.desired)).after_primary
    return (AFTER_THE_PRIMARY if after_primary else EVERYWHERE) + 1


def change(resource: Restart, brings: Mapping[str, tuple[Hazard, ...]]) -> Change:
    """The restart itself: the same at every moment, as long as the same waits for it."""
    hazard = Hazard(
        type=HazardType.RESTART,
        message=(
            f"every member of {resource.address.target} is restarted, one after the other: its sessions end"
            if resource.command == PATRONI
            else f"PostgreSQL of {resource.address.target} is restarted: every session ends, and nobody can connect "
            "until it answers again"
        ),
    )
    beside = [each for name, found in brings.items() if name not in resource.settings for each in found]
    step: Step = RestartStep(command=resource.command, after_primary=resource.after_primary, hazards=(hazard, *beside))
    if resource.command == PATRONI:
        step = PatroniStep(restart_for=resource.settings, hazards=(hazard, *beside))
    replayed = "once it has replayed the WAL of its primary" if resource.after_primary else ""
    by_hand = "apply waits for a person" if resource.command == BY_HAND else ""
    return Change(
        address=resource.address,
        action=Action.RESTART,
        before={"waits": list(resource.settings)},
        after={"waits": []},
        reason=f"for {', '.join(resource.settings)}",
        notes=tuple(filter(None, (replayed, by_hand))),
        steps=(step,),
        lane=LANE,
        desired=resource.model_dump(mode="json"),
        declared_at=resource.declared_at,
    )


def observe(session: PostgresSession, wanted: Sequence[Restart]) -> Mapping[Address, ObservedRestart]:
    """Which settings of each restart still wait for it. Raises TargetError."""
    target = session.target.name
    # An empty list declares nothing that another setting could lean on.
    settings = [
        PgSetting(address=Address(target, "pg_setting", name), setting=name, value=())
        for name in sorted({name for resource in wanted for name in resource.settings})
    ]
    observed = observe_settings(session, settings)
    waiting = {each.setting for each in settings if _is_waiting(observed[each.address])}
    hidden = any(each.definition is None for each in observed.values())
    fatal = {each.setting: _fatal(observed[each.address]) for each in settings if each.setting in waiting}
    return {
        resource.address: ObservedRestart(
            waiting=None if hidden else tuple(name for name in resource.settings if name in waiting),
            role=session.role,
            brings=next((each.server.brings for each in observed.values()), {}),
            fatal=next((fatal[name] for name in resource.settings if fatal.get(name)), ""),
        )
        for resource in wanted
    }


def plan(desired: Restart, observed: ObservedRestart) -> list[Outcome]:
    """The restart, as long as one of its settings waits."""
    if observed.waiting is None:
        message = f"what waits for it is not visible to role {observed.role}; grant pg_read_all_settings"
        return [Notice(address=desired.address, type=NoticeType.NOT_VISIBLE, message=message)]
    if observed.waiting and observed.fatal:
        return [Notice(address=desired.address, type=NoticeType.BLOCKED, message=f"not restarted: {observed.fatal}")]
    return [change(desired, observed.brings)] if observed.waiting else []


def _is_waiting(observed: SettingObserved) -> bool:
    """Whether a restart would change the value. The flag comes a moment after a reload; the files say so at once."""
    if observed.definition is None:
        return False
    if observed.server.patroni is not None:
        return patroni.waiting(observed.definition, observed.server.patroni)
    state = state_of(observed.definition, observed)
    made_by_the_server = state.coming in (-1, 0) and state.coming == state.boot
    files = observed.server.files_visible and None not in (state.coming, state.running) and not made_by_the_server
    return observed.pending_restart or (files and state.coming != state.running)


def _fatal(observed: SettingObserved) -> str:
    """Why the server would not start with what its files have: a change that goes with it may have failed."""
    if observed.definition is None or observed.server.patroni is not None:
        return ""
    coming = state_of(observed.definition, observed).coming
    return startup.refused(observed.definition.name, coming, observed.server)


def _phase(outcome: Change | Notice, role: str) -> int:
    """When it is to be: of a single server, and of what no standby leans on, at once."""
    name = outcome.address.name
    if not role or name not in NOT_LOWER:
        return EVERYWHERE
    if role == "primary":
        return AFTER_STANDBYS
    return AFTER_THE_PRIMARY if _is_lowered(outcome) else EVERYWHERE


def _is_lowered(outcome: Change | Notice) -> bool:
    """Whether the value that is to come is less than the one that runs."""
    seen = outcome.provenance
    coming = (outcome.after or {}).get("value") if isinstance(outcome, Change) else seen and seen.coming
    return seen is not None and _number(coming) < _number(seen.value)


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdigit() else 0


def _waits(outcome: Change | Notice) -> bool:
    if isinstance(outcome, Notice):
        # Of a setting that no loaded library defines, nothing is known that a restart could be verified by.
        return outcome.type is NoticeType.WAITS_FOR_RESTART and outcome.provenance is not None
    return any(hazard.type is HazardType.WAITS_FOR_RESTART for hazard in _hazards(outcome))


def _hazards(change: Change) -> Iterable[Hazard]:
    return (hazard for step in change.steps for hazard in step.hazards)
