"""The kind `pg_setting`: from YAML to resources, from a server to what it shows, and from both to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from reconciler.desired.unlisted import ToldSection, rulings
from reconciler.errors import DesiredError
from reconciler.formulas.quantities import FormulaError
from reconciler.kind import Declaration, NodeOutcomes, Ruling
from reconciler.kinds.pg_setting import unlisted
from reconciler.kinds.pg_setting.changes import after_preload, instance, managed, patroni, scoped
from reconciler.kinds.pg_setting.changes.outcomes import notice
from reconciler.kinds.pg_setting.cluster import restart
from reconciler.kinds.pg_setting.model import PgSetting, Restart
from reconciler.kinds.pg_setting.observed import ObservedRestart, SettingObserved
from reconciler.kinds.pg_setting.observing.observe import observe
from reconciler.kinds.pg_setting.sections import DatabaseSection, RoleSection, Settings
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import names, offline
from reconciler.kinds.pg_setting.values.declared_value import NotTold
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import Address, NoticeType, Outcome, PostgresTarget, Resource, SecretRef, System, TargetInfo
from reconciler.targets.postgres.session import PostgresSession
from reconciler.targets.session import Session


class PgSettingKind:
    """Settings of a PostgreSQL instance, its databases and its roles.

    ALTER SYSTEM never removes a line of postgresql.conf: `default` is RESET, and says so where that is not enough.
    A value that the server would refuse depends on the server, and is therefore found by `plan`, as a BLOCKED notice at
    the place of its declaration; it is never applied, and never taken for in sync.
    """

    name = "pg_setting"
    nouns = ("setting", "settings")
    system = System.POSTGRES
    sections: Mapping[str, Any] = {
        "settings": Settings,
        "databases": dict[str, DatabaseSection],
        "roles": dict[str, RoleSection],
        unlisted.SECTION: ToldSection,
    }
    resource = PgSetting

    def declare(self, declaration: Declaration) -> Iterable[Declared]:
        """One resource for each name in each scope. Raises DesiredError."""
        value = declaration.value
        match declaration.section:
            case unlisted.SECTION:
                yield unlisted.declare_unlisted(declaration)
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

    def gathered(self, declared: Sequence[Declared]) -> Sequence[Declared]:
        """See `unlisted.py`."""
        return unlisted.gathered(declared)

    def observe(
        self, session: Session, wanted: Sequence[Declared]
    ) -> Mapping[Address, SettingObserved | unlisted.ObservedUnlisted]:
        """See `Kind.observe`. Two round trips; more only for what those leave open. Raises TargetError."""
        assert isinstance(session, PostgresSession)  # noqa: S101 - that is what `system` says
        settings = [each for each in wanted if isinstance(each, PgSetting)]
        seen: dict[Address, SettingObserved | unlisted.ObservedUnlisted] = {}
        seen |= observe(session, settings) if settings else {}
        for each in wanted:
            if isinstance(each, unlisted.UnlistedSettings):
                seen[each.address] = unlisted.observe_unlisted(session, each)
        return seen

    def plan(
        self, desired: Declared, observed: SettingObserved | unlisted.ObservedUnlisted | None
    ) -> Sequence[Outcome]:
        """See `Kind.plan`."""
        if isinstance(desired, unlisted.UnlistedSettings):
            return unlisted.plan_unlisted(desired, cast(unlisted.ObservedUnlisted, observed))
        if observed is None:
            return [notice(desired, NoticeType.NOT_VISIBLE, "the server was not asked for it")]
        observed = cast(SettingObserved, observed)
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

    def advise(self, session: Session, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """See `kind.Advises`, and `file_errors.py`."""
        from reconciler.kinds.pg_setting.observing.file_errors import errors

        assert isinstance(session, PostgresSession)  # noqa: S101 - that is what `system` says
        return [*outcomes, *errors(session, self.name)]

    def leans_on(self, resource: Declared) -> Sequence[PgSetting]:
        """See `kind.LeansOnOthers`: settings of the instance, each of which may lean on the others."""
        if isinstance(resource, unlisted.UnlistedSettings):
            return []
        target = resource.address.target
        known = {**resource.beside, **({resource.setting: resource.value} if resource.of_instance else {})}
        return [
            PgSetting(
                address=Address(target, self.name, name), declared_at=resource.declared_at, setting=name, value=value,
                beside={other: text for other, text in known.items() if other != name},
            )
            for name, value in resource.beside.items()
        ]  # fmt: skip

    def without(self, resource: Declared, others: Collection[Address]) -> Declared:
        """See `kind.LeansOnOthers`."""
        if isinstance(resource, unlisted.UnlistedSettings):
            return resource
        gone = {each.name for each in others}
        left = {name: value for name, value in resource.beside.items() if name not in gone}
        return resource.model_copy(update={"beside": left})

    def on_every_node(self, resource: Declared) -> bool:
        """See `kind.OnNodes`: files are each server's own; settings of databases and roles are replicated."""
        return isinstance(resource, unlisted.UnlistedSettings) or resource.of_instance

    def sequenced(self, outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> Sequence[Outcome]:
        """See `kind.Sequences`, and `restart.py`."""
        return restart.sequenced(outcomes, target, info)

    def held_back(self, nodes: Mapping[str, NodeOutcomes]) -> Mapping[str, Sequence[Outcome]]:
        """See `kind.Clusters`, and `cluster/standbys.py`."""
        from reconciler.kinds.pg_setting.cluster.standbys import held_back

        return held_back(nodes)

    def agreed(
        self, targets: Mapping[str, NodeOutcomes], declared: Mapping[str, Sequence[Declared]]
    ) -> Mapping[str, Sequence[Outcome]]:
        """See `kind.Shares`, and `agreement.py`."""
        from reconciler.kinds.pg_setting.cluster.agreement import agreed

        settings = {
            name: [each for each in resources if isinstance(each, PgSetting)] for name, resources in declared.items()
        }
        return unlisted.declared_by_none(agreed(targets, settings), settings)

    def rulings(self, address: Address, declared: Sequence[Declared]) -> Sequence[Ruling]:
        """See `kind.Rules`. They are about the instance; what a database or a role has (`role bob/jit`) is kept."""
        if "/" in address.name:
            return []
        found = [each.rules for each in declared if isinstance(each, unlisted.UnlistedSettings)]
        return [ruling for rules in found for ruling in rulings(rules, address.name.lower())]

    def written(self, session: Session) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.pg_setting.as_yaml import written

        assert isinstance(session, PostgresSession)  # noqa: S101 - that is what `system` says
        return written(self, session)


class PgRestartKind:
    """Restarts of a server, which a plan derives from the settings that wait for one. Nothing of it is declared."""

    name = restart.NAME
    nouns = ("restart", "restarts")
    system = System.POSTGRES
    sections: Mapping[str, Any] = {}
    resource = Restart

    def declare(self, declaration: Declaration) -> Iterable[Restart]:
        """Nothing: it has no section."""
        return ()

    def observe(self, session: Session, wanted: Sequence[Restart]) -> Mapping[Address, ObservedRestart]:
        """See `Kind.observe`. Raises TargetError."""
        assert isinstance(session, PostgresSession)  # noqa: S101 - that is what `system` says
        return restart.observe(session, wanted)

    def plan(self, desired: Restart, observed: ObservedRestart | None) -> Sequence[Outcome]:
        """See `Kind.plan`."""
        return [] if observed is None else restart.plan(desired, observed)

    def sequenced(self, outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> Sequence[Outcome]:
        """See `kind.Sequences`, and `restart.py`."""
        return restart.in_its_phase(outcomes, target, info)

    def derived_from(self, resource: Restart, declared: Mapping[Address, Resource]) -> Sequence[Address]:
        """See `kind.Derives`: the settings that wait for it."""
        return [Address(resource.address.target, PgSettingKind.name, name) for name in resource.settings]


def _declared(
    declaration: Declaration,
    settings: Settings,
    path: tuple[str, ...],
    *,
    database: str | None = None,
    role: str | None = None,
) -> Iterator[PgSetting]:
    beside = offline.Beside(declaration.target, settings if role is None and database is None else {})
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
        try:
            beside.check(setting, value)
        except FormulaError as error:
            raise DesiredError(f"{written}: {error}", at=at) from None
        resource = PgSetting(
            address=Address(declaration.target.name, PgSettingKind.name, setting),
            declared_at=at,
            setting=setting,
            database=database,
            role=role,
            value=value,
        )
        if not resource.of_instance:
            address = resource.address._replace(name=resource.own_name)
            resource = resource.model_copy(update={"address": address})
        yield resource


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
