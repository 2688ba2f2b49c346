"""Settings of the whole instance: what is running, what the files hold, and the way from one to the other."""

from __future__ import annotations

from reconciler.kinds.pg_setting import provenance, risk, startup, values
from reconciler.kinds.pg_setting.changes import managed, obstacles, standby_and_restart_hazards, steps
from reconciler.kinds.pg_setting.changes.instance_change import altered, below_auto
from reconciler.kinds.pg_setting.changes.instance_state import State, short, state_of, where
from reconciler.kinds.pg_setting.changes.pending_values import not_loaded, waits_unseen
from reconciler.kinds.pg_setting.changes.planned_outcomes import notice
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.kinds.pg_setting.values import declared_value as wanted
from reconciler.kinds.pg_setting.values.declared_value import Wanted
from reconciler.model import (
    Hazard,
    NoticeType,
    Outcome,
)


def plan(desired: PgSetting, definition: Definition, observed: SettingObserved) -> list[Outcome]:
    """What differs. Raises InvalidValue where the declared value cannot be."""
    reason = obstacles.never(definition)
    if reason:
        return [notice(desired, NoticeType.BLOCKED, reason)]
    state = state_of(definition, observed)
    if state.running is None:
        return [notice(desired, NoticeType.NOT_VISIBLE, _unseen(observed))]
    if wanted.is_reset(desired, definition):
        return _reset(desired, definition, observed, state)
    current = state.coming if observed.server.files_visible and state.coming is not None else state.running
    return _set(desired, definition, observed, state, wanted.wanted(desired, definition, observed, current))


def _unseen(observed: SettingObserved) -> str:
    if not observed.masked_by:
        return "the server shows a value that cannot be understood here"
    return (
        f"the instance's value is not visible: {observed.masked_by} gives this session one of its own; "
        f"use a role without one, or let {observed.server.role} read pg_file_settings: grant select on "
        "pg_catalog.pg_file_settings and execute on function pg_catalog.pg_show_all_file_settings()"
    )


def _set(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, want: Wanted
) -> list[Outcome]:
    sentinel = state.derived and want.met(state.boot if state.boot is not None else 0)
    running = want.met(state.running) if state.running is not None else False
    running = (running or sentinel) and not state.unset
    if observed.server.files_visible and state.unset:
        coming = observed.last_entry is not None and state.coming is not None and want.met(state.coming)
    elif observed.server.files_visible:
        coming = (state.coming is not None and want.met(state.coming)) or (sentinel and observed.last_entry is None)
    else:
        coming = running
    if running and (coming or observed.source == "command line"):
        return _masked_for_all(desired, definition, observed, state, want)
    # Patroni repeats in its file what it will pass on the command line next time.
    masked = observed.source == "command line" and observed.server.owner is None
    if not coming or masked or not observed.server.files_visible:
        return [_written(desired, definition, observed, state, want, running=running)]
    return [not_loaded(desired, definition, observed, state, want.value)]


def _masked_for_all(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, want: Wanted
) -> list[Outcome]:
    """The instance is as declared; whether any session gets that value is another question."""
    everyone = values.read(definition, obstacles.given_to_all(observed))
    if everyone is None or want.met(everyone):
        return []
    reason = obstacles.masked_for_all(definition, observed)
    return [notice(desired, NoticeType.BLOCKED, reason, where(definition, observed, state))]


def _written(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, want: Wanted, *, running: bool
) -> Outcome:
    """ALTER SYSTEM and a reload, unless that cannot work."""
    if not observed.server.files_visible and definition.context == "postmaster" and observed.pending_restart:
        return waits_unseen(desired, definition, observed, state)
    step = steps.alter_system(definition, want.literals, observed.server.version_num)
    reason = (
        want.problem
        or obstacles.alter_system(definition, observed, step.statements[-1], want.value)
        or obstacles.empty_list(definition, observed, want)
        or obstacles.libraries(definition, observed)
        or startup.refused(definition.name, want.value, observed.server)
    )
    if reason:
        return notice(
            desired, NoticeType.BLOCKED, _beside(definition, state, reason), where(definition, observed, state)
        )
    risks = (
        *risk.of_change(definition, _former(observed, state), want.value, observed.server),
        *standby_and_restart_hazards.stops_standbys(
            definition, state.running, want.value, observed.server.undeclared_standbys
        ),
        *standby_and_restart_hazards.waits_for_restart(definition),
    )
    after = provenance.AUTO if want.literals else below_auto(observed)
    return altered(
        desired, definition, observed, state, step.model_copy(update={"hazards": risks}), want.value, after,
        note=want.note, running=running,
    )  # fmt: skip


def _beside(definition: Definition, state: State, reason: str) -> str:
    """`reason` behind what runs, where that is anything, and may be told."""
    running = "" if definition.name in names.SENSITIVE else short(definition, state.running)
    return f"{running} runs; {reason}" if running else reason


def _reset(desired: PgSetting, definition: Definition, observed: SettingObserved, state: State) -> list[Outcome]:
    """`default`: nothing of ALTER SYSTEM's, and the built-in default running; of an undoing what files have below."""
    below = observed.below_auto
    goal = values.read(definition, below.setting) if below else state.boot
    if not observed.server.files_visible:
        if observed.source in ("default", "override") or state.running == state.boot:
            return []
        if observed.pending_restart and definition.context == "postmaster":
            return [waits_unseen(desired, definition, observed, state)]
        reason = managed.way(definition, observed, None) or obstacles.files(observed)
        if reason:
            return [notice(desired, NoticeType.BLOCKED, reason, where(definition, observed, state))]
        seen = f"it is {short(definition, state.running)} from {provenance.of_running(observed)}"
        role = observed.server.role
        return [
            notice(desired, NoticeType.NOT_VISIBLE, f"{seen}; role {role} cannot see whether RESET would change that")
        ]
    if goal is None:
        goal = state.running if state.running is not None else ""
    if observed.in_auto is not None:
        step = steps.alter_system(definition, (), observed.server.version_num)
        reason = obstacles.alter_system(definition, observed, step.statements[-1]) or (
            obstacles.libraries(definition, observed) or startup.refused(definition.name, goal, observed.server)
        )
        if reason:
            message = _beside(definition, state, reason)
            return [notice(desired, NoticeType.BLOCKED, message, where(definition, observed, state))]
        risks = (
            *risk.of_change(definition, _former(observed, state), goal, observed.server),
            *_waits(definition, state, goal),
        )
        step = step.model_copy(update={"hazards": risks})
        return [
            altered(
                desired, definition, observed, state, step, goal, below_auto(observed), running=state.running == goal
            )
        ]
    if observed.source == "command line":
        if state.running == state.boot:
            return []
        reason = obstacles.alter_system(definition, observed, "")
        return [notice(desired, NoticeType.BLOCKED, reason, where(definition, observed, state))]
    if below is None and observed.source in ("default", "override"):
        return []
    if state.running != goal:
        return [not_loaded(desired, definition, observed, state, goal)]
    if below is not None and goal != state.boot and short(definition, goal) != desired.below:
        message = managed.way(definition, observed, None) or (
            f"{below.file}:{below.line} sets it to {short(definition, goal)}, which RESET does not change: "
            "delete that line, or declare the value"
        )
        return [notice(desired, NoticeType.BLOCKED, message, where(definition, observed, state))]
    return []


def _waits(definition: Definition, state: State, goal: Canonical) -> tuple[Hazard, ...]:
    return () if state.running == goal else standby_and_restart_hazards.waits_for_restart(definition)


def _former(observed: SettingObserved, state: State) -> tuple[Canonical | None, ...]:
    """What a change may turn for the worse: what runs, and what the files would have brought instead."""
    return (state.running, state.coming) if observed.server.files_visible else (state.running,)
