"""The kind `pg_setting`: from YAML to resources, from a server to what it shows, and from both to a plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.desired.unlisted import ToldSection, rulings
from reconciler.kind import Declaration, NodeOutcomes, not_asked
from reconciler.kind.explaining import Ruling
from reconciler.kind.undoing import Former
from reconciler.kinds.pg_setting.model import NAME, PgSetting
from reconciler.kinds.pg_setting.sections import UNLISTED, DatabaseSection, RoleSection, Settings
from reconciler.model import (
    Address,
    Change,
    ChangeReceipt,
    Outcome,
    PostgresTarget,
    System,
    TargetInfo,
)

if TYPE_CHECKING:
    from reconciler.kinds.pg_setting.observed import SettingObserved
    from reconciler.kinds.pg_setting.unlisted import Declared, ObservedUnlisted
    from reconciler.targets.postgres.session import PostgresSession


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
        UNLISTED: ToldSection,
    }
    resource = PgSetting

    def declare(self, declaration: Declaration) -> Iterable[Declared]:
        """One resource for each name in each scope. Raises DesiredError."""
        from reconciler.kinds.pg_setting.declare import declare

        return declare(declaration)

    def gathered(self, declared: Sequence[Declared]) -> Sequence[Declared]:
        """See `unlisted.py`."""
        if not declared:
            return declared
        from reconciler.kinds.pg_setting import unlisted

        return unlisted.gathered(declared)

    def observe(
        self, session: PostgresSession, wanted: Sequence[Declared]
    ) -> Mapping[Address, SettingObserved | ObservedUnlisted]:
        """See `Kind.observe`. Two round trips; more only for what those leave open. Raises TargetError."""
        from reconciler.kinds.pg_setting import unlisted
        from reconciler.kinds.pg_setting.observing.observe import observe

        settings = [each for each in wanted if isinstance(each, PgSetting)]
        seen: dict[Address, SettingObserved | ObservedUnlisted] = {}
        seen |= observe(session, settings) if settings else {}
        for each in wanted:
            if isinstance(each, unlisted.UnlistedSettings):
                seen[each.address] = unlisted.observe_unlisted(session, each)
        return seen

    def plan(self, desired: Declared, observed: SettingObserved | ObservedUnlisted | None) -> Sequence[Outcome]:
        """See `Kind.plan`."""
        from reconciler.kinds.pg_setting import unlisted
        from reconciler.kinds.pg_setting.changes.plan import plan_setting
        from reconciler.kinds.pg_setting.observed import SettingObserved

        match desired, observed:
            case PgSetting(), SettingObserved():
                return plan_setting(desired, observed)
            case unlisted.UnlistedSettings(), unlisted.ObservedUnlisted():
                return unlisted.plan_unlisted(desired, observed)
        return [not_asked(desired)]

    def advise_beside(
        self, session: PostgresSession, outcomes: Sequence[Outcome]
    ) -> Callable[[], Sequence[Outcome]]:  # fmt: skip
        """See `kind.AdvisesBeside`, and `file_errors.py`."""
        from reconciler.kinds.pg_setting.observing.file_errors import errors

        found = errors(session, self.name)
        return lambda: [*outcomes, *found()]

    def leans_on(self, resource: Declared) -> Sequence[PgSetting]:
        """See `kind.LeansOnOthers`: settings of the instance, each of which may lean on the others."""
        if not isinstance(resource, PgSetting):
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
        if not isinstance(resource, PgSetting):
            return resource
        gone = {each.name for each in others}
        left = {name: value for name, value in resource.beside.items() if name not in gone}
        return resource.model_copy(update={"beside": left})

    def on_every_node(self, resource: Declared) -> bool:
        """See `kind.OnNodes`: files are each server's own; settings of databases and roles are replicated."""
        return not isinstance(resource, PgSetting) or resource.of_instance

    def sequenced(self, outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> Sequence[Outcome]:
        """See `kind.Sequences`, and `restart.py`."""
        from reconciler.kinds.pg_setting.cluster import restart

        return restart.sequenced(outcomes, target, info)

    def held_back(self, nodes: Mapping[str, NodeOutcomes]) -> Mapping[str, Sequence[Outcome]]:
        """See `kind.Clusters`, and `cluster/standbys.py`."""
        from reconciler.kinds.pg_setting.cluster.standbys import held_back

        return held_back(nodes)

    def agreed(
        self, targets: Mapping[str, NodeOutcomes], declared: Mapping[str, Sequence[Declared]]
    ) -> Mapping[str, Sequence[Outcome]]:
        """See `kind.Shares`, and `contradicting_targets.py`."""
        from reconciler.kinds.pg_setting import unlisted
        from reconciler.kinds.pg_setting.changes import overrides
        from reconciler.kinds.pg_setting.cluster.contradicting_targets import agreed

        settings = {
            name: [each for each in resources if isinstance(each, PgSetting)] for name, resources in declared.items()
        }
        return overrides.declared_by_none(unlisted.declared_by_none(agreed(targets, settings), settings), settings)

    def rulings(self, address: Address, declared: Sequence[Declared]) -> Sequence[Ruling]:
        """See `kind.unlisted.Rules`. They are about the instance; what a database or a role has is kept."""
        if "/" in address.name:
            return []
        found = [each.rules for each in declared if not isinstance(each, PgSetting)]
        return [ruling for rules in found for ruling in rulings(rules, address.name.lower())]

    def former(self, done: ChangeReceipt, node: PostgresTarget) -> Former:
        """See `undoing.py`."""
        from reconciler.kinds.pg_setting.undoing import former

        return former(done, node)

    def left(self, done: ChangeReceipt, node: PostgresTarget) -> PgSetting | None:
        """See `undoing.py`."""
        from reconciler.kinds.pg_setting.undoing import left

        return left(done, node)

    def restores(self, done: ChangeReceipt, change: Change) -> str:
        """See `undoing.py`."""
        from reconciler.kinds.pg_setting.undoing import restores

        return restores(done, change)

    def written(self, session: PostgresSession) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.pg_setting.as_yaml import written

        return written(self, session)
