"""The steps for an index of a partitioned table: part by part, each built concurrently, then attached.

Decided: docs/decisions.md#one-change-for-a-partitioned-index, docs/decisions.md#partitioned-indexes-that-stay-invalid
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.kinds.pg_index.changes import statements, steps
from reconciler.kinds.pg_index.changes.in_place import amend
from reconciler.kinds.pg_index.model import Definition
from reconciler.kinds.pg_index.observed import LiveIndex, PartitionIndex
from reconciler.model import SqlStep


def cover(schema: str, table: str, name: str, definition: Definition, tree: Sequence[PartitionIndex]) -> list[SqlStep]:
    """What gives each partition its index below `schema.name`, from the lowest upwards: one is attached when it is
    whole. What is there already is attached, or continued."""
    found: list[SqlStep] = []
    for part in tree:
        if part.parent == (schema, table):
            found += cover_part(part, (schema, name), definition, tree)
    return found


def cover_part(
    part: PartitionIndex, above: tuple[str, str], definition: Definition, tree: Sequence[PartitionIndex]
) -> Iterator[SqlStep]:
    """The same of one partition and what is below it; `above` is the index that its own is attached to."""
    if part.relkind == "f":
        return  # a foreign table has no indexes
    yield from _of(part, _made(part, definition))
    for child in tree:
        if child.parent == (part.schema_name, part.table):
            yield from cover_part(child, (part.schema_name, part.name), definition, tree)
    if part.attached is None:
        attached = steps.attach(*above, part.schema_name, part.name, f"{part.schema_name}.{part.table}")
        yield from _of(part, [attached])
    if part.goes and part.goes.replica_identity:
        # Before the index goes that the identity is of; DROP INDEX would take it along without a word.
        yield from _of(part, [steps.replica_identity(part.schema_name, part.table, part.name)])


def _of(part: PartitionIndex, run: Iterable[SqlStep]) -> Iterator[SqlStep]:
    for step in run:
        yield step.model_copy(update={"partition": part.full_name})


def _made(part: PartitionIndex, definition: Definition) -> Iterator[SqlStep]:
    own = (part.schema_name, part.name)
    there = part.attached or part.equal
    if there is not None:
        yield from amend(part.schema_name, there, _of_part(definition), part.rows).steps
    else:
        if part.leftover is not None:
            yield (
                steps.drop_partitioned(*own, f"{part.schema_name}.{part.table}")
                if part.relkind == "p"
                else steps.drop(*own)
            )
        yield (
            steps.build_only(part.schema_name, part.table, part.name, definition)
            if part.relkind == "p"
            else steps.build(part.schema_name, part.table, part.name, definition, part.rows)
        )
        told = statements.describe(*own, _of_part(definition))
        if told:
            yield steps.instant(*told)


def _of_part(definition: Definition) -> Definition:
    """The comment is about the index as a whole."""
    return definition.model_copy(update={"comment": None})


def rename(tree: Sequence[PartitionIndex]) -> list[SqlStep]:
    """Gives parts that were built under temporary names their own, once an index that had them is gone."""
    return [
        step
        for part in tree
        if part.name != part.final and part.relkind != "f"
        for step in _of(part, [steps.instant(statements.rename(part.schema_name, part.name, part.final))])
    ]


def anew(schema: str, index: str, tree: Iterable[PartitionIndex]) -> Iterator[PartitionIndex]:
    """The partitions of `tree` that have a part of `schema.index`, which goes, as if none of them had it."""
    going = {(schema, index)}
    for part in tree:
        own = next((each for each in (part.goes, part.attached) if each and each.parent in going), None)
        if own is not None:
            going.add((part.schema_name, own.name))
            none = dict.fromkeys(("attached", "equal", "leftover", "goes"))
            yield part.model_copy(update={"name": own.name, "final": own.name, **none})


def once_all_have(run: Iterable[SqlStep]) -> list[SqlStep]:
    """Steps after which an index serves, or goes, that every partition has to have by then."""
    return [step.model_copy(update={"needs_all": True}) for step in run]


def has_leaves(tree: Iterable[PartitionIndex]) -> bool:
    """Whether there is a partition with an index that has pages."""
    return any(part.relkind not in ("p", "f") for part in tree)


def ordered_otherwise(live: LiveIndex, tree: Iterable[PartitionIndex]) -> list[LiveIndex]:
    """The parts whose keys have another order than those of the whole: PostgreSQL takes an index for a part whatever
    its DESC and NULLS are, and lets none go again."""
    wanted = _order(live)
    return [part.attached for part in tree if part.attached is not None and _order(part.attached) != wanted]


def _order(live: LiveIndex) -> list[tuple[bool, bool]]:
    return [(key.descending, key.nulls_first) for key in live.keys]


def uncovered(tree: Sequence[PartitionIndex]) -> list[PartitionIndex]:
    """The partitions whose part is missing, INVALID, or not attached."""
    return [part for part in tree if not part.covered]


def builder(tree: Sequence[PartitionIndex]) -> tuple[str, int] | None:
    """The name of a part that is being built at this moment, and by which process."""
    for part in tree:
        for live in (part.attached, part.equal, part.leftover):
            if live is not None and live.builder is not None:
                return live.name, live.builder
    return None
