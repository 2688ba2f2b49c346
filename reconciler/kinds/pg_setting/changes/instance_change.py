"""The change that ALTER SYSTEM and a reload make: before and after, notes, undo, and what is told of it."""

from __future__ import annotations

from reconciler.kinds.pg_setting import provenance, startup
from reconciler.kinds.pg_setting.changes import obstacles, steps
from reconciler.kinds.pg_setting.changes.instance_state import State, short, where
from reconciler.kinds.pg_setting.changes.planned_outcomes import change
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.model import Change, Difference, SqlStep

UNDEFINED = "no library that is loaded defines it: any text is taken"


def altered(
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
    came_from = where(definition, observed, state, running=running)
    before: dict[str, str | None] = {"value": None if state.unset else short(definition, old), "source": source}
    if came_from.coming and not running:
        # Somebody wrote it, and it is overwritten: not without a reviewer's notice.
        before["pending"] = came_from.coming
    known = observed.server.files_visible or _is_below_auto(observed)
    undo = known and not (sensitive and entry is not None)
    version = observed.server.version_num
    return change(
        desired,
        before=before,
        after={"value": short(definition, value), "source": after_source},
        reason=reason,
        notes=(
            when,
            note,
            UNDEFINED if definition.unloaded and definition.boot_val is None else "",
            f"instead of {came_from.coming}, which is pending" if "pending" in before else "",
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
        provenance=came_from,
    )


def _is_below_auto(observed: SettingObserved) -> bool:
    """Whether ALTER SYSTEM has no part in the value that runs, by what pg_settings alone tells."""
    of_a_file = observed.source == "configuration file" and observed.sourcefile and not observed.pending_restart
    return observed.source in ("default", "override") or bool(of_a_file and not provenance.is_auto(observed.sourcefile))


def below_auto(observed: SettingObserved) -> str:
    """Where the value comes from that counts after ALTER SYSTEM RESET."""
    below = observed.below_auto
    return provenance.line(below.file, below.line) if below else "default"
