"""The kind `pg_setting`: from YAML to resources, from a server to what it shows, and from both to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from reconciler.desired.unlisted import ToldSection, rulings
from reconciler.kind import Declaration, NodeOutcomes, Ruling
from reconciler.kinds.pg_setting import unlisted
from reconciler.kinds.pg_setting.changes import after_preload, instance, managed, patroni, scoped
from reconciler.kinds.pg_setting.changes.outcomes import notice
from reconciler.kinds.pg_setting.cluster import restart
from reconciler.kinds.pg_setting.declare import NAME, declare
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.observing.observe import observe
from reconciler.kinds.pg_setting.sections import DatabaseSection, RoleSection, Settings
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import names
from reconciler.kinds.pg_setting.values.declared_value import NotTold
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import Address, NoticeType, Outcome, SecretRef, System, Target, TargetInfo
from reconciler.targets.postgres.session import PostgresSession
from reconciler.targets.session import Session


class PgSettingKind:
    """Settings of a PostgreSQL instance, its databases and its roles.

    ALTER SYSTEM never removes a line of postgresql.conf: `default` is RESET, and says so where that is not enough.
    A value that the server would refuse depends on the server, and is therefore found by `plan`, as a BLOCKED notice at
    the place of its declaration; it is never applied, and never taken for in sync.
    """

    name = NAME
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
        return declare(declaration)

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

    def sequenced(self, outcomes: Sequence[Outcome], target: Target, info: TargetInfo) -> Sequence[Outcome]:
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
