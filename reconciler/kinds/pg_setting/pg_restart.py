"""The kind `pg_restart`: what a plan puts between settings that only a restart changes and what needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting.model import NAME, RESTART, Restart
from reconciler.model import Address, Outcome, PostgresTarget, Resource, System, TargetInfo

if TYPE_CHECKING:
    from reconciler.kinds.pg_setting.observed import ObservedRestart
    from reconciler.targets.postgres.session import PostgresSession


class PgRestartKind:
    """Restarts of a server, which a plan derives from the settings that wait for one. Nothing of it is declared."""

    name = RESTART
    nouns = ("restart", "restarts")
    system = System.POSTGRES
    sections: Mapping[str, Any] = {}
    resource = Restart

    def declare(self, declaration: Declaration) -> Iterable[Restart]:
        """Nothing: it has no section."""
        return ()

    def observe(self, session: PostgresSession, wanted: Sequence[Restart]) -> Mapping[Address, ObservedRestart]:
        """See `Kind.observe`. Raises TargetError."""
        from reconciler.kinds.pg_setting.cluster import restart

        return restart.observe(session, wanted)

    def plan(self, desired: Restart, observed: ObservedRestart | None) -> Sequence[Outcome]:
        """See `Kind.plan`."""
        from reconciler.kinds.pg_setting.cluster import restart

        return [] if observed is None else restart.plan(desired, observed)

    def sequenced(self, outcomes: Sequence[Outcome], target: PostgresTarget, info: TargetInfo) -> Sequence[Outcome]:
        """See `kind.Sequences`, and `restart.py`."""
        from reconciler.kinds.pg_setting.cluster import restart

        return restart.in_its_phase(outcomes, target, info)

    def derived_from(self, resource: Restart, declared: Mapping[Address, Resource]) -> Sequence[Address]:
        """See `kind.Derives`: the settings that wait for it."""
        return [Address(resource.address.target, NAME, name) for name in resource.settings]
