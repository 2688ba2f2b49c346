"""What reviewers of a plan are told beside its changes: evidence, and what the steps would meet at this moment.

Everything here is bounded in time, and says what it could not find out. None of it is part of a fingerprint.

Decided: docs/decisions.md#advice-beside-changes
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import ConnectionFailed, TargetError
from reconciler.insight.bounded_queries import BoundedQueries
from reconciler.insight.candidate import Name
from reconciler.insight.table_sizes import TableSize, read_table_sizes
from reconciler.kinds.pg_index.advice import blockers, duplicate_keys, whatif_subjects
from reconciler.kinds.pg_index.advice.build_facts import Estimated, estimates
from reconciler.kinds.pg_index.advice.free_space import places, space
from reconciler.kinds.pg_index.advice.overlapping_indexes import overlaps
from reconciler.kinds.pg_index.advice.planned_statements import Work, works
from reconciler.kinds.pg_index.advice.usage_facts import usage
from reconciler.kinds.pg_index.advice.whatif_facts import whatif
from reconciler.kinds.pg_index.observing.catalogue import read
from reconciler.model import Address, Change, Fact, Outcome
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import unplannable, unrunnable
from reconciler.targets.postgres.session import PostgresSession

KNOWING_SECONDS = 30.0
"""For everything that the catalogue and the planner answer: seconds even for thousands of changes."""

READING_SECONDS = 60.0
"""For looking for duplicates, all tables together; what is not read by then is said."""


def advise(session: PostgresSession, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """`outcomes` with evidence and notices; see `kind.Advises`. Raises ConnectionFailed."""
    all_works = works(outcomes)
    if not all_works:
        return list(outcomes)
    bounded = BoundedQueries(session, KNOWING_SECONDS)
    own_rules = duplicate_keys.own_rules(bounded, all_works)
    sizes, foreign = _sizes(bounded, all_works)
    checked = duplicate_keys.check(BoundedQueries(session, READING_SECONDS), all_works, sizes, foreign, own_rules)
    going = [work for number, work in enumerate(all_works) if number not in checked.blocked]
    bounded = BoundedQueries(session, KNOWING_SECONDS)
    estimated = estimates(bounded, going, sizes, foreign)
    evidence = _evidence(bounded, going, estimated)
    on_disk, there = places(bounded), whatif_subjects.ask(session, outcomes)
    waiting = blockers.waits(bounded, going, sizes)
    disk = space(on_disk, going, estimated)
    for address, fact in disk.facts.items():
        evidence[address].append(fact)
    blocked = {all_works[number].change.address: notice for number, notice in checked.blocked.items()}
    advised = [
        blocked.get(outcome.address) or outcome.model_copy(update={"evidence": tuple(evidence[outcome.address])})
        if isinstance(outcome, Change)
        else outcome
        for outcome in outcomes
    ]
    barred = {
        work.change.address: why
        for work in going
        if (definition := work.definition)
        and (
            why := unplannable(work.table, definition.expressions, foreign)
            or unrunnable(definition.expressions, foreign)
        )
    }
    return whatif(session, [*advised, *checked.unchecked, *waiting, *disk.notices], barred, there=there)


def _sizes(bounded: BoundedQueries, all_works: Sequence[Work]) -> tuple[dict[Name, TableSize], ForeignCode]:
    named = {(command.schema, command.name) for work in all_works for command in work.commands}
    expressions: dict[Name, list[str]] = {}
    for work in all_works:
        expressions.setdefault(work.table, []).extend(work.definition.expressions if work.definition else ())
    return read_table_sizes(bounded, named | {work.table for work in all_works}, expressions)


def _evidence(
    bounded: BoundedQueries, all_works: Sequence[Work], estimated: dict[Address, Estimated]
) -> dict[Address, list[Fact]]:
    drops = [work for work in all_works if work.loses]
    used = usage(bounded, [(work.resource.schema_name, work.resource.name) for work in drops])
    try:
        catalogue = read(bounded.session, {work.table for work in all_works}, [])
        beside = overlaps(bounded.session, catalogue, all_works)
    except ConnectionFailed:
        raise
    except TargetError:
        # A table is locked as a whole. To whoever drops an index it matters that this could not be seen.
        unknown = [Fact(name="covered by", value="not known: the catalogue did not answer in time")]
        beside = {work.change.address: unknown for work in drops}
    evidence: dict[Address, list[Fact]] = {}
    for work in all_works:
        address = work.change.address
        name = (work.resource.schema_name, work.resource.name)
        facts = list(estimated[address].facts) if address in estimated else []
        if work.loses:
            facts += used.get(name, [])
        evidence[address] = facts + beside.get(address, [])
    return evidence
