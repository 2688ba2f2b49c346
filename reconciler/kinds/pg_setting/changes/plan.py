"""What is to become of one setting: whether its name means anything here, and whose steps change it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_setting.changes import after_preload, instance, managed, overrides, patroni, scoped
from reconciler.kinds.pg_setting.changes.planned_outcomes import notice
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import names
from reconciler.kinds.pg_setting.values.declared_value import NotTold
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import NoticeType, Outcome, SecretRef


def plan_setting(desired: PgSetting, observed: SettingObserved) -> Sequence[Outcome]:
    """What differs of one setting in its one scope, and what mends it."""
    return _planned(desired, observed) or overrides.noted(desired, observed)


def _planned(desired: PgSetting, observed: SettingObserved) -> Sequence[Outcome]:
    desired = desired.model_copy(update={"beside": observed.beside})
    definition = observed.definition
    # A session that has a custom setting set knows it, and still does not list it.
    custom = "." in desired.setting and observed.absence in ("unknown", "unlisted")
    if definition is None and not desired.of_instance and custom:
        definition = scoped.custom(desired.setting)
    if definition is None and not desired.of_instance and desired.setting == "role":
        definition = scoped.custom("role")
    if definition is None:
        return [_absent(desired, observed)]
    if isinstance(desired.value, SecretRef):
        return _secret(desired, observed)
    try:
        if not desired.of_instance:
            return scoped.plan(desired, definition, observed)
        seen = observed.server.patroni
        if seen is not None:
            outcomes = patroni.plan(desired, definition, observed, seen)
        else:
            outcomes = instance.plan(desired, definition, observed)
        return after_preload.again(desired, observed, outcomes) if desired.after_restart else outcomes
    except NotTold as error:
        return [notice(desired, NoticeType.BLOCKED, str(error))]
    except InvalidValue as error:
        written = f"{desired.value} is not a value for it: " if isinstance(desired.value, str) else ""
        return [notice(desired, NoticeType.BLOCKED, f"{written}{error}")]


def _absent(desired: PgSetting, observed: SettingObserved) -> Outcome:
    """What is to be said of a setting that pg_settings does not list."""
    server = observed.server
    name = desired.setting
    if observed.absence == "hidden":
        message = f"not visible to role {server.role}; grant pg_read_all_settings to {server.role}"
        return notice(desired, NoticeType.NOT_VISIBLE, message)
    if observed.absence == "unlisted" and name not in names.RENAMED:  # some are still understood by their old names
        return notice(desired, NoticeType.BLOCKED, "it belongs to a session, and cannot be declared")
    prefix = after_preload.library(name)
    if prefix and prefix not in (server.loaded or ()):
        if desired.of_instance and after_preload.can_wait(desired, observed):
            return after_preload.planned(desired, observed)
        if prefix in server.preloading:
            message = f"unknown until {prefix} is loaded, which waits for a restart; plan again after that"
            return notice(desired, NoticeType.WAITS_FOR_RESTART, message)
        way = (
            f"add {prefix} to shared_preload_libraries, restart PostgreSQL, then plan again"
            if prefix in after_preload.PRELOADED
            else "its manual says which one that is, and how it is loaded"
        )
        message = f"unknown until the library that defines {name.partition('.')[0]}.* is loaded: {way}"
        return notice(desired, NoticeType.BLOCKED, message)
    return notice(desired, NoticeType.BLOCKED, names.unknown(name, observed.nearest, server.version_num))


def _secret(desired: PgSetting, observed: SettingObserved) -> list[Outcome]:
    """A plan holds its statements verbatim, so that it can hold none with a secret: such a value is only compared."""
    if observed.secret_matches:
        return []
    if observed.secret_matches is None:
        message = f"role {observed.server.role} cannot see the instance's value"
        return [notice(desired, NoticeType.NOT_VISIBLE, message)]
    way = "" if observed.definition is None else managed.way(observed.definition, observed, "…")
    if desired.of_instance and way:
        message = f"it is not the declared secret, and a plan cannot carry one: {way}"
        return [notice(desired, NoticeType.BLOCKED, message)]
    scope = "system" if desired.of_instance else observed.scope_sql or desired.scope
    reload = ", then select pg_reload_conf()" if desired.of_instance else ""
    message = (
        f"it is not the declared secret, and a plan cannot carry one: "
        f"run alter {scope} set {desired.setting} = '…' by hand{reload}"
    )
    return [notice(desired, NoticeType.BLOCKED, message)]
