"""What is said of indexes that can answer what another one answers: stated, and never a recommendation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from reconciler.insight.candidate import Name
from reconciler.kinds.pg_index.advice.planned_statements import Work
from reconciler.kinds.pg_index.changes.index_in_words import as_definition
from reconciler.kinds.pg_index.changes.statements import FRESH, OLD
from reconciler.kinds.pg_index.definition.redundancy import Covering
from reconciler.kinds.pg_index.model import Definition
from reconciler.kinds.pg_index.observed import Need
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.kinds.pg_index.observing.last_serving_indexes import last_covers
from reconciler.model import Action, Address, Fact
from reconciler.targets.postgres.session import PostgresSession

TEMPORARY = (FRESH, OLD)
"""Names of ours end so while an index is replaced."""


def overlaps(session: PostgresSession, catalogue: Catalogue, works: Iterable[Work]) -> dict[Address, list[Fact]]:
    """By address of a creation or a drop: what covers it, what it makes redundant, which foreign key it alone serves.

    Seen are the indexes that will be there when the plan is applied. Raises TargetError.
    """
    all_works = list(works)
    gone = {(*work.table, work.resource.name) for work in all_works if work.change.action is Action.DELETE}
    planned: dict[Name, dict[str, Definition]] = {}
    for work in all_works:
        if work.resource.definition:
            planned.setdefault(work.table, {})[work.resource.name] = work.resource.definition
    dropped = {(work.table, work.resource.name) for work in all_works if work.resource.definition is None}
    coming = {table: list(definitions.values()) for table, definitions in planned.items()}
    served = last_covers(session, catalogue, dropped, coming)
    there = {table: _there(catalogue, table, planned.get(table, {}), gone) for table in {w.table for w in all_works}}
    found: dict[Address, list[Fact]] = {}
    for work in all_works:
        live = catalogue.indexes.get(work.table, {})
        going = live.get(work.resource.name)
        definition = work.resource.definition or (as_definition(going) if going else None)
        if definition is None or work.change.action in (Action.UPDATE, Action.RENAME):
            continue
        itself = {work.resource.name}
        facts = _fact("covered by", set(there[work.table].of(definition)) - itself)
        if work.resource.definition is None:
            need = served.get((*work.table, work.resource.name))
            facts += [_only(need)] if need else []
        else:
            redundant = set(there[work.table].by(definition)) - itself
            kept = {name for name in redundant if name in live and (live[name].constraint or live[name].unique)}
            facts += _fact("makes redundant", redundant - kept)
        found[work.change.address] = facts
    return found


def _only(need: Need) -> Fact:
    if need.foreign_key:
        return Fact(name="only index for foreign key", value=need.foreign_key)
    return Fact(name="only index for", value=str(need))


def _there(
    catalogue: Catalogue, table: Name, own: Mapping[str, Definition], gone: Collection[tuple[str, str, str]]
) -> Covering:
    """What a table will have."""
    live = {
        name: as_definition(each)
        for name, each in catalogue.indexes.get(table, {}).items()
        if each.valid and (*table, name) not in gone and not name.endswith(TEMPORARY)
    }
    return Covering({**live, **own})


def _fact(name: str, indexes: Collection[str]) -> list[Fact]:
    return [Fact(name=name, value=", ".join(sorted(indexes)))] if indexes else []
