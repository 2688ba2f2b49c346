"""What of an index can be changed in place, and what has to be carried over to its successor.

Decided: docs/decisions.md#comments-and-statistics-targets, docs/decisions.md#fillfactor-in-place
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.kinds.pg_index.changes import index_in_words, statements, steps
from reconciler.kinds.pg_index.comparison.compare import IN_PLACE, changed_options
from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.kinds.pg_index.observed import LiveIndex
from reconciler.model import Action, Change, Hazard, HazardType, SqlStep
from reconciler.targets.sql_tree import SyntaxProblem, canonical

CLUSTERABLE = {"btree", "gist"}
"""Access methods of PostgreSQL that CLUSTER can sort by (pg_am's amclusterable, up to 18)."""

WRITTEN_PAGES = {"fillfactor", "deduplicate_items"}
"""Storage parameters that pages are written by: those that are written already stay as they are."""


class Amendment(NamedTuple):
    """Steps that change an index in place, why, and before → after in a few words."""

    steps: list[SqlStep]
    reasons: list[str]
    summaries: list[str]


def amend(schema: str, live: LiveIndex, definition: Definition, rows: float, name: str = "") -> Amendment:
    """What brings `live`, which has the declared keys, to the rest of its definition.

    `name` is what it is called by then, where it is renamed before. A partitioned index has no pages: PostgreSQL
    refuses to change its storage parameters, and those of its partitions count.
    """
    name = name or live.name
    found = Amendment([], [], [])
    texts: list[str] = []
    hazards: list[Hazard] = []
    moves = definition.tablespace not in ("", live.tablespace)
    changed = changed_options(definition, live)
    if changed and not live.partitioned:
        wanted, there = dict(definition.options), dict(live.options)
        values = {option: value for option, value in wanted.items() if option in changed}
        texts += statements.set_options(schema, name, values, sorted(there.keys() - wanted.keys()))
        found.reasons.append("storage parameters are changed in place")
        found.summaries.append(
            f"{index_in_words.parameters(live.options)} → {index_in_words.parameters(definition.options)}"
        )
        # Of a part, those that are only read when it is built may differ, too: the whole is not built again for it.
        if (changed & WRITTEN_PAGES or changed - IN_PLACE) and not moves:
            offered = statements.reindex(schema, name)
            message = f"pages that are already written stay as they are until: {offered}"
            hazards.append(Hazard(type=HazardType.NEEDS_REINDEX, message=message))
    for number, target in _statistics(definition, live):
        texts.append(statements.set_statistics(schema, name, number, target))
        before = dict(live.statistics).get(number, -1)
        found.reasons.append("a statistics target is changed in place; the next ANALYZE goes by it")
        found.summaries.append(f"statistics {_target(before)} → {_target(target)}")
    if definition.comment is not None and definition.comment != live.comment:
        texts.append(statements.comment(schema, name, definition.comment))
        found.reasons.append("its comment differs")
        found.summaries.append(f"comment {live.comment or 'none'!r} → {definition.comment or 'none'!r}")
    if texts:
        found.steps.append(steps.instant(*texts, hazards=hazards))
    if moves:
        found.steps.append(
            steps.instant(statements.move(schema, name, definition.tablespace))
            if live.partitioned
            else steps.reindex(schema, name, rows, definition.tablespace)
        )
        found.reasons.append("it is built again in another tablespace, and serves meanwhile")
        found.summaries.append(f"tablespace {live.tablespace} → {definition.tablespace}")
    return found


def differing(change: Change) -> set[str]:
    """What a change in place is about, of before and after; of any other, which is about all of an index, nothing."""
    if change.action is not Action.UPDATE or change.before is None or change.after is None:
        return set()
    definition = PgIndex.model_validate(dict(change.desired)).definition
    if definition is None:
        return set()
    kept = {
        "tablespace": not definition.tablespace,
        "comment": definition.comment is None,
        "statistics": not definition.statistics,
    }
    before, after = change.before, change.after
    return {key for key in ("options", *kept) if not kept.get(key) and before.get(key) != after.get(key)}


def inheriting(definition: Definition, before: LiveIndex) -> Definition:
    """A definition with its predecessor's comment and statistics targets, where it says nothing about them itself."""
    statistics = dict(_kept(definition, before)) | dict(definition.statistics)
    return definition.model_copy(
        update={
            "comment": before.comment if definition.comment is None else definition.comment,
            "statistics": tuple(sorted(statistics.items())),
        }
    )


def finishing(desired: PgIndex, definition: Definition, before: LiveIndex | None) -> list[str]:
    """What CREATE INDEX does not say of a new index: as declared, and where nothing is declared as its predecessor."""
    wanted = inheriting(definition, before) if before else definition
    found = statements.describe(desired.schema_name, desired.name, wanted)
    if before is not None:
        if before.clustered and definition.method in CLUSTERABLE and not definition.predicate:
            found.append(statements.cluster_on(desired.schema_name, desired.table, desired.name))
        if before.replica_identity:
            found.append(statements.replica_identity(desired.schema_name, desired.table, desired.name))
        found += [statements.depend(desired.schema_name, desired.name, each) for each in before.extensions]
    return found


def _kept(definition: Definition, before: LiveIndex) -> Iterator[tuple[int, int]]:
    """The predecessor's statistics targets of expressions that the new index has at the same place."""
    for number, target in before.statistics:
        if number <= len(definition.keys) and number <= len(before.keys):
            one, other = definition.keys[number - 1].expression, before.keys[number - 1].expression
            if one and (one == other or _reads_as(one) == _reads_as(other)):
                yield number, target


def _reads_as(expression: str) -> str:
    try:
        return canonical(expression)
    except SyntaxProblem:
        return expression


def _statistics(definition: Definition, live: LiveIndex) -> Iterator[tuple[int, int]]:
    there = dict(live.statistics)
    return ((number, target) for number, target in definition.statistics if there.get(number, -1) != target)


def _target(value: int) -> str:
    return "default" if value == -1 else str(value)
