"""Which steps bring an index to its declaration: the cheapest that never leaves queries without it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index import describe, statements
from reconciler.kinds.pg_index.compare import changed_options
from reconciler.kinds.pg_index.model import (
    Definition,
    LiveIndex,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    TableFacts,
    UnlistedIndexes,
)
from reconciler.model import (
    Action,
    Address,
    Change,
    Fact,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    SqlStep,
)

BUILD_LOCK_TIMEOUT = "15min"
"""A concurrent build waits for every older snapshot of the database, and these waits count against lock_timeout: a
few seconds would make it fail on any busy server, and leave an INVALID index. A quarter of an hour outlasts reports
and backups of ordinary length, and still ends."""

INSTANT_LOCK_TIMEOUT = "3s"
"""Renames take the strongest lock for an instant: while one waits for it, every query on the table waits behind."""

IN_PLACE = {"autosummarize", "buffering", "deduplicate_items", "fastupdate", "fillfactor", "gin_pending_list_limit"}
"""Storage parameters that take effect, or only matter, after ALTER INDEX SET. All others (pages_per_range of brin,
length of bloom, lists of ivfflat) are read when an index is built and never again."""

BUILDABLE = {"r": "table", "m": "materialized view"}
CORRUPTING = range(140000, 140004)
"""14.0 to 14.3: CREATE INDEX and REINDEX CONCURRENTLY may corrupt the index (bug #17485)."""


def plan_index(desired: PgIndex, observed: ObservedIndex) -> Sequence[Outcome]:
    """The outcome for one declared index."""
    if desired.definition is None:
        return _plan_absent(desired, observed)
    if blocked := _blocked(desired, desired.definition, observed):
        return [blocked]
    live = observed.live
    for index in (live, observed.fresh, observed.old):
        if index is not None and index.builder is not None:
            return [_being_built(desired, index)]
    if live is None:
        return [_plan_missing(desired, desired.definition, observed)]
    if not live.valid:
        return [_plan_invalid(desired, desired.definition, observed, live)]
    # A declaration that names no tablespace leaves the index where it is.
    if (
        not observed.same
        or not changed_options(desired.definition, live) <= IN_PLACE
        or desired.definition.tablespace not in ("", live.tablespace)
    ):
        return [_plan_replace(desired, desired.definition, observed, live)]
    return _plan_same(desired, desired.definition, observed, live)


def plan_unlisted(desired: UnlistedIndexes, observed: ObservedUnlisted) -> Sequence[Outcome]:
    """The outcome for each index of a table that nobody lists."""
    found: list[Outcome] = []
    for live in observed.indexes:
        address = Address(desired.address.target, desired.address.kind, f"{desired.schema_name}.{live.name}")
        if live.builder is not None or desired.policy == "report":
            state = "is being built" if live.builder is not None else "" if live.valid else "is INVALID"
            message = f"index of {desired.schema_name}.{desired.table} that no file declares" + (state and f"; {state}")
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
        observed_index = ObservedIndex(table=observed.table, live=live, role=observed.role)
        found += _plan_absent(absent, observed_index, "not listed under unlisted_indexes: drop")
    return found


def _plan_missing(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Change:
    if observed.twin:
        step = _instant(statements.rename(desired.schema_name, observed.twin, desired.name))
        return _change(
            desired, observed, Action.RENAME, None, definition, [step],
            reason=f"{observed.twin} has exactly this definition", summary=f"{observed.twin} → {desired.name}",
        )  # fmt: skip
    fresh = observed.fresh
    if fresh and fresh.valid and observed.fresh_same:
        step = _instant(statements.rename(desired.schema_name, fresh.name, desired.name))
        return _change(
            desired, observed, Action.CREATE, None, definition, [step], reason="built by an interrupted apply"
        )
    steps = [_drop_leftover(desired, fresh)] if fresh else []
    steps.append(_build(desired, desired.name, definition, observed.table))
    return _change(desired, observed, Action.CREATE, None, definition, steps, evidence=_evidence(observed))


def _plan_invalid(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    steps = [
        _concurrent(statements.drop(desired.schema_name, live.name)),
        *([_drop_leftover(desired, observed.fresh)] if observed.fresh else []),
        *([_drop_leftover(desired, observed.old)] if observed.old else []),
        _build(desired, desired.name, definition, observed.table),
    ]
    return _change(
        desired, observed, Action.REBUILD, live, definition, steps,
        reason="INVALID since a build failed or was cancelled", evidence=_evidence(observed),
    )  # fmt: skip


def _plan_replace(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Change:
    """The new one beside the old one, a swap of names in one short transaction, then the old one goes."""
    fresh_name = statements.temporary_name(desired.name, statements.FRESH)
    old_name = statements.temporary_name(desired.name, statements.OLD)
    steps: list[SqlStep] = []
    if observed.old:
        steps.append(_drop_leftover(desired, observed.old))
    built = observed.fresh is not None and observed.fresh.valid and observed.fresh_same
    if observed.fresh and not built:
        steps.append(_drop_leftover(desired, observed.fresh))
    if not built:
        steps.append(_build(desired, fresh_name, definition, observed.table))
    steps += [
        SqlStep(
            statements=(
                statements.rename(desired.schema_name, live.name, old_name),
                statements.rename(desired.schema_name, fresh_name, desired.name),
            ),
            transaction=True,
            lock_timeout=INSTANT_LOCK_TIMEOUT,
        ),
        _concurrent(statements.drop(desired.schema_name, old_name)),
    ]
    return _change(
        desired, observed, Action.REPLACE, live, definition, steps,
        reason="the new one is already built by an interrupted apply" if built else "its definition differs",
        summary=f"{describe.brief_live(live, definition)} → {describe.brief(definition)}", evidence=_evidence(observed),
    )  # fmt: skip


def _plan_same(desired: PgIndex, definition: Definition, observed: ObservedIndex, live: LiveIndex) -> Sequence[Outcome]:
    """Right as it is, but perhaps for what can be changed in place, and for what an interrupted apply left behind."""
    leftovers = [leftover for leftover in (observed.fresh, observed.old) if leftover]
    steps = [_drop_leftover(desired, leftover) for leftover in leftovers]
    reason = "left behind by an interrupted apply: " + ", ".join(leftover.name for leftover in leftovers)
    if changed_options(definition, live):
        wanted, there = dict(definition.options), dict(live.options)
        changed = {name: value for name, value in wanted.items() if there.get(name) != value}
        surplus = sorted(set(there) - set(wanted))
        sets = statements.set_options(desired.schema_name, live.name, changed, surplus)
        steps.append(SqlStep(statements=tuple(sets), transaction=True, lock_timeout=INSTANT_LOCK_TIMEOUT))
        reason = "storage parameters differ, and are changed in place; pages that are already written stay as they are"
    if not steps:
        return []
    summary = (
        f"{describe.parameters(live.options)} → {describe.parameters(definition.options)}" if not leftovers else ""
    )
    return [_change(desired, observed, Action.UPDATE, live, definition, steps, reason=reason, summary=summary)]


def _plan_absent(desired: PgIndex, observed: ObservedIndex, reason: str = "declared absent") -> Sequence[Outcome]:
    live = observed.live
    if live is None:
        return []
    if live.constraint:
        return [
            _notice(
                desired,
                NoticeType.BLOCKED,
                f"cannot be dropped as an index: it belongs to {live.constraint}; change that first",
            )
        ]
    if live.builder is not None:
        return [_being_built(desired, live)]
    if live.partitioned:
        return [_notice(desired, NoticeType.BLOCKED, "is an index of a partitioned table: drop it by hand")]
    if observed.in_recovery:
        return [_standby(desired)]
    hazard = Hazard(
        type=HazardType.INDEX_DROP, message=f"queries that use {live.name} become slower; building it again takes time"
    )
    step = _concurrent(statements.drop(desired.schema_name, live.name), (hazard,) if live.valid else ())
    evidence = [Fact(name="index", value=live.bytes, unit="bytes", estimated=True)]
    return [
        _change(
            desired, observed, Action.DELETE, live, None, [step],
            reason=reason if live.valid else f"{reason}; INVALID", evidence=evidence,
        )
    ]  # fmt: skip


def _blocked(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Notice | None:
    """What stands in the way of any step. A declared index that is fine is never blocked."""
    live, table = observed.live, observed.table
    name = f"{desired.schema_name}.{desired.table}"
    needs_nothing = live is not None and live.valid and observed.same
    if table is None:
        return _notice(desired, NoticeType.BLOCKED, f"the table {name} does not exist in this database")
    if needs_nothing:
        return None
    if observed.misread:
        return _notice(desired, NoticeType.BLOCKED, f"the server cannot read its definition: {observed.misread}")
    if observed.taken_by:
        return _notice(desired, NoticeType.BLOCKED, f"its name is taken by another {observed.taken_by}")
    if live and live.constraint:
        return _notice(
            desired,
            NoticeType.BLOCKED,
            f"{'differs' if live.valid else 'is INVALID'}, and belongs to {live.constraint}: "
            f"change that by a migration ({describe.brief_live(live, definition)} → {describe.brief(definition)})",
        )
    if table.relkind == "p":
        return _notice(
            desired,
            NoticeType.BLOCKED,
            f"{name} is partitioned: PostgreSQL cannot build an index on it concurrently",
        )
    if table.relkind not in BUILDABLE:
        return _notice(desired, NoticeType.BLOCKED, f"{name} is not a table that can be indexed")
    if observed.in_recovery:
        return _standby(desired)
    if observed.version_num in CORRUPTING:
        return _notice(
            desired,
            NoticeType.BLOCKED,
            "PostgreSQL 14.0 to 14.3 can corrupt an index that is built concurrently: update to 14.4 or later first",
        )
    return None


def _being_built(desired: PgIndex, index: LiveIndex) -> Notice:
    name = "" if index.name == desired.name else f"{index.name} "
    return _notice(
        desired, NoticeType.BEING_BUILT, f"{name}is being built, or dropped, at this moment by process {index.builder}"
    )


def _standby(desired: PgIndex) -> Notice:
    return _notice(desired, NoticeType.BLOCKED, "differs, and this server is a standby: apply on its primary")


def _notice(desired: PgIndex, kind: NoticeType, message: str) -> Notice:
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)


def _build(desired: PgIndex, name: str, definition: Definition, table: TableFacts | None) -> SqlStep:
    rows = f"{table.rows:,.0f} rows" if table and table.rows >= 0 else "a table that was never analysed"
    hazard = Hazard(
        type=HazardType.INDEX_BUILD,
        message=f"reads {rows} twice; writes go on, and disk, CPU and I/O are needed meanwhile",
    )
    return _concurrent(statements.create(desired.schema_name, desired.table, name, definition), (hazard,))


def _concurrent(statement: str, hazards: tuple[Hazard, ...] = ()) -> SqlStep:
    return SqlStep(statements=(statement,), lock_timeout=BUILD_LOCK_TIMEOUT, hazards=hazards)


def _instant(statement: str) -> SqlStep:
    return SqlStep(statements=(statement,), lock_timeout=INSTANT_LOCK_TIMEOUT)


def _drop_leftover(desired: PgIndex, leftover: LiveIndex) -> SqlStep:
    return _concurrent(statements.drop(desired.schema_name, leftover.name))


def _evidence(observed: ObservedIndex) -> list[Fact]:
    table = observed.table
    if table is None or table.rows < 0:
        return []
    facts = [
        Fact(name="rows", value=int(table.rows), unit="rows", estimated=True),
        Fact(name="table", value=table.bytes, unit="bytes", estimated=True),
    ]
    if observed.bytes is not None:
        facts.append(Fact(name="index", value=observed.bytes, unit="bytes", estimated=True))
    return facts


def _change(
    desired: PgIndex,
    observed: ObservedIndex,
    action: Action,
    before: LiveIndex | None,
    after: Definition | None,
    steps: Sequence[SqlStep],
    *,
    reason: str = "",
    summary: str = "",
    evidence: Sequence[Fact] = (),
) -> Change:
    return Change(
        address=desired.address,
        action=action,
        before=describe.live_as_json(desired, before) if before else None,
        after=describe.as_json(desired, after) if after else None,
        reason=reason,
        why=desired.why,
        summary=summary,
        steps=tuple(steps),
        evidence=tuple(evidence),
        # Two concurrent builds on one table wait for each other; on different tables they run side by side.
        lane=f"{desired.schema_name}.{desired.table}",
        forbidden=_forbidden(desired, observed),
        desired=desired.model_copy(update={"listed": observed.listed}).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _forbidden(desired: PgIndex, observed: ObservedIndex) -> str:
    owner = observed.table.owner if observed.table else ""
    table = f"{desired.schema_name}.{desired.table}"
    return (
        f"role {observed.role} may not: {table} belongs to {owner}; grant {owner} to {observed.role}" if owner else ""
    )
