"""Indexes that are not to be: declared absent, or listed by nobody."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.desired.unlisted import Unlisted
from reconciler.kinds.pg_index.changes import statements
from reconciler.kinds.pg_index.changes.obstacles import at_work, belongs_to, lost_identity, notice, permitted
from reconciler.kinds.pg_index.changes.whole_change import change, drop, drop_temporary, inverse
from reconciler.kinds.pg_index.model import PgIndex, UnlistedIndexes, full_name
from reconciler.kinds.pg_index.observed import LiveIndex, Need, ObservedIndex, ObservedUnlisted
from reconciler.model import Action, Address, Hazard, HazardType, Notice, NoticeType, Outcome
from reconciler.targets.undecodable_names import TO_GO, is_unnamed


def plan_unlisted(desired: UnlistedIndexes, observed: ObservedUnlisted) -> Sequence[Outcome]:
    """The outcomes for the indexes of a table that nobody lists."""
    if observed.hidden:
        if desired.policy is Unlisted.KEEP:
            return []
        kind = NoticeType.NOT_VISIBLE
        return [Notice(address=desired.address, type=kind, message=observed.hidden, declared_at=desired.declared_at)]
    found: list[Outcome] = _left_on_toast(desired, observed)
    by = f", of {desired.by}" if desired.by else ""
    for live in observed.indexes:
        address = Address(desired.address.target, desired.address.kind, full_name(desired.schema_name, live.name))
        needed_by = observed.needed_by.get(live.name)
        if live.builder is not None or needed_by or desired.policy is not Unlisted.DROP:
            if message := _unlisted(desired, live, needed_by):
                kind = NoticeType.UNWANTED if desired.policy is Unlisted.DRIFT else NoticeType.UNLISTED
                found.append(Notice(address=address, type=kind, message=message, declared_at=desired.declared_at))
            continue
        if is_unnamed(live.name):
            found.append(
                Notice(address=address, type=NoticeType.BLOCKED, message=TO_GO, declared_at=desired.declared_at)
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
        there = ObservedIndex(
            table=observed.table,
            live=live,
            partitions=observed.partitions.get(live.name, ()),
            role=observed.role,
            in_recovery=observed.in_recovery,
        )
        found += [
            permitted(absent, there, each)
            for each in plan_absent(absent, there, f"not listed under unlisted_indexes: drop{by}")
        ]
    return found


def _left_on_toast(desired: UnlistedIndexes, observed: ObservedUnlisted) -> list[Outcome]:
    """No declaration can be about the indexes of a TOAST table, and dropping one takes a superuser, as a rule: said."""
    if not observed.toast_leftovers:
        return []
    drops = "; ".join(statements.drop("pg_toast", name) for name in observed.toast_leftovers)
    message = (
        "of its TOAST table, INVALID indexes were left behind by an interrupted REINDEX CONCURRENTLY, and every write "
        f"maintains them; a superuser removes them: {drops}"
    )
    return [Notice(address=desired.address, type=NoticeType.UNLISTED, message=message, declared_at=desired.declared_at)]


def _unlisted(desired: UnlistedIndexes, live: LiveIndex, needed_by: Need | None) -> str:
    """What is to be said of an index that stays; where indexes that nobody lists are kept, only of what is broken."""
    if live.builder is not None:
        return (
            "" if desired.policy is Unlisted.KEEP else f"no file declares it; is being built by process {live.builder}"
        )
    invalid = not live.valid and not live.partitioned
    broken = "INVALID since a build failed or was cancelled: no query uses it, and every write maintains it"
    if desired.policy is Unlisted.KEEP:
        return f"{broken}; no file declares it: drop it by hand, or declare it absent" if invalid else ""
    if desired.policy is Unlisted.DROP:
        return f"kept, though no file declares it: the only index for {needed_by}"
    by = f" (unlisted_indexes of {desired.by})" if desired.by else ""
    table = f"{desired.schema_name}.{desired.table}"
    return f"index of {table} that no file declares{by}" + (f"; {broken}" if invalid else "")


def hazards(live: LiveIndex, observed: ObservedIndex, called: str = "it") -> list[Hazard]:
    """What a drop means; of many in the same words, which are told once. The parts of a partitioned index may be
    valid, and serve queries, though the whole is not."""
    if not live.valid and not live.partitioned:
        return []
    said = [f"queries that use {called} become slower; building it again takes time"]
    if live.unique:
        said.append("nothing keeps its keys unique any more")
    if observed.needed_by:
        said.append(f"{observed.needed_by} is left without an index")
    if live.clustered:
        said.append("CLUSTER forgets by what to sort")
    return [Hazard(type=HazardType.INDEX_DROP, message="; ".join(said))]


def plan_absent(desired: PgIndex, observed: ObservedIndex, reason: str = "declared absent") -> Sequence[Outcome]:
    """The drop of an index with what an interrupted apply left of it, unless something else leans on it."""
    if observed.hidden:
        return [notice(desired, NoticeType.NOT_VISIBLE, observed.hidden)]
    live = observed.live
    gone = [each for each in (live, observed.fresh, observed.old) if each is not None]
    if not gone:
        return []
    if live and (live.constraint or live.parent):
        belongs = belongs_to(live)
        message = f"cannot be dropped as an index: it belongs to {belongs}; change that first"
        return [notice(desired, NoticeType.BLOCKED, message)]
    if identity := lost_identity(desired, observed):
        return [notice(desired, NoticeType.BLOCKED, identity)]
    if busy := at_work(desired, observed):
        return [busy]
    run = [drop(desired, live, hazards=hazards(live, observed))] if live else []
    run += drop_temporary(desired, observed)
    if live is None:
        reason += f"; left behind by an interrupted apply: {', '.join(each.name for each in gone)}"
    elif not live.valid:
        reason += "; INVALID"
    return [
        change(
            desired, observed, Action.DELETE, gone[0], None, run,
            reason=reason, inverse=inverse(desired, live, observed.partitions) if live and live.valid else (),
        )
    ]  # fmt: skip
