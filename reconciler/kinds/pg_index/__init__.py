"""Indexes of PostgreSQL.

What it manages   indexes of tables, partitioned ones among them, and of materialized views, PostgreSQL 13 to 18; of
                  those that belong to a constraint only what can be changed in place.
How it compares   by the server's own reading of both sides (`compare.py`), never by text.
What it runs      CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY; renames in one short transaction; a changed
                  definition is built beside the old one and swapped in, so that no query is ever without an index;
                  what can be changed in place is; indexes of partitioned tables part by part (`partitioned_build.py`).
What it leaves    nothing: an interrupted run is recognised by its temporary names (`statements.py`) and finished.

Decided: docs/decisions.md#wings
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from reconciler.desired.unlisted import UnlistedSection
from reconciler.kind import Declaration, not_asked
from reconciler.kind.applying import Followed, Rehearsal
from reconciler.kind.explaining import Ruling
from reconciler.kind.undoing import Former
from reconciler.kinds.pg_index.model import AnyIndex, Declared, PgIndex, UnlistedEverywhere, UnlistedIndexes
from reconciler.kinds.pg_index.observed import AnyObserved, ObservedEverywhere, ObservedIndex, ObservedUnlisted
from reconciler.kinds.pg_index.sections import TableSection
from reconciler.model import Address, Change, ChangeReceipt, Fact, Outcome, Resource, Step, System, Target

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession


class PgIndexKind:
    """The kind `pg_index`."""

    name = "pg_index"
    seen_at_once: Literal[True] = True
    nouns = ("index", "indexes")
    system = System.POSTGRES
    sections: Mapping[str, Any] = {"tables": dict[str, TableSection], "unlisted_indexes": UnlistedSection}
    resource = AnyIndex

    def declare(self, declaration: Declaration) -> Iterable[Declared]:
        """See `declare.py`."""
        from reconciler.kinds.pg_index.declare import declare

        return declare(declaration)

    def observe(self, session: PostgresSession, wanted: Sequence[Declared]) -> Mapping[Address, AnyObserved]:
        """See `observe.py`."""
        from reconciler.kinds.pg_index.observing.observe import observe

        return observe(session, wanted)

    def plan(self, desired: Declared, observed: AnyObserved | None) -> Sequence[Outcome]:
        """See `plan.py` and `removal.py`."""
        from reconciler.kinds.pg_index.changes.plan import plan_index
        from reconciler.kinds.pg_index.changes.removal import plan_unlisted

        match desired, observed:
            case PgIndex(), ObservedIndex():
                return plan_index(desired, observed)
            case UnlistedIndexes(), ObservedUnlisted():
                return plan_unlisted(desired, observed)
            case UnlistedEverywhere(), ObservedEverywhere():
                return [outcome for table, found in observed.tables for outcome in plan_unlisted(table, found)]
        return [not_asked(desired)]

    def advise(self, session: PostgresSession, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """See `advice/advise.py`. Of a plan without changes there is nothing to be said, and nothing is imported."""
        if not any(isinstance(outcome, Change) for outcome in outcomes):
            return outcomes
        from reconciler.kinds.pg_index.advice.advise import advise

        return advise(session, outcomes)

    def rehearsal(self, change: Change) -> Sequence[Rehearsal]:
        """See `rehearsal.py`."""
        from reconciler.kinds.pg_index.changes.rehearsal import rehearsal

        return rehearsal(change)

    def measured(self, observed: AnyObserved) -> Sequence[Fact]:
        """The real size of what was built, under the name of its estimate."""
        live = observed.live if isinstance(observed, ObservedIndex) else None
        if live is None or not isinstance(observed, ObservedIndex):
            return []
        parts = [part.attached.bytes for part in observed.partitions if part.attached]
        return [Fact(name="index", value=sum(parts) if live.partitioned else live.bytes, unit="bytes")]

    def leans_on(self, resource: Declared) -> Sequence[PgIndex]:
        """See `observing/name_exchange.py`: what a change renames beside its own index."""
        from reconciler.kinds.pg_index.changes.swapped_names import swapped

        return swapped(resource) if isinstance(resource, PgIndex) else []

    def without(self, resource: Declared, others: Collection[Address]) -> None:
        """See `kind.LeansOnOthers`: names are exchanged among all of them, or not at all."""

    @property
    def optional(self) -> frozenset[str]:
        """See `kind.Discerns`, and `model.Definition`."""
        return frozenset({"tablespace", "comment", "statistics"})

    def differing(self, change: Change) -> Collection[str]:
        """See `changes/in_place.py`."""
        from reconciler.kinds.pg_index.changes.in_place import differing

        return differing(change)

    def followed(self, planned: Change, now: Change, observed: AnyObserved) -> Followed | None:
        """See `changes/partitions_since_plan.py`."""
        from reconciler.kinds.pg_index.changes.partitions_since_plan import followed

        return followed(planned, now, observed) if isinstance(observed, ObservedIndex) else None

    def once_more(self, made: Change, now: Change) -> Sequence[Step] | None:
        """See `changes/partitions_since_plan.py`."""
        from reconciler.kinds.pg_index.changes.partitions_since_plan import once_more

        return once_more(made, now)

    def left_over(self, made: Change, now: Change, observed: AnyObserved) -> Sequence[str]:
        """See `changes/partitions_since_plan.py`."""
        from reconciler.kinds.pg_index.changes.partitions_since_plan import left_over

        return left_over(made, now, observed) if isinstance(observed, ObservedIndex) else []

    def went(self, made: Change, observed: AnyObserved) -> Sequence[str]:
        """See `changes/partitions_since_plan.py`."""
        from reconciler.kinds.pg_index.changes.partitions_since_plan import went

        return went(made, observed) if isinstance(observed, ObservedIndex) else []

    def derived_from(self, resource: Declared, declared: Mapping[Address, Resource]) -> list[Address]:
        """See `kind.Derives`: an index that nobody lists is dropped by the rule of its table."""
        from reconciler.kinds.pg_index.unlisted_rules import dropped_by

        return dropped_by(resource, declared)

    def gathered(self, declared: Sequence[Declared]) -> Sequence[Declared]:
        """See `unlisted.py`, and `observing/name_exchange.py` for an index that leaves its name to another table's."""
        from reconciler.kinds.pg_index.changes.names_handed_over import handed_over
        from reconciler.kinds.pg_index.unlisted_rules import gathered

        return handed_over(gathered(declared))

    def rulings(self, address: Address, declared: Sequence[Declared]) -> Sequence[Ruling]:
        """See `unlisted.py`."""
        from reconciler.kinds.pg_index.unlisted_rules import rulings_about

        return rulings_about(address, declared)

    def displaces(self, resource: Declared, declared: Mapping[Address, Resource]) -> bool:
        """See `kind.Displaces`: an index of another table that nobody lists has the name."""
        from reconciler.kinds.pg_index.unlisted_rules import is_dropped

        if not isinstance(resource, PgIndex) or not resource.unlisted_on:
            return True
        schema, table = resource.unlisted_on
        return is_dropped(resource.address.target, (schema, table), resource.name, declared)

    def former(self, done: ChangeReceipt, node: Target) -> Former:
        """See `undoing.py`."""
        from reconciler.kinds.pg_index.undoing import former

        return former(done, node)

    def left(self, done: ChangeReceipt, node: Target) -> PgIndex:
        """See `undoing.py`."""
        from reconciler.kinds.pg_index.undoing import left

        return left(done, node)

    def restores(self, done: ChangeReceipt, change: Change) -> str:
        """See `undoing.py`."""
        from reconciler.kinds.pg_index.undoing import restores

        return restores(done, change)

    section_of_schemas = "tables"

    def schema_of(self, entry: str) -> str:
        """See `kind.importing.InSchemas`."""
        from reconciler.kinds.pg_index.definition.syntax import qualified_name

        return qualified_name(entry)[0]

    def written(self, session: PostgresSession) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.pg_index.as_yaml import written

        return written(self, session)


KIND = PgIndexKind()
