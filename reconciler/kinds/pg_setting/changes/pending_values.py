"""Settings whose files are as wanted, and that the server has not come to: for want of a restart, or of a reload."""

from __future__ import annotations

from reconciler.kinds.pg_setting import provenance, risk, startup, values
from reconciler.kinds.pg_setting.changes import obstacles, steps
from reconciler.kinds.pg_setting.changes.instance_state import State, short, where
from reconciler.kinds.pg_setting.changes.planned_outcomes import change, never_starts, notice
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.model import Difference, Notice, NoticeType, Outcome


def not_loaded(
    desired: PgSetting, definition: Definition, observed: SettingObserved, state: State, wanted: Canonical
) -> Outcome:
    """The files are as wanted, and the server has not come to it: for want of a restart, or of a reload."""
    sensitive = definition.name in names.SENSITIVE
    goal = values.shown(definition, wanted)
    if definition.context == "postmaster":
        running = short(definition, state.running) or "''"
        told = "" if sensitive else f": {goal} is in {provenance.of_entry(observed)}, {running} runs"
        came_from = where(definition, observed, state)
        fatal = startup.refused(definition.name, state.coming, observed.server)
        if fatal:
            return never_starts(desired, fatal, came_from)
        return notice(desired, NoticeType.WAITS_FOR_RESTART, f"waits for a restart{told}", came_from)
    reason = obstacles.files(observed)
    if reason:
        return notice(desired, NoticeType.BLOCKED, reason, where(definition, observed, state))
    before = {"value": short(definition, state.running), "source": provenance.of_running(observed)}
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
        provenance=where(definition, observed, state),
    )


def waits_unseen(desired: PgSetting, definition: Definition, observed: SettingObserved, state: State) -> Notice:
    """What this role cannot see waits for a restart."""
    message = (
        f"a restart is pending, {short(definition, state.running)} runs; role {observed.server.role} cannot see which "
        "value the restart will bring (grant select on pg_catalog.pg_file_settings)"
    )
    return notice(desired, NoticeType.WAITS_FOR_RESTART, message, where(definition, observed, state))
