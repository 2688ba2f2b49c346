"""The kind `pg_setting`: from YAML to resources, from a server to what it shows, and from both to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.errors import DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import instance, names, owner, scoped
from reconciler.kinds.pg_setting.model import (
    DatabaseSection,
    PgSetting,
    RoleSection,
    SettingObserved,
    Settings,
)
from reconciler.kinds.pg_setting.observe import observe
from reconciler.kinds.pg_setting.outcomes import notice
from reconciler.kinds.pg_setting.units import InvalidValue
from reconciler.kinds.pg_setting.wanted import MemoryUnknown
from reconciler.model import Address, NoticeType, Outcome, SecretRef, System
from reconciler.targets.postgres import PostgresSession
from reconciler.targets.session import Session


class PgSettingKind:
    """Settings of a PostgreSQL instance, its databases and its roles.

    ALTER SYSTEM never removes a line of postgresql.conf: `default` is RESET, and says so where that is not enough.
    A value that the server would refuse depends on the server, and is therefore found by `plan`, as a BLOCKED notice at
    the place of its declaration; it is never applied, and never taken for in sync.
    """

    name = "pg_setting"
    system = System.POSTGRES
    sections: Mapping[str, Any] = {
        "settings": Settings,
        "databases": dict[str, DatabaseSection],
        "roles": dict[str, RoleSection],
    }
    resource = PgSetting

    def declare(self, declaration: Declaration) -> Iterable[PgSetting]:
        """One resource for each name in each scope. Raises DesiredError."""
        value = declaration.value
        match declaration.section:
            case "settings":
                yield from _declared(declaration, value, ())
            case "databases":
                for database, section in value.items():
                    yield from _declared(declaration, section.settings, (database, "settings"), database=database)
            case "roles":
                for role, section in value.items():
                    yield from _declared(declaration, section.settings, (role, "settings"), role=role)
                    for database, inner in section.databases.items():
                        path = (role, "databases", database, "settings")
                        yield from _declared(declaration, inner.settings, path, role=role, database=database)

    def observe(self, session: Session, wanted: Sequence[PgSetting]) -> Mapping[Address, SettingObserved]:
        """See `Kind.observe`. Two round trips; more only for what those leave open. Raises TargetError."""
        assert isinstance(session, PostgresSession)  # noqa: S101 - that is what `system` says
        return observe(session, wanted) if wanted else {}

    def plan(self, desired: PgSetting, observed: SettingObserved | None) -> Sequence[Outcome]:
        """See `Kind.plan`."""
        if observed is None:
            return [notice(desired, NoticeType.NOT_VISIBLE, "the server was not asked for it")]
        definition = observed.definition
        if definition is None and not desired.of_instance and "." in desired.setting and observed.absence == "unknown":
            definition = scoped.custom(desired.setting)
        if definition is None:
            return [_absent(desired, observed)]
        if isinstance(desired.value, SecretRef):
            return _secret(desired, observed)
        try:
            if desired.of_instance:
                return instance.plan(desired, definition, observed)
            return scoped.plan(desired, definition, observed)
        except MemoryUnknown as error:
            hint = f"declare memory for target {desired.address.target}"
            return [notice(desired, NoticeType.BLOCKED, f"{error}: {hint}")]
        except InvalidValue as error:
            written = f"{desired.value} is not a value for it: " if isinstance(desired.value, str) else ""
            return [notice(desired, NoticeType.BLOCKED, f"{written}{error}")]


def _declared(
    declaration: Declaration,
    settings: Settings,
    path: tuple[str, ...],
    *,
    database: str | None = None,
    role: str | None = None,
) -> Iterator[PgSetting]:
    for written, value in settings.items():
        at = declaration.at((*path, written))
        setting = written.lower()
        if not names.PATTERN.fullmatch(setting):
            raise DesiredError(f"{written!r} is not the name of a setting", at=at, hint="for example work_mem")
        if isinstance(value, SecretRef) and (value.env is None) == (value.file is None):
            raise DesiredError(f"{written}: a secret is {{env: NAME}} or {{file: PATH}}, not both, not neither", at=at)
        if setting in names.SENSITIVE and isinstance(value, str) and names.PASSWORD.search(value):
            raise DesiredError(
                f"{written} has a password in it, and this file is no place for one",
                at=at,
                hint="write passfile=… instead, and keep the password in that file on the server",
            )
        resource = PgSetting(
            address=Address(declaration.target.name, PgSettingKind.name, setting),
            declared_at=at,
            setting=setting,
            database=database,
            role=role,
            value=value,
        )
        if not resource.of_instance:
            address = resource.address._replace(name=f"{resource.scope}/{setting}")
            resource = resource.model_copy(update={"address": address})
        yield resource


def _absent(desired: PgSetting, observed: SettingObserved) -> Outcome:
    """What is to be said of a setting that pg_settings does not list."""
    server = observed.server
    name = desired.setting
    if observed.absence == "hidden":
        message = f"not visible to role {server.role}; grant pg_read_all_settings to {server.role}"
        return notice(desired, NoticeType.NOT_VISIBLE, message)
    if observed.absence == "unlisted":
        return notice(desired, NoticeType.BLOCKED, "it belongs to a session, and cannot be declared")
    prefix = name.partition(".")[0] if "." in name else ""
    if prefix and prefix not in (server.loaded or ()):
        if prefix in server.preloading:
            message = f"unknown until {prefix} is loaded, which waits for a restart; plan again after that"
            return notice(desired, NoticeType.WAITS_FOR_RESTART, message)
        message = (
            f"unknown until the library that defines {prefix}.* is loaded: add {prefix} to shared_preload_libraries, "
            "restart PostgreSQL, then plan again"
        )
        return notice(desired, NoticeType.BLOCKED, message)
    return notice(desired, NoticeType.BLOCKED, names.unknown(name, observed.nearest, server.version_num // 10000))


def _secret(desired: PgSetting, observed: SettingObserved) -> list[Outcome]:
    """A plan holds its statements verbatim, so that it can hold none with a secret: such a value is only compared."""
    if observed.secret_matches:
        return []
    if observed.secret_matches is None:
        message = f"role {observed.server.role} cannot see the instance's value"
        return [notice(desired, NoticeType.NOT_VISIBLE, message)]
    way = "" if observed.definition is None else owner.way(observed.definition, observed, "…")
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
