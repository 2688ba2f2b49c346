"""Which steps bring an index to its declaration: the cheapest that never leaves queries without it.

Decided: docs/decisions.md#broken-indexes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.kinds.pg_index.changes import index_in_words, partitioned_build, partitioned_validity, statements, steps
from reconciler.kinds.pg_index.changes.in_place import amend, finishing, inheriting
from reconciler.kinds.pg_index.changes.in_sync import is_in_sync
from reconciler.kinds.pg_index.changes.obstacles import at_work, obstacle, permitted
from reconciler.kinds.pg_index.changes.removal import hazards, plan_absent
from reconciler.kinds.pg_index.changes.whole_change import change, drop, drop_leftovers, drop_temporary, inverse
from reconciler.kinds.pg_index.comparison.compare import IN_PLACE, REINDEX_MOVES, changed_options, fixed_options
from reconciler.kinds.pg_index.definition.redundancy import lost
from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedIndex
from reconciler.model import Action, Change, Hazard, HazardType, Outcome

NOT_THERE_BEFORE = "it was not there before what is undone"


def plan_index(desired: PgIndex, observed: ObservedIndex) -> Sequence[Outcome]:
    """The outcome for one declared index."""
    if desired.definition is None:
        found = list(plan_absent(desired, observed, "declared absent" if desired.takes is None else NOT_THERE_BEFORE))
    elif is_in_sync(desired, desired.definition, observed):
        return []
    elif notice := obstacle(desired, desired.definition, observed) or at_work(desired, observed):
        return [notice]
    elif observed.circle:
        found = [_plan_circle(desired, desired.definition, observed)]
    else:
        found = [_taking(desired, observed, each) for each in _plan_present(desired, desired.definition, observed)]
    return [permitted(desired, observed, outcome) for outcome in found]


def _plan_present(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Iterator[Outcome]:
    live = observed.live
    if live is None:
        yield _plan_missing(desired, definition, observed)
    elif not live.valid and not live.partitioned:
        yield _plan_invalid(desired, definition, observed, live)
    elif not observed.same or _needs_successor(desired, definition, observed, live):
        yield _plan_replace(desired, definition, observed, live)
    else:
        yield from _plan_same(desired, definition, observed, live)


def _needs_successor(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> bool:
    """Whether an index with the declared keys still has to be built again."""
    if live.partitioned:
        parts = [part.attached for part in observed.partitions if part.attached and part.relkind != "p"]
        rebuilt = bool(
            _fixed_options(definition, observed, live)
            or _stuck(desired, observed, live)
            or partitioned_build.ordered_otherwise(live, observed.partitions)
        )
    else:
        parts = [live]
        rebuilt = bool(_fixed_options(definition, observed, live))
    moves = definition.tablespace and any(part.tablespace != definition.tablespace for part in parts)
    return rebuilt or bool(moves and observed.version_num < REINDEX_MOVES)


def _stuck(desired: PgIndex, observed: ObservedIndex, live: LiveIndex) -> bool:
    table = (desired.schema_name, desired.table)
    return partitioned_validity.stuck(table, live, observed.partitions, observed.version_num)


def _fixed_options(definition: Definition, observed: ObservedIndex, live: LiveIndex) -> set[str]:
    return fixed_options(definition, live, has_leaves=partitioned_build.has_leaves(observed.partitions))


def _plan_circle(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Change:
    """Names that declared indexes have of each other, given back in one transaction.

    The change of each of them is the same: whichever comes first makes it, and the others find it made.
    """
    schema, circle = desired.schema_name, observed.circle
    first, passing = circle[0].name, statements.temporary_name(circle[0].name, statements.OLD)
    texts = [statements.rename(schema, first, passing)]
    texts += [statements.rename(schema, passing if each.was == first else each.was, each.name) for each in circle]
    run = [steps.instant(*texts)]
    for each in circle:
        run += amend(schema, each.live, each.definition, -1, each.name).steps
    [was] = (each.was for each in circle if each.name == desired.name)
    others = ", ".join(each.name for each in circle if each.name != desired.name)
    return change(
        desired, observed, Action.RENAME, None, definition, run,
        reason=f"{was} has exactly this definition; names are exchanged with {others} in one transaction",
        summary=f"{was} → {desired.name}",
    )  # fmt: skip


def _taking(desired: PgIndex, observed: ObservedIndex, outcome: Outcome) -> Outcome:
    """`outcome`, after the index of another table goes that has the name."""
    live = observed.elsewhere
    if live is None or not isinstance(outcome, Change):
        return outcome
    there = desired.model_copy(update={"schema_name": observed.elsewhere_on[0], "table": observed.elsewhere_on[1]})
    hazardous = hazards(live, observed, called=f"that of {there.schema_name}.{there.table}")
    return outcome.model_copy(
        update={
            "steps": (drop(there, live, hazards=hazardous), *outcome.steps),
            # In the lane of the other table, and behind what is built there: something may take over its queries.
            "phase": 1,
            "inverse": (*outcome.inverse, *(inverse(there, live, observed.elsewhere_parts) if live.valid else ())),
            "reason": "; ".join(
                filter(None, (outcome.reason, f"its name comes from {there.schema_name}.{there.table}"))
            ),
        }
    )


def _plan_missing(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Change:
    table = f"{desired.schema_name}.{desired.table}"
    is_partitioned = observed.table is not None and observed.table.relkind == "p"
    if observed.twin is not None:
        amended = amend(desired.schema_name, observed.twin, definition, _rows(observed), desired.name)
        run = [steps.instant(statements.rename(desired.schema_name, observed.twin.name, desired.name))]
        run += partitioned_build.cover(
            desired.schema_name, desired.table, desired.name, definition, observed.partitions
        )
        run += drop_temporary(desired, observed)
        return change(
            desired, observed, Action.RENAME, observed.twin, definition, [*run, *amended.steps],
            reason="; ".join([f"{observed.twin.name} has exactly this definition", *amended.reasons]),
            summary=f"{observed.twin.name} → {desired.name}",
        )  # fmt: skip
    told = finishing(desired, definition, None)
    fresh = observed.fresh
    if fresh and not is_partitioned and fresh.valid and observed.fresh_same:
        rename = statements.rename(desired.schema_name, fresh.name, desired.name)
        return change(
            desired, observed, Action.CREATE, None, definition, [steps.instant(rename, *told)],
            reason="built by an interrupted apply",
        )  # fmt: skip
    run = drop_temporary(desired, observed)
    if is_partitioned:
        run.append(steps.build_only(desired.schema_name, desired.table, desired.name, definition))
        run += partitioned_build.cover(
            desired.schema_name, desired.table, desired.name, definition, observed.partitions
        )
    else:
        run.append(steps.build(desired.schema_name, desired.table, desired.name, definition, _rows(observed)))
    if told:
        run.append(steps.instant(*told))
    adopted = [part.equal.name for part in observed.partitions if part.equal]
    reason = f"of what the partitions of {table} have, {', '.join(adopted)} is taken over" if adopted else ""
    return change(desired, observed, Action.CREATE, None, definition, run, reason=reason)


def _plan_invalid(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    told = finishing(desired, definition, live)
    run = [
        drop(desired, live),
        *drop_temporary(desired, observed),
        *drop_leftovers(observed),
        steps.build(desired.schema_name, desired.table, desired.name, definition, _rows(observed)),
        *([steps.instant(*told)] if told else []),
    ]
    return change(
        desired, observed, Action.REBUILD, live, definition, run,
        reason="INVALID since a build failed or was cancelled",
    )  # fmt: skip


def _plan_replace(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    """The new one beside the old one, a swap of names in one short transaction, then the old one goes."""
    schema, table = desired.schema_name, desired.table
    fresh_name = statements.temporary_name(desired.name, statements.FRESH)
    old_name = statements.temporary_name(desired.name, statements.OLD)
    fresh = observed.fresh
    built = fresh is not None and observed.fresh_same and (fresh.valid or fresh.partitioned)
    run = drop_temporary(desired, observed.model_copy(update={"fresh": None}) if built else observed)
    if live.partitioned:
        if not built:
            run.append(steps.build_only(schema, table, fresh_name, definition))
        run += partitioned_build.cover(
            schema, table, fresh_name, inheriting(definition, live), observed.fresh_partitions
        )
        if fresh is not None and built:
            run += partitioned_validity.attach_again(
                fresh_name, (schema, table), fresh, observed.fresh_partitions, observed.version_num
            )
    elif not built:
        run.append(steps.build(schema, table, fresh_name, definition, _rows(observed)))
    swap = [
        statements.rename(schema, live.name, old_name),
        statements.rename(schema, fresh_name, desired.name),
        statements.comment(schema, old_name, statements.REPLACED),
        *finishing(desired, definition, live),
    ]
    # To hand over a replica identity takes the strongest lock of the table.
    locked = live.replica_identity
    swapped = [
        steps.strong(f"reads and writes of {schema}.{table}", *swap) if locked else steps.instant(*swap),
        drop(desired, live, old_name, hazards=_loses(definition, observed, live)),
        *(partitioned_build.rename(observed.fresh_partitions) if live.partitioned else []),
        *drop_leftovers(observed),
    ]
    run += partitioned_build.once_all_have(swapped) if live.partitioned else swapped
    why = "the new one was begun by an interrupted apply" if built else _why_replaced(definition, observed, live)
    handed = locked or any(part.goes and part.goes.replica_identity for part in observed.fresh_partitions)
    return change(
        desired, observed, Action.REPLACE, live, definition, run,
        reason=f"{why}; the replica identity goes over to it" if handed else why,
        summary=f"{index_in_words.brief_live(live, definition)} → {index_in_words.brief(definition)}",
        inverse=inverse(desired, live, observed.fresh_partitions),
    )  # fmt: skip


def _loses(definition: Definition, observed: ObservedIndex, live: LiveIndex) -> list[Hazard]:
    """For the queries of the old one, a successor that answers less is a drop."""
    going = [] if observed.same else [live]
    going += partitioned_build.ordered_otherwise(live, observed.partitions) if observed.same else []
    for each in going:
        less = lost(definition, index_in_words.as_definition(each)) if each.valid else ""
        if less:
            if observed.needed_by:
                less += f"; {observed.needed_by} is left without an index"
            message = f"queries that use {each.name} as it is may become slower: {less}"
            return [Hazard(type=HazardType.INDEX_DROP, message=message)]
    return []


def _why_replaced(definition: Definition, observed: ObservedIndex, live: LiveIndex) -> str:
    if not observed.same:
        return "its definition differs"
    if changed_options(definition, live) - IN_PLACE:
        return "storage parameters differ that are only read when it is built"
    if _fixed_options(definition, observed, live):
        return "storage parameters of a partitioned index cannot be changed, and it has no parts to change them on"
    if parts := partitioned_build.ordered_otherwise(live, observed.partitions):
        return f"{parts[0].name} is a part of it, and has another order"
    if live.partitioned:
        return "INVALID, and attaching the parts that it lacks would not make it valid"
    return "another tablespace: before PostgreSQL 14 there is no REINDEX into one"


def _plan_same(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Sequence[Outcome]:
    """Right as it is, but perhaps for what can be changed in place, and for what an interrupted apply left behind."""
    run, reasons = [], []
    leftovers = [leftover for leftover in (observed.fresh, observed.old) if leftover]
    run += drop_temporary(desired, observed)
    if leftovers:
        reasons.append("under our temporary names: " + ", ".join(leftover.name for leftover in leftovers))
    if observed.leftovers:
        run += drop_leftovers(observed)
        names = ", ".join(name for _, name in observed.leftovers)
        reasons.append(f"left behind by an interrupted REINDEX CONCURRENTLY: {names}")
    open_parts = partitioned_build.uncovered(observed.partitions)
    covering = partitioned_build.cover(
        desired.schema_name, desired.table, desired.name, definition, observed.partitions
    )
    if open_parts:
        some = ", ".join(f"{part.schema_name}.{part.table}" for part in open_parts[:5])
        more = f" and {len(open_parts) - 5} more" if len(open_parts) > 5 else ""
        reasons.append(f"{len(open_parts)} of {len(observed.partitions)} partitions are not covered: {some}{more}")
    elif covering:
        reasons.append("those of its partitions are changed in place")
    again = partitioned_validity.attach_again(
        desired.name, (desired.schema_name, desired.table), live, observed.partitions, observed.version_num
    )
    if again and not open_parts:
        reasons.append("INVALID though no partition lacks its part: attached again, for PostgreSQL to look at it")
    renaming = partitioned_build.rename(observed.partitions)
    if renaming:
        reasons.append("those of its partitions get their own names, after an interrupted apply")
    amended = amend(desired.schema_name, live, definition, _rows(observed))
    run += [*covering, *again, *renaming, *amended.steps]
    if not run:
        return []
    return [
        change(
            desired, observed, Action.UPDATE, live, definition, run,
            reason="; ".join([*reasons, *amended.reasons]), summary="; ".join(amended.summaries) if not reasons else "",
        )
    ]  # fmt: skip


def _rows(observed: ObservedIndex) -> float:
    return observed.table.rows if observed.table else -1
