"""Settings of a database, a role, or a role in a database: what new sessions there begin with."""

from __future__ import annotations

from reconciler.kinds.pg_setting import provenance, risk, startup, values
from reconciler.kinds.pg_setting.changes import obstacles, steps
from reconciler.kinds.pg_setting.changes.planned_outcomes import change, notice
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, declared_value, names
from reconciler.model import SENSITIVE, ComesTrue, Hazard, NoticeType, Outcome, Provenance

NOT_SET = "the instance's"

SOURCES = {(True, False): "database", (False, True): "user", (True, True): "database user"}
"""What pg_settings calls the source of a value of a database, a role, or both."""


def custom(name: str) -> Definition:
    """How a setting is read that no loaded library defines: `app.tenant` is text, which the server keeps for anyone.

    So is `role`, which no session is given by the instance, and pg_settings does not list.
    """
    return Definition(name=name, vartype="string", context="user")


def plan(desired: PgSetting, definition: Definition, observed: SettingObserved) -> list[Outcome]:
    """What differs. Raises InvalidValue where the declared value cannot be."""
    if observed.scope_missing:
        return [notice(desired, NoticeType.BLOCKED, observed.scope_missing)]
    if definition.context not in ("user", "superuser"):
        message = f"it can only be set for the whole instance (its context is {definition.context})"
        return [notice(desired, NoticeType.BLOCKED, message)]
    own = values.read(definition, observed.own)
    note = ""
    after: Canonical | None
    literals: tuple[str, ...] = ()
    custom_name = observed.definition is None or definition.unloaded
    if declared_value.is_reset(desired, definition):
        if observed.own is None:
            return []
        after = None
    else:
        inherited = values.read(definition, observed.running)
        want = declared_value.wanted(desired, definition, observed, own if own is not None else inherited)
        if own is not None and want.met(own):
            return []
        after, literals, note = want.value, want.literals, want.note
        if want.problem:
            return [notice(desired, NoticeType.BLOCKED, want.problem)]
        if not literals and observed.own is None:
            message = (
                "an empty list can only be had by RESET, and it is not set here: it has to be emptied in the instance"
            )
            return [notice(desired, NoticeType.BLOCKED, message)]
    step = steps.alter(
        observed.scope_sql,
        definition.name,
        literals,
        custom=custom_name,
        hazards=_risks(definition, observed, own, after),
    )
    if observed.server.in_recovery:
        message = "this server is a standby: settings of databases and roles are changed on the primary, and replicated"
        return [notice(desired, NoticeType.BLOCKED, message)]
    if observed.missing:
        message = f"no library of this name is installed on the server: {', '.join(observed.missing)}"
        return [notice(desired, NoticeType.BLOCKED, message)]
    reason = startup.refused_for_sessions(definition.name, after)
    if reason:
        return [notice(desired, NoticeType.BLOCKED, reason)]
    former = () if observed.own is None else steps.spelled(definition.name, observed.own)
    before = None if observed.own is None else values.shown(definition, own if own is not None else observed.own)
    sensitive = definition.name in names.SENSITIVE
    return [
        change(
            desired,
            before={"value": before, "source": NOT_SET if before is None else desired.scope},
            after={
                "value": None if after is None else values.shown(definition, after),
                "source": NOT_SET if after is None else desired.scope,
            },
            notes=(
                "new sessions",
                note,
                provenance.overridden(observed),
                obstacles.unchecked_libraries(desired, observed),
            ),
            steps=(step,),
            undo=(steps.alter(observed.scope_sql, definition.name, former, custom=custom_name),),
            sensitive=sensitive,
            provenance=Provenance(
                value=SENSITIVE if sensitive else before or "",
                source="" if before is None else SOURCES[desired.database is not None, desired.role is not None],
                masked_for=tuple(sorted(override.scope for override in observed.overrides)),
                comes_true=ComesTrue.NEW_SESSION,
            ),
            forbidden=""
            if observed.may_set
            else f"role {observed.server.acting} may not run {step.statements[0]}: {observed.lacks}",
        )
    ]


def _risks(
    definition: Definition, observed: SettingObserved, own: Canonical | None, after: Canonical | None
) -> tuple[Hazard, ...]:
    """Of new sessions, which begin with `after` instead of `own`; None stands for what they would inherit."""
    inherited = [values.read(definition, text) for text in observed.inherited]
    former = inherited if observed.own is None else [own]
    coming = inherited if after is None else [after]
    found = [
        hazard
        for value in coming
        if value is not None
        for hazard in risk.of_change(definition, former, value, observed.server)
    ]
    return tuple(dict.fromkeys(found))
