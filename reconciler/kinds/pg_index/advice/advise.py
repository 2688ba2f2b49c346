"""What reviewers of a plan are told beside its changes: evidence, and what the steps would meet at this moment.

Everything here is bounded in time, and says what it could not find out. None of it is part of a fingerprint.

Decided: docs/decisions.md#advice-beside-changes
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import ConnectionFailed, TargetError
from reconciler.kinds.pg_index.advice import duplicates, preflight
from reconciler.kinds.pg_index.advice.ask import Asking
from reconciler.kinds.pg_index.advice.cover import overlaps
from reconciler.kinds.pg_index.advice.evidence import Estimate, estimates
from reconciler.kinds.pg_index.advice.places import Name, Place, read_places
from reconciler.kinds.pg_index.advice.space import space
from reconciler.kinds.pg_index.advice.usage import usage
from reconciler.kinds.pg_index.advice.whatif.judge import whatif
from reconciler.kinds.pg_index.advice.work import Work, works
from reconciler.kinds.pg_index.model import Definition
from reconciler.kinds.pg_index.observing.read import read
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
    places, foreign = _places(Asking(session, KNOWING_SECONDS), all_works)
    checked = duplicates.check(Asking(session, READING_SECONDS), all_works, places, foreign)
    going = [work for number, work in enumerate(all_works) if number not in checked.blocked]
    asking = Asking(session, KNOWING_SECONDS)
    estimated = estimates(asking, going, places, foreign)
    evidence = _evidence(asking, going, estimated)
    disk = space(asking, going, estimated)
    for address, fact in disk.facts.items():
        evidence[address].append(fact)
    waiting = preflight.waits(asking, going, places)
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
    return whatif(session, [*advised, *checked.unchecked, *waiting, *disk.notices], barred)


def _places(asking: Asking, all_works: Sequence[Work]) -> tuple[dict[Name, Place], ForeignCode]:
    named = {(deed.schema, deed.name) for work in all_works for deed in work.deeds}
    definitions: dict[Name, list[Definition]] = {}
    for work in all_works:
        definitions.setdefault(work.table, []).extend([work.definition] if work.definition else [])
    return read_places(asking, named | {work.table for work in all_works}, definitions)


def _evidence(
    asking: Asking, all_works: Sequence[Work], estimated: dict[Address, Estimate]
) -> dict[Address, list[Fact]]:
    drops = [work for work in all_works if work.loses]
    used = usage(asking, [(work.resource.schema_name, work.resource.name) for work in drops])
    try:
        catalogue = read(asking.session, {work.table for work in all_works}, [])
        beside = overlaps(asking.session, catalogue, all_works)
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
