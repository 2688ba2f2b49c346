"""The kind `pg_setting`: from YAML to resources, from a server to what it shows, and from both to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.desired.unlisted import ToldSection, rulings
from reconciler.errors import DesiredError
from reconciler.formulas.quantities import FormulaError
from reconciler.kind import Declaration, NodeOutcomes, not_asked
from reconciler.kind.unlisted import Ruling
from reconciler.kinds.pg_setting import unlisted
from reconciler.kinds.pg_setting.changes.plan import plan_setting
from reconciler.kinds.pg_setting.cluster import restart
from reconciler.kinds.pg_setting.model import PgSetting, Restart
from reconciler.kinds.pg_setting.observed import ObservedRestart, SettingObserved
from reconciler.kinds.pg_setting.observing.observe import observe
from reconciler.kinds.pg_setting.sections import DatabaseSection, RoleSection, Settings
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import names, offline
from reconciler.model import Address, Outcome, PostgresTarget, Resource, SecretRef, System, TargetInfo
from reconciler.targets.postgres.session import PostgresSession


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
        self, session: PostgresSession, wanted: Sequence[Declared]
    ) -> Mapping[Address, SettingObserved | unlisted.ObservedUnlisted]:
        """See `Kind.observe`. Two round trips; more only for what those leave open. Raises TargetError."""
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
        match desired, observed:
            case PgSetting(), SettingObserved():
                return plan_setting(desired, observed)
            case unlisted.UnlistedSettings(), unlisted.ObservedUnlisted():
                return unlisted.plan_unlisted(desired, observed)
        return [not_asked(desired)]

    def advise(self, session: PostgresSession, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """See `kind.Advises`, and `file_errors.py`."""
        from reconciler.kinds.pg_setting.observing.file_errors import errors

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

    def written(self, session: PostgresSession) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.pg_setting.as_yaml import written

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

    def observe(self, session: PostgresSession, wanted: Sequence[Restart]) -> Mapping[Address, ObservedRestart]:
        """See `Kind.observe`. Raises TargetError."""
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
