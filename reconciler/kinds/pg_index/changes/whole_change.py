"""A change to an index, with all that a reviewer and an apply have to know of it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.changes import (
    index_in_words,
    partitioned_build,
    statements,
    steps,
    steps_for_new_partitions,
)
from reconciler.kinds.pg_index.changes.in_place import inheriting
from reconciler.kinds.pg_index.changes.swapped_names import carried
from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedIndex, PartitionIndex
from reconciler.model import Action, Change, Hazard, HazardType, SqlStep, Step


def change(
    desired: PgIndex,
    observed: ObservedIndex,
    action: Action,
    before: LiveIndex | None,
    after: Definition | None,
    run: Sequence[SqlStep],
    *,
    reason: str = "",
    summary: str = "",
    inverse: Sequence[Step] = (),
) -> Change:
    """A change to the declared index; its lane is the table, with all its partitions."""
    root = observed.table.root if observed.table else ()
    renamed = before is not None and action is Action.RENAME
    coming = None
    if desired.new_partitions and after and observed.table and observed.table.relkind == "p":
        beside = action is Action.REPLACE
        definition = inheriting(after, before) if beside and before else after
        coming = steps_for_new_partitions.template(desired.new_partitions, definition, beside=beside)
    return Change(
        address=desired.address,
        action=action,
        before=index_in_words.live_as_json(desired, before, named=renamed) if before else None,
        after=index_in_words.as_json(desired, after, name=desired.name if renamed else "") if after else None,
        reason=reason,
        why=desired.why,
        summary=summary,
        notes=(*_notes(observed), *([steps_for_new_partitions.said(coming)] if coming else [])) if after else (),
        steps=tuple(run),
        new_partitions=coming,
        inverse=tuple(inverse),
        # Two concurrent builds on one table wait for each other; on different tables they run side by side. A table
        # and its partitions are as one.
        lane=observed.lane or ".".join(root) or f"{desired.schema_name}.{desired.table}",
        # Before all others, where another table's index is to have the name, and before those that wait for that.
        phase=-observed.vacates,
        forbidden=forbidden(observed, run),
        desired=_carrying(desired, observed).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _carrying(desired: PgIndex, observed: ObservedIndex) -> PgIndex:
    """`desired` with what its next plan cannot know by itself. What is dropped is found by its name alone."""
    if desired.definition is None:
        return desired
    path = observed.search_path if desired.search_path is None else desired.search_path
    known = {
        "listed": observed.listed,
        "absent": observed.absent,
        "reserved": observed.reserved,
        "search_path": path,
        "swapped": carried(desired, observed.circle),
        "vacates": observed.vacates,
    }
    if observed.elsewhere and observed.elsewhere_on != desired.leaves:
        known["unlisted_on"] = observed.elsewhere_on
    return desired.model_copy(update=known)


def forbidden(observed: ObservedIndex, run: Sequence[Step]) -> str:
    """Why the role may not run these steps; a partition counts where one of them is for it: a drop takes the parts
    along, whosever they are."""
    touched = {step.partition for step in run if isinstance(step, SqlStep)}
    said = [observed.table.forbidden if observed.table else "", observed.forbidden]
    said += [part.forbidden for part in (*observed.partitions, *observed.fresh_partitions) if part.full_name in touched]
    why = next(filter(None, said), "")
    return f"role {observed.role} may not: {why}" if why else ""


def _notes(observed: ObservedIndex) -> tuple[str, ...]:
    foreign = [
        f"{part.schema_name}.{part.table}"
        for part in observed.partitions or observed.fresh_partitions
        if part.relkind == "f"
    ]
    if not foreign:
        return ()
    return (
        f"not covered, since foreign tables have no indexes: {', '.join(foreign)}; the whole stays INVALID for that",
    )


def inverse(desired: PgIndex, live: LiveIndex, tree: Sequence[PartitionIndex] = ()) -> tuple[Step, ...]:
    """What builds an index again that goes; `tree`: the partitions that have parts of it."""
    schema, table, definition = desired.schema_name, desired.table, index_in_words.as_declared(live)
    if live.partitioned:
        built = [steps.build_only(schema, table, live.name, definition)]
        built += partitioned_build.cover(
            schema, table, live.name, definition, list(partitioned_build.anew(schema, live.name, tree))
        )
        texts = statements.describe(schema, live.name, definition)
    else:
        first, *texts = statements.inverse(schema, table, live.name, definition)
        built = [steps.concurrent(first)]
    if live.clustered:
        texts.append(statements.cluster_on(schema, table, live.name))
    if live.replica_identity:
        texts.append(statements.replica_identity(schema, table, live.name))
    return (*built, *map(steps.instant, texts))


def drop(desired: PgIndex, live: LiveIndex, name: str = "", *, hazards: Sequence[Hazard] = ()) -> SqlStep:
    """The drop of an index of the declared table, under its own name or the one that it has by then."""
    if live.partitioned:
        table = f"{desired.schema_name}.{desired.table}"
        return steps.drop_partitioned(desired.schema_name, name or live.name, table, hazards)
    return steps.drop(desired.schema_name, name or live.name, hazards)


def drop_temporary(desired: PgIndex, observed: ObservedIndex) -> list[SqlStep]:
    """The drops of what bears our temporary names.

    One that is valid, and does not show that we left it, may be somebody's own: that takes permission.
    """
    return [
        drop(desired, each, hazards=[] if not each.valid or each.comment == statements.REPLACED else [_not_ours(each)])
        for each in (observed.old, observed.fresh)
        if each is not None
    ]


def _not_ours(live: LiveIndex) -> Hazard:
    message = f"{live.name} has one of our temporary names, is valid, and may be somebody's own: rename it to keep it"
    return Hazard(type=HazardType.INDEX_DROP, message=message)


def drop_leftovers(observed: ObservedIndex) -> list[SqlStep]:
    """The drops of what an interrupted REINDEX CONCURRENTLY left."""
    return [steps.drop(schema, name) for schema, name in observed.leftovers]
