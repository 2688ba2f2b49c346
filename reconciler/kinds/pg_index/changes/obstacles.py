"""What stands in the way of a change to an index: said instead of tried."""

from __future__ import annotations

from reconciler.kinds.pg_index.changes import index_in_words, partitioned_build, statements
from reconciler.kinds.pg_index.comparison.compare import fixed_options
from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedIndex
from reconciler.model import Change, HazardType, Notice, NoticeType, Outcome

BUILDABLE = {"r": "table", "m": "materialized view", "p": "partitioned table"}
CORRUPTING = range(140000, 140004)
"""14.0 to 14.3: CREATE INDEX and REINDEX CONCURRENTLY may corrupt the index (bug #17485)."""


def obstacle(desired: PgIndex, definition: Definition, observed: ObservedIndex) -> Notice | None:
    """What stands in the way of a change. A declared index that is fine is never blocked."""
    live, table = observed.live, observed.table
    name = f"{desired.schema_name}.{desired.table}"
    message = ""
    if observed.hidden:
        return notice(desired, NoticeType.NOT_VISIBLE, observed.hidden)
    if desired.search_path is not None and desired.search_path != observed.search_path and _has_names(definition):
        before, now = (", ".join(path) or "empty" for path in (desired.search_path, observed.search_path))
        message = (
            f"search_path was {before} in the plan and is {now} now: names in its definition may mean other things"
        )
    elif table is None:
        message = f"the table {name} does not exist in this database"
        message += f"; did you mean {observed.meant}?" if observed.meant else ""
    elif observed.misread:
        message = observed.misread
    elif live is not None and observed.same and (live.valid or live.partitioned):
        moves = definition.tablespace not in ("", live.tablespace)
        fixed = fixed_options(definition, live, has_leaves=partitioned_build.has_leaves(observed.partitions))
        if (live.constraint or live.parent) and (moves or fixed):
            message = f"differs, and belongs to {belongs_to(live)}: {_difference(live, definition)}"
    elif observed.not_compared and (live.valid if live else observed.twin is None):
        # What would be built could not be seen to be as declared, neither now nor by the next plan.
        what = "not compared with its definition" if live else "not planned: it could not be compared once it is there"
        return notice(desired, NoticeType.NOT_VISIBLE, f"{what}: {observed.not_compared}")
    elif observed.taken_by:
        message = f"its name is taken by another {observed.taken_by}"
    elif live and (live.constraint or live.parent):
        state = "differs" if live.valid else "is INVALID"
        message = (
            f"{state}, and belongs to {belongs_to(live)}: change that by a migration ({_difference(live, definition)})"
        )
    elif live and not observed.circle and (why := _keeps_identity(live, definition, observed)):
        message = f"{why} ({_difference(live, definition)})"
    elif table.relkind not in BUILDABLE:
        message = f"{name} is not a table that can be indexed"
    elif (
        live
        and not observed.same
        and not observed.circle
        and (taken := observed.fresh_taken_by or observed.old_taken_by)
    ):
        end = statements.FRESH if observed.fresh_taken_by else statements.OLD
        name = statements.temporary_name(desired.name, end)
        message = f"its successor needs the name {name} for a while, which is taken by another {taken}: rename that"
    message = message or lost_identity(desired, observed)
    return notice(desired, NoticeType.BLOCKED, message) if message else None


def _has_names(definition: Definition) -> bool:
    """Whether anything in it is looked for on the search_path."""
    return bool(definition.predicate) or any(key.expression or key.collation or key.opclass for key in definition.keys)


def _difference(live: LiveIndex, definition: Definition) -> str:
    return f"{index_in_words.brief_live(live, definition)} → {index_in_words.brief(definition)}"


def belongs_to(live: LiveIndex) -> str:
    """The constraint or the partitioned index whose it is."""
    return live.constraint or f"the partitioned index {'.'.join(live.parent)}"


def _keeps_identity(live: LiveIndex, definition: Definition, observed: ObservedIndex) -> str:
    """Why a replica identity cannot go over from `live`, or from parts of it, to its successor; empty where it can."""
    going = [live, *(part.goes for part in observed.fresh_partitions if part.goes)]
    theirs = [each for each in going if each.replica_identity]
    if not theirs:
        return ""
    if not live.valid and not live.partitioned:
        return "is INVALID, and is the replica identity: change that by a migration"
    columns = {key.column for key in definition.keys}
    if definition.unique and not definition.predicate and all(columns <= {*each.not_null} for each in theirs):
        return ""
    return "differs, and is a replica identity, which only is unique, of all rows, and of columns that are NOT NULL"


def lost_identity(desired: PgIndex, observed: ObservedIndex) -> str:
    """Which drop would take a replica identity along, without a word of PostgreSQL; empty where none would."""
    live, fresh, old = observed.live, observed.fresh, observed.old
    going = [old] if old else []
    if live and desired.definition is None:
        going.append(live)
    if fresh and (desired.definition is None or not live or observed.same or not observed.fresh_same):
        going.append(fresh)
    for each in going:
        tables = [f"{desired.schema_name}.{desired.table}"] if each.replica_identity else []
        tables += observed.identities.get(each.name, ())
        if tables:
            return f"cannot be dropped: {each.name} is the replica identity of {', '.join(tables)}; change that first"
    return ""


def at_work(desired: PgIndex, observed: ObservedIndex) -> Notice | None:
    """Whether something is at work on the index, or on a part of it, at this moment."""
    for live in (observed.live, observed.fresh, observed.old):
        if live is not None and live.builder is not None:
            name = "" if live.name == desired.name else f"{live.name} "
            return _being_built(desired, name, live.builder)
    for tree in (observed.partitions, observed.fresh_partitions):
        if found := partitioned_build.builder(tree):
            return _being_built(desired, f"its part {found[0]} ", found[1])
    return None


def _being_built(desired: PgIndex, name: str, builder: int) -> Notice:
    message = f"{name}is being built, or dropped, at this moment by process {builder}"
    return notice(desired, NoticeType.BEING_BUILT, message)


def permitted(desired: PgIndex, observed: ObservedIndex, outcome: Outcome) -> Outcome:
    """A change, unless this very server is the wrong one for it."""
    if not isinstance(outcome, Change):
        return outcome
    if observed.in_recovery:
        return notice(desired, NoticeType.BLOCKED, "differs, and this server is a standby: apply on its primary")
    builds = any(hazard.type is HazardType.INDEX_BUILD for step in outcome.steps for hazard in step.hazards)
    if builds and observed.version_num in CORRUPTING:
        message = (
            "PostgreSQL 14.0 to 14.3 can corrupt an index that is built concurrently: update to 14.4 or later first"
        )
        return notice(desired, NoticeType.BLOCKED, message)
    return outcome


def notice(desired: PgIndex, kind: NoticeType, message: str) -> Notice:
    """A notice about the declared index."""
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)
