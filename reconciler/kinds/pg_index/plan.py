"""Which steps bring an index to its declaration: the cheapest that never leaves queries without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.kinds.pg_index import describe, partitioned, statements, steps
from reconciler.kinds.pg_index.amend import amend, finishing, inheriting
from reconciler.kinds.pg_index.compare import IN_PLACE, changed_options
from reconciler.kinds.pg_index.model import (
    Definition,
    LiveIndex,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    UnlistedIndexes,
)
from reconciler.model import (
    Action,
    Address,
    Change,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    SqlStep,
    Step,
)

BUILDABLE = {"r": "table", "m": "materialized view", "p": "partitioned table"}
CORRUPTING = range(140000, 140004)
"""14.0 to 14.3: CREATE INDEX and REINDEX CONCURRENTLY may corrupt the index (bug #17485)."""

REINDEX_MOVES = 140000
"""14: REINDEX (TABLESPACE …)."""


def plan_index(desired: PgIndex, observed: ObservedIndex) -> Sequence[Outcome]:
    """The outcome for one declared index."""
    if desired.definition is None:
        found = list(_plan_absent(desired, observed))
    elif blocked := _blocked(desired, desired.definition, observed):
        return [blocked]
    elif busy := _busy(desired, observed):
        return [busy]
    else:
        found = list(_plan_present(desired, desired.definition, observed))
    return [_permitted(desired, observed, outcome) for outcome in found]


def _plan_present(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Iterator[Outcome]:
    live = observed.live
    if live is None:
        yield _plan_missing(desired, definition, observed)
    elif not live.valid and not live.partitioned:
        yield _plan_invalid(desired, definition, observed, live)
    elif not observed.same or _needs_successor(definition, observed, live):
        yield _plan_replace(desired, definition, observed, live)
    else:
        yield from _plan_same(desired, definition, observed, live)


def plan_unlisted(desired: UnlistedIndexes, observed: ObservedUnlisted) -> Sequence[Outcome]:
    """The outcomes for the indexes of a table that nobody lists."""
    found: list[Outcome] = []
    for live in observed.indexes:
        address = Address(desired.address.target, desired.address.kind, f"{desired.schema_name}.{live.name}")
        needed_by = observed.needed_by.get(live.name, "")
        if live.builder is not None or needed_by or desired.policy != "drop":
            if message := _unlisted(desired, live, needed_by):
                found.append(
                    Notice(address=address, type=NoticeType.UNLISTED, message=message, declared_at=desired.declared_at)
                )
            continue
        absent = PgIndex(
            address=address,
            declared_at=desired.declared_at,
            schema_name=desired.schema_name,
            table=desired.table,
            name=live.name,
            definition=None,
        )
        there = ObservedIndex(table=observed.table, live=live, role=observed.role, in_recovery=observed.in_recovery)
        found += [
            _permitted(absent, there, each)
            for each in _plan_absent(absent, there, "not listed under unlisted_indexes: drop")
        ]
    return found


def _unlisted(desired: UnlistedIndexes, live: LiveIndex, needed_by: str) -> str:
    """What is to be said of an index that stays; where indexes that nobody lists are kept, only of what is broken."""
    if live.builder is not None:
        return "" if desired.policy == "keep" else f"no file declares it; is being built by process {live.builder}"
    invalid = not live.valid and not live.partitioned
    broken = "INVALID since a build failed or was cancelled: no query uses it, and every write maintains it"
    if desired.policy == "keep":
        return f"{broken}; no file declares it: drop it by hand, or declare it absent" if invalid else ""
    if desired.policy == "drop":
        return f"kept, though no file declares it: the only index for the foreign key {needed_by}"
    return f"index of {desired.schema_name}.{desired.table} that no file declares" + (f"; {broken}" if invalid else "")


def _needs_successor(definition: Definition, observed: ObservedIndex, live: LiveIndex) -> bool:
    """Whether an index with the declared keys still has to be built again."""
    if live.partitioned:
        return bool(changed_options(definition, live) - IN_PLACE) or partitioned.stuck(live, observed.partitions)
    moves = definition.tablespace not in ("", live.tablespace)
    return not changed_options(definition, live) <= IN_PLACE or (moves and observed.version_num < REINDEX_MOVES)


def _plan_missing(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Change:
    table = f"{desired.schema_name}.{desired.table}"
    is_partitioned = observed.table is not None and observed.table.relkind == "p"
    if observed.twin is not None:
        amended = amend(desired.schema_name, observed.twin, definition, _rows(observed), desired.name)
        run = [steps.instant(statements.rename(desired.schema_name, observed.twin.name, desired.name))]
        run += partitioned.cover(desired.schema_name, desired.table, desired.name, definition, observed.partitions)
        return _change(
            desired, observed, Action.RENAME, None, definition, [*run, *amended.steps],
            reason="; ".join([f"{observed.twin.name} has exactly this definition", *amended.reasons]),
            summary=f"{observed.twin.name} → {desired.name}",
        )  # fmt: skip
    told = finishing(desired, definition, None)
    fresh = observed.fresh
    if fresh and not is_partitioned and fresh.valid and observed.fresh_same:
        rename = statements.rename(desired.schema_name, fresh.name, desired.name)
        return _change(
            desired, observed, Action.CREATE, None, definition, [steps.instant(rename, *told)],
            reason="built by an interrupted apply",
        )  # fmt: skip
    run = [_drop(desired, leftover) for leftover in (fresh, observed.old) if leftover]
    if is_partitioned:
        run.append(steps.build_only(desired.schema_name, desired.table, desired.name, definition))
        run += partitioned.cover(desired.schema_name, desired.table, desired.name, definition, observed.partitions)
    else:
        run.append(steps.build(desired.schema_name, desired.table, desired.name, definition, _rows(observed)))
    if told:
        run.append(steps.instant(*told))
    adopted = [part.equal.name for part in observed.partitions if part.equal]
    reason = f"of what the partitions of {table} have, {', '.join(adopted)} is taken over" if adopted else ""
    return _change(desired, observed, Action.CREATE, None, definition, run, reason=reason)


def _plan_invalid(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    told = finishing(desired, definition, live)
    run = [
        *(_drop(desired, leftover) for leftover in (live, observed.fresh, observed.old) if leftover),
        *_drop_leftovers(observed),
        steps.build(desired.schema_name, desired.table, desired.name, definition, _rows(observed)),
        *([steps.instant(*told)] if told else []),
    ]
    return _change(
        desired, observed, Action.REBUILD, live, definition, run,
        reason="INVALID since a build failed or was cancelled",
    )  # fmt: skip


def _plan_replace(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    """The new one beside the old one, a swap of names in one short transaction, then the old one goes."""
    schema, table = desired.schema_name, desired.table
    fresh_name = statements.temporary_name(desired.name, statements.FRESH)
    old_name = statements.temporary_name(desired.name, statements.OLD)
    run: list[SqlStep] = [_drop(desired, observed.old)] if observed.old else []
    fresh = observed.fresh
    built = fresh is not None and observed.fresh_same and (fresh.valid or fresh.partitioned)
    if fresh and not built:
        run.append(_drop(desired, fresh))
    if live.partitioned:
        if not built:
            run.append(steps.build_only(schema, table, fresh_name, definition))
        run += partitioned.cover(schema, table, fresh_name, inheriting(definition, live), observed.fresh_partitions)
    elif not built:
        run.append(steps.build(schema, table, fresh_name, definition, _rows(observed)))
    run += [
        steps.instant(
            statements.rename(schema, live.name, old_name),
            statements.rename(schema, fresh_name, desired.name),
            *finishing(desired, definition, live),
        ),
        _drop(desired, live, old_name),
        *(partitioned.rename(observed.fresh_partitions) if live.partitioned else []),
        *_drop_leftovers(observed),
    ]
    begun = "the new one was begun by an interrupted apply"
    return _change(
        desired, observed, Action.REPLACE, live, definition, run,
        reason=begun if built else _why_replaced(definition, observed, live),
        summary=f"{describe.brief_live(live, definition)} → {describe.brief(definition)}",
        inverse=_inverse(desired, live),
    )  # fmt: skip


def _why_replaced(definition: Definition, observed: ObservedIndex, live: LiveIndex) -> str:
    if not observed.same:
        return "its definition differs"
    if changed_options(definition, live) - IN_PLACE:
        return "storage parameters differ that are only read when it is built"
    if live.partitioned:
        return "INVALID, and attaching the parts that it lacks would not make it valid"
    return "another tablespace: before PostgreSQL 14 there is no REINDEX into one"


def _plan_same(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Sequence[Outcome]:
    """Right as it is, but perhaps for what can be changed in place, and for what an interrupted apply left behind."""
    run, reasons = [], []
    leftovers = [leftover for leftover in (observed.fresh, observed.old) if leftover]
    run += [_drop(desired, leftover) for leftover in leftovers]
    if leftovers:
        reasons.append("left behind by an interrupted apply: " + ", ".join(leftover.name for leftover in leftovers))
    if observed.leftovers:
        run += _drop_leftovers(observed)
        names = ", ".join(name for _, name in observed.leftovers)
        reasons.append(f"left behind by an interrupted REINDEX CONCURRENTLY: {names}")
    open_parts = partitioned.uncovered(observed.partitions)
    covering = partitioned.cover(desired.schema_name, desired.table, desired.name, definition, observed.partitions)
    if open_parts:
        some = ", ".join(f"{part.schema_name}.{part.table}" for part in open_parts[:5])
        more = f" and {len(open_parts) - 5} more" if len(open_parts) > 5 else ""
        reasons.append(f"{len(open_parts)} of {len(observed.partitions)} partitions are not covered: {some}{more}")
    elif covering:
        reasons.append("those of its partitions are changed in place")
    renaming = partitioned.rename(observed.partitions)
    if renaming:
        reasons.append("those of its partitions get their own names, after an interrupted apply")
    amended = amend(desired.schema_name, live, definition, _rows(observed))
    run += [*covering, *renaming, *amended.steps]
    if not run:
        return []
    return [
        _change(
            desired, observed, Action.UPDATE, live, definition, run,
            reason="; ".join([*reasons, *amended.reasons]), summary="; ".join(amended.summaries) if not reasons else "",
        )
    ]  # fmt: skip


def _plan_absent(desired: PgIndex, observed: ObservedIndex, reason: str = "declared absent") -> Sequence[Outcome]:
    live = observed.live
    gone = [each for each in (live, observed.fresh, observed.old) if each is not None]
    if not gone:
        return []
    if live and (live.constraint or live.parent):
        belongs = _belongs(live)
        message = f"cannot be dropped as an index: it belongs to {belongs}; change that first"
        return [_notice(desired, NoticeType.BLOCKED, message)]
    if busy := _busy(desired, observed):
        return [busy]
    hazards = []
    if any(each.valid for each in gone):
        first = next(each for each in gone if each.valid)
        key = f"; the foreign key {observed.needed_by} is left without an index" if observed.needed_by else ""
        hazards.append(
            Hazard(
                type=HazardType.INDEX_DROP,
                message=f"queries that use {first.name} become slower; building it again takes time{key}",
            )
        )
    run = [_drop(desired, each, hazards=hazards if each is gone[0] else []) for each in gone]
    if live is None:
        reason += f"; left behind by an interrupted apply: {', '.join(each.name for each in gone)}"
    elif not live.valid:
        reason += "; INVALID"
    return [
        _change(
            desired, observed, Action.DELETE, gone[0], None, run,
            reason=reason, inverse=_inverse(desired, live) if live and live.valid else (),
        )
    ]  # fmt: skip


def _inverse(desired: PgIndex, live: LiveIndex) -> tuple[Step, ...]:
    """What builds an index again that goes."""
    if live.partitioned:
        return ()  # too many parts to spell out: declare it again
    texts = statements.inverse(desired.schema_name, desired.table, live.name, describe.as_definition(live))
    return tuple(steps.concurrent(text) if n == 0 else steps.instant(text) for n, text in enumerate(texts))


def _blocked(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Notice | None:
    """What stands in the way of a change to its keys. A declared index that is fine is never blocked."""
    live, table = observed.live, observed.table
    name = f"{desired.schema_name}.{desired.table}"
    message = ""
    if table is None:
        message = f"the table {name} does not exist in this database"
    elif live is not None and observed.same and (live.valid or live.partitioned):
        moves = definition.tablespace not in ("", live.tablespace)
        if (live.constraint or live.parent) and (moves or not changed_options(definition, live) <= IN_PLACE):
            message = f"differs, and belongs to {_belongs(live)}: {_difference(live, definition)}"
    elif observed.misread:
        message = f"the server cannot read its definition: {observed.misread}"
    elif observed.taken_by:
        message = f"its name is taken by another {observed.taken_by}"
    elif live and (live.constraint or live.parent):
        state = "differs" if live.valid else "is INVALID"
        message = (
            f"{state}, and belongs to {_belongs(live)}: change that by a migration ({_difference(live, definition)})"
        )
    elif table.relkind not in BUILDABLE:
        message = f"{name} is not a table that can be indexed"
    elif live and not observed.same and (taken := observed.fresh_taken_by or observed.old_taken_by):
        end = statements.FRESH if observed.fresh_taken_by else statements.OLD
        name = statements.temporary_name(desired.name, end)
        message = f"its successor needs the name {name} for a while, which is taken by another {taken}: rename that"
    return _notice(desired, NoticeType.BLOCKED, message) if message else None


def _difference(live: LiveIndex, definition: Definition) -> str:
    return f"{describe.brief_live(live, definition)} → {describe.brief(definition)}"


def _belongs(live: LiveIndex) -> str:
    return live.constraint or f"the partitioned index {'.'.join(live.parent)}"


def _busy(desired: PgIndex, observed: ObservedIndex) -> Notice | None:
    """Whether something is at work on the index, or on a part of it, at this moment."""
    for live in (observed.live, observed.fresh, observed.old):
        if live is not None and live.builder is not None:
            name = "" if live.name == desired.name else f"{live.name} "
            return _being_built(desired, name, live.builder)
    for tree in (observed.partitions, observed.fresh_partitions):
        if found := partitioned.builder(tree):
            return _being_built(desired, f"its part {found[0]} ", found[1])
    return None


def _being_built(desired: PgIndex, name: str, builder: int) -> Notice:
    message = f"{name}is being built, or dropped, at this moment by process {builder}"
    return _notice(desired, NoticeType.BEING_BUILT, message)


def _permitted(desired: PgIndex, observed: ObservedIndex, outcome: Outcome) -> Outcome:
    """A change, unless this very server is the wrong one for it."""
    if not isinstance(outcome, Change):
        return outcome
    if observed.in_recovery:
        return _notice(desired, NoticeType.BLOCKED, "differs, and this server is a standby: apply on its primary")
    builds = any(hazard.type is HazardType.INDEX_BUILD for step in outcome.steps for hazard in step.hazards)
    if builds and observed.version_num in CORRUPTING:
        message = (
            "PostgreSQL 14.0 to 14.3 can corrupt an index that is built concurrently: update to 14.4 or later first"
        )
        return _notice(desired, NoticeType.BLOCKED, message)
    return outcome


def _notice(desired: PgIndex, kind: NoticeType, message: str) -> Notice:
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)


def _rows(observed: ObservedIndex) -> float:
    return observed.table.rows if observed.table else -1


def _drop(desired: PgIndex, live: LiveIndex, name: str = "", *, hazards: Sequence[Hazard] = ()) -> SqlStep:
    if live.partitioned:
        table = f"{desired.schema_name}.{desired.table}"
        return steps.drop_partitioned(desired.schema_name, name or live.name, table, hazards)
    return steps.drop(desired.schema_name, name or live.name, hazards)


def _drop_leftovers(observed: ObservedIndex) -> list[SqlStep]:
    return [steps.drop(schema, name) for schema, name in observed.leftovers]


def _change(
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
    root = observed.table.root if observed.table else ()
    return Change(
        address=desired.address,
        action=action,
        before=describe.live_as_json(desired, before) if before else None,
        after=describe.as_json(desired, after) if after else None,
        reason=reason,
        why=desired.why,
        summary=summary,
        notes=_notes(observed) if after else (),
        steps=tuple(run),
        inverse=tuple(inverse),
        # Two concurrent builds on one table wait for each other; on different tables they run side by side. A table
        # and its partitions are as one.
        lane=".".join(root) or f"{desired.schema_name}.{desired.table}",
        forbidden=_forbidden(desired, observed),
        desired=desired.model_copy(update={"listed": observed.listed, "absent": observed.absent}).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


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


def _forbidden(desired: PgIndex, observed: ObservedIndex) -> str:
    owners = {f"{desired.schema_name}.{desired.table}": observed.table.owner if observed.table else ""}
    for part in (*observed.partitions, *observed.fresh_partitions):
        owners[f"{part.schema_name}.{part.table}"] = part.owner
    for table, owner in owners.items():
        if owner:
            return f"role {observed.role} may not: {table} belongs to {owner}; grant {owner} to {observed.role}"
    return ""
