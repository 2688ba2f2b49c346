"""What-if, in facts: which of the queries that really run would gain from a new index, and which lean on one that goes.

Decided: docs/decisions.md#what-ifs-that-fail
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from reconciler.errors import ObservationFailed
from reconciler.insight.whatif.effects import Effect, GoingIndex, NewIndex, effects_on
from reconciler.insight.whatif.plan_costs import try_create
from reconciler.insight.workload.extensions import Extensions
from reconciler.insight.workload.pg_stat_statements import Workload, read_workload
from reconciler.kinds.pg_index.advice.whatif_subjects import subjects
from reconciler.model import Address, Change, Fact, Note, Notice, NoticeType, Outcome
from reconciler.targets.postgres.session import PostgresSession

SECONDS = 15.0
"""For all of it: a query takes some milliseconds to plan, and a person waits for the plan."""

MOST_SHOWN = 5
"""Queries to a change; the rest is counted."""


def whatif(
    session: PostgresSession,
    outcomes: Sequence[Outcome],
    barred: Mapping[Address, str] = {},
    *,
    clock: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """`outcomes`, with what is known about queries added to the evidence of indexes that come or go.

    `barred`: changes whose expressions must not be planned, and why.

    Where HypoPG, pg_stat_statements or a privilege is missing, one notice says so. Raises ConnectionFailed alone.
    """
    wanted, extensions = _subjects(session, outcomes)
    if not wanted:
        return list(outcomes)
    missing = _missing(extensions, wanted)
    end = clock() + SECONDS
    evidence: dict[Address, tuple[Fact, ...]] = {}
    if extensions.statements:
        try:
            workload = read_workload(session, extensions, [subject.table for subject in wanted.values()])
        except ObservationFailed as error:
            missing = [f"what-if is not available: pg_stat_statements cannot be read: {error.said}"]
        else:
            missing += _unseen(workload, session)
            for address, subject in wanted.items():
                if why := barred.get(address):
                    evidence[address] = (Fact(name="what-if", value=f"not available for this index: {why}"),)
                elif isinstance(subject, GoingIndex) or extensions.hypopg:
                    evidence[address] = _facts(session, extensions, workload, subject, lambda: clock() < end)
    advised = [
        outcome.model_copy(update={"evidence": (*outcome.evidence, *evidence.get(outcome.address, ()))})
        if isinstance(outcome, Change)
        else outcome
        for outcome in outcomes
    ]
    if missing:
        address = Address(session.target.name, "pg_index", "*")
        advised.append(Notice(address=address, type=NoticeType.NOTE, note=Note.WHAT_IF, message="; ".join(missing)))
    return advised


def _subjects(
    session: PostgresSession, outcomes: Sequence[Outcome]
) -> tuple[dict[Address, NewIndex | GoingIndex], Extensions]:
    try:
        return subjects(session, outcomes)
    except ObservationFailed:
        return {}, Extensions()  # the catalogue has just been read: what does not answer now is said by the plan itself


def _missing(extensions: Extensions, wanted: dict[Address, NewIndex | GoingIndex]) -> list[str]:
    """What cannot be told here, and why: one sentence, or none."""
    comes = any(isinstance(subject, NewIndex) for subject in wanted.values())
    goes = any(isinstance(subject, GoingIndex) for subject in wanted.values())
    absent = [
        name
        for name, there in (("hypopg", extensions.hypopg), ("pg_stat_statements", extensions.statements))
        if not there
    ]
    if "pg_stat_statements" in absent or (comes and absent):
        if shadowed := [_beside(name, extensions) for name in absent if name in extensions.beside]:
            return [f"what-if is not available: {'; '.join(shadowed)}"]
        these = f"extension {absent[0]} is" if len(absent) == 1 else f"extensions {' and '.join(absent)} are"
        return [f"what-if is not available: the {these} not installed in this database"]
    if goes and not extensions.hides:
        why = "that needs hypopg 1.4"
        if extensions.hypopg:
            why = f"hypopg {extensions.hypopg_version} cannot hide an index, 1.4 can"
        elif "hypopg" in extensions.beside:
            why = _beside("hypopg", extensions)
        return [f"what-if says which queries use an index that is to go, not what they would cost without it: {why}"]
    return []


def _beside(name: str, extensions: Extensions) -> str:
    return (
        f"beside the functions of {name} stands {extensions.beside[name]}, which might be called in their place: "
        "drop it, or move the extension to a schema of its own"
    )


def _unseen(workload: Workload, session: PostgresSession) -> list[str]:
    if not workload.hidden:
        return []
    return [f"what-if does not see what other roles run: grant pg_read_all_stats to {session.role}"]


def _facts(
    session: PostgresSession,
    extensions: Extensions,
    workload: Workload,
    subject: NewIndex | GoingIndex,
    in_time: Callable[[], bool],
) -> tuple[Fact, ...]:
    statements = workload.of(subject.table)
    table = ".".join(subject.table)
    if not statements.usable and not statements.unusable:
        return (Fact(name="what-if", value=f"pg_stat_statements has no query on {table}"),)
    if isinstance(subject, NewIndex):
        try:
            try_create(session, extensions, subject.create)
        except ObservationFailed as error:
            return (Fact(name="what-if", value=f"not available for this index: {error.said}"),)
    judged = effects_on(session, extensions, workload.code, subject, statements.usable, in_time)
    shown = sorted(judged.effects, key=lambda effect: effect.weight, reverse=True)[:MOST_SHOWN]
    facts = [_fact(effect) for effect in shown]
    failures = [*statements.unusable, *judged.failures]
    parts = []
    if not judged.effects and judged.looked_at:
        verb = "uses it today" if isinstance(subject, GoingIndex) else "would gain from it"
        parts.append(f"no query of pg_stat_statements {verb}, of {judged.looked_at} on {table}")
    if len(judged.effects) > len(shown):
        parts.append(f"{len(judged.effects) - len(shown)} more of {judged.looked_at} queries are not shown")
    if failures:
        parts.append(f"{len(failures)} could not be judged ({max(failures, key=failures.count)})")
    if judged.left:
        parts.append(f"{judged.left} not looked at within {SECONDS:.0f} s")
    return (*facts, *([Fact(name="what-if", value="; ".join(parts))] if parts else []))


def _fact(effect: Effect) -> Fact:
    calls = f"{effect.statement.calls:,} call{'' if effect.statement.calls == 1 else 's'}"
    where = ", with the constants of the index" if effect.filled else ""
    if effect.after is None:
        return Fact(name="used by", value=f"{calls} at cost {_cost(effect.before)}{where}: {effect.statement.shown}")
    name = "would gain" if effect.after < effect.before else "would lose"
    change = f"{_cost(effect.before)} → {_cost(effect.after)} cost"
    return Fact(name=name, value=f"{change}, {calls}{where}: {effect.statement.shown}")


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"
