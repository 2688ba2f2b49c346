"""Settings of the whole instance: what is running, what the files hold, and the way from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.kinds.pg_setting import provenance, risk, startup, values
from reconciler.kinds.pg_setting.changes import hazards, managed, obstacles, steps
from reconciler.kinds.pg_setting.changes.outcomes import change, never_starts, notice
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.kinds.pg_setting.values import declared_value as wanted
from reconciler.kinds.pg_setting.values.declared_value import Wanted
from reconciler.model import (
    Change,
    ComesTrue,
    Difference,
    Hazard,
    Notice,
    NoticeType,
    Outcome,
    Provenance,
    SqlStep,
)

UNDEFINED = "no library that is loaded defines it: any text is taken"


@dataclass(frozen=True, slots=True)
class State:
    """What the instance runs, and what its files will bring; None where that cannot be told.

    `derived`: the server itself made the running value, out of a default such as -1. `unset`: nobody has given it any
    value, not even an empty one, as only happens to what no library defines.
    """

    running: Canonical | None
    coming: Canonical | None
    boot: Canonical | None
    derived: bool
    unset: bool = False


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


def state_of(definition: Definition, observed: SettingObserved) -> State:
    """What runs, and what the files will bring."""
    running = values.read(definition, observed.running)
    boot = values.read(definition, definition.boot_val or ("" if definition.vartype == "string" else None))
    derived = observed.source in ("default", "override") and boot in (-1, 0) and running != boot
    entry = observed.last_entry
    if entry is not None:
        coming = values.read(definition, entry.setting)
    elif observed.source == "configuration file":
        coming = boot  # its line is gone, and the files have not been read again since
    else:
        coming = running
    unset = definition.unloaded and definition.boot_val is None and observed.source == "default"
    return State(running, coming, boot, derived, unset)


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
    return [_loaded(desired, definition, observed, state, want.value)]


def _masked_for_all(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, want: Wanted
) -> list[Outcome]:
    """The instance is as declared; whether any session gets that value is another question."""
    everyone = values.read(definition, obstacles.given_to_all(observed))
    if everyone is None or want.met(everyone):
        return []
    reason = obstacles.masked_for_all(definition, observed)
    return [notice(desired, NoticeType.BLOCKED, reason, _provenance(definition, observed, state))]


def _written(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, want: Wanted, *, running: bool
) -> Outcome:
    """ALTER SYSTEM and a reload, unless that cannot work."""
    if not observed.server.files_visible and definition.context == "postmaster" and observed.pending_restart:
        return _waits_unseen(desired, definition, observed, state)
    step = steps.alter_system(definition, want.literals, observed.server.version_num)
    reason = (
        want.problem
        or obstacles.alter_system(definition, observed, step.statements[-1], want.value)
        or obstacles.empty_list(definition, observed, want)
        or obstacles.libraries(definition, observed)
        or startup.refused(definition.name, want.value, observed.server)
    )
    if reason:
        now = "" if definition.name in names.SENSITIVE else f"{_short(definition, state.running)}: "
        return notice(desired, NoticeType.BLOCKED, now + reason, _provenance(definition, observed, state))
    risks = (
        *risk.of_change(definition, _former(observed, state), want.value, observed.server),
        *hazards.stops_standbys(definition, state.running, want.value, observed.server.undeclared_standbys),
        *hazards.waits_for_restart(definition),
    )
    after = provenance.AUTO if want.literals else _below(observed)
    return _change(
        desired, definition, observed, state, step.model_copy(update={"hazards": risks}), want.value, after,
        note=want.note, running=running,
    )  # fmt: skip


def _reset(desired: PgSetting, definition: Definition, observed: SettingObserved, state: State) -> list[Outcome]:
    """`default`: nothing of ALTER SYSTEM's, and the built-in default running."""
    below = observed.below_auto
    goal = values.read(definition, below.setting) if below else state.boot
    if not observed.server.files_visible:
        if observed.source in ("default", "override") or state.running == state.boot:
            return []
        if observed.pending_restart and definition.context == "postmaster":
            return [_waits_unseen(desired, definition, observed, state)]
        reason = managed.way(definition, observed, None) or obstacles.files(observed)
        if reason:
            return [notice(desired, NoticeType.BLOCKED, reason, _provenance(definition, observed, state))]
        seen = f"it is {_short(definition, state.running)} from {provenance.of_running(observed)}"
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
            message = f"{_short(definition, state.running)}: {reason}"
            return [notice(desired, NoticeType.BLOCKED, message, _provenance(definition, observed, state))]
        risks = (
            *risk.of_change(definition, _former(observed, state), goal, observed.server),
            *_waits(definition, state, goal),
        )
        step = step.model_copy(update={"hazards": risks})
        return [
            _change(desired, definition, observed, state, step, goal, _below(observed), running=state.running == goal)
        ]
    if observed.source == "command line":
        if state.running == state.boot:
            return []
        reason = obstacles.alter_system(definition, observed, "")
        return [notice(desired, NoticeType.BLOCKED, reason, _provenance(definition, observed, state))]
    if below is None and observed.source in ("default", "override"):
        return []
    if state.running != goal:
        return [_loaded(desired, definition, observed, state, goal)]
    if below is not None and goal != state.boot:
        message = managed.way(definition, observed, None) or (
            f"{below.file}:{below.line} sets it to {_short(definition, goal)}, which RESET does not change: "
            "delete that line, or declare the value"
        )
        return [notice(desired, NoticeType.BLOCKED, message, _provenance(definition, observed, state))]
    return []


def _waits(definition: Definition, state: State, goal: Canonical) -> tuple[Hazard, ...]:
    return () if state.running == goal else hazards.waits_for_restart(definition)


def _former(observed: SettingObserved, state: State) -> tuple[Canonical | None, ...]:
    """What a change may turn for the worse: what runs, and what the files would have brought instead."""
    return (state.running, state.coming) if observed.server.files_visible else (state.running,)


def _loaded(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, wanted: Canonical
) -> Outcome:
    """The files are as wanted, and the server has not come to it: for want of a restart, or of a reload."""
    sensitive = definition.name in names.SENSITIVE
    goal = values.shown(definition, wanted)
    if definition.context == "postmaster":
        running = _short(definition, state.running) or "''"
        told = "" if sensitive else f": {goal} is in {provenance.of_entry(observed)}, {running} runs"
        where = _provenance(definition, observed, state)
        fatal = startup.refused(definition.name, state.coming, observed.server)
        if fatal:
            return never_starts(desired, fatal, where)
        return notice(desired, NoticeType.WAITS_FOR_RESTART, f"waits for a restart{told}", where)
    reason = obstacles.files(observed)
    if reason:
        return notice(desired, NoticeType.BLOCKED, reason, _provenance(definition, observed, state))
    before = {"value": _short(definition, state.running), "source": provenance.of_running(observed)}
    brought = wanted if state.coming is None else state.coming
    risks = risk.of_change(definition, [state.running], brought, observed.server)
    return change(
        desired,
        before=before,
        after={"value": goal, "source": provenance.of_entry(observed)},
        reason=f"{provenance.of_entry(observed)} has the wanted value, which the server has not loaded",
        notes=("reload",),
        steps=(steps.RELOAD.model_copy(update={"hazards": risks}),),
        sensitive=sensitive,
        forbidden=obstacles.forbidden(definition, observed, ""),
        difference=Difference.NOT_RUNNING,
        provenance=_provenance(definition, observed, state),
    )


def _waits_unseen(desired: PgSetting, definition: Definition, observed: SettingObserved, state: State) -> Notice:
    message = (
        f"a restart is pending, {_short(definition, state.running)} runs; role {observed.server.role} cannot see which "
        "value the restart will bring (grant select on pg_catalog.pg_file_settings)"
    )
    return notice(desired, NoticeType.WAITS_FOR_RESTART, message, _provenance(definition, observed, state))


def _provenance(
    definition: Definition, observed: SettingObserved, state: State, *, running: bool = False
) -> Provenance:
    """Where the value in force comes from. `running`: it is as declared, and only the files differ."""
    if observed.source == "command line":
        comes_true = ComesTrue.NEVER
    elif definition.context == "postmaster":
        comes_true = ComesTrue.RESTART
    else:
        comes_true = ComesTrue.NEW_SESSION if definition.context.endswith("backend") else ComesTrue.RELOAD
    coming = _short(definition, state.coming) if observed.server.files_visible and not state.derived else ""
    return provenance.of(
        observed,
        ComesTrue.RELOAD if running else comes_true,
        value=_short(definition, state.running),
        coming=coming,
        sensitive=definition.name in names.SENSITIVE,
    )


def _change(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State,
    step: SqlStep, value: Canonical, after_source: str, *, note: str = "", running: bool = False,
) -> Change:  # fmt: skip
    """The change by `step` and a reload. `running`: it runs as wanted already, and only the files differ."""
    sensitive = definition.name in names.SENSITIVE
    old = state.coming if running and state.coming is not None else state.running
    source = provenance.of_entry(observed) if running else provenance.of_running(observed)
    reason = ""
    if running:
        occasion = "restart" if definition.context == "postmaster" else "reload"
        reason = f"{source} holds another value, which the next {occasion} would bring"
    restart = definition.context == "postmaster" and not running
    when = "waits for a restart" if restart else "reload"
    if definition.context.endswith("backend"):
        when = "new sessions"
    route = f"{source} → {after_source}" if source != after_source else source
    entry = observed.in_auto
    where = _provenance(definition, observed, state, running=running)
    before: dict[str, str | None] = {"value": None if state.unset else _short(definition, old), "source": source}
    if where.coming and not running:
        before["pending"] = where.coming  # somebody wrote it, and it is overwritten: not without a reviewer's notice
    known = observed.server.files_visible or _is_below_auto(observed)
    undo = known and not (sensitive and entry is not None)
    version = observed.server.version_num
    return change(
        desired,
        before=before,
        after={"value": _short(definition, value), "source": after_source},
        reason=reason,
        notes=(
            when,
            note,
            UNDEFINED if definition.unloaded and definition.boot_val is None else "",
            f"instead of {where.coming}, which is pending" if "pending" in before else "",
            route,
            f"read from the files: {observed.masked_by} gives this session its own" if observed.masked_by else "",
            provenance.masking(observed, source) if after_source == provenance.AUTO else "",
            provenance.overridden(observed),
            obstacles.unchecked_libraries(desired, observed),
            startup.unseen(definition.name, value, observed.server),
            "" if undo else "cannot be undone by itself: the former entry is not kept",
        ),
        steps=(step, steps.RELOAD),
        undo=(
            (steps.alter_system(definition, steps.previous(definition, entry), version), steps.RELOAD) if undo else ()
        ),
        undo_unseen=not known,
        sensitive=sensitive,
        forbidden=obstacles.forbidden(definition, observed, step.statements[-1]),
        difference=Difference.NOT_PERSISTED if running else Difference.DIFFERS,
        provenance=where,
    )


def _is_below_auto(observed: SettingObserved) -> bool:
    """Whether ALTER SYSTEM has no part in the value that runs, by what pg_settings alone tells."""
    of_a_file = observed.source == "configuration file" and observed.sourcefile and not observed.pending_restart
    return observed.source in ("default", "override") or bool(of_a_file and not provenance.is_auto(observed.sourcefile))


def _below(observed: SettingObserved) -> str:
    below = observed.below_auto
    return provenance.line(below.file, below.line) if below else "default"


def _short(definition: Definition, value: Canonical | None) -> str:
    return "" if value is None else values.shown(definition, value)
