"""What-if: which of the queries that really run would gain from a new index, and which lean on one that is to go.

The queries are those of pg_stat_statements, the answers the planner's own, before and after, with HypoPG's hypothetical
indexes. Nothing is executed: each is EXPLAINed with a generic plan, in a read-only transaction, in bounded time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.advice.whatif import costs
from reconciler.kinds.pg_index.advice.whatif.constants import constants, with_constants
from reconciler.kinds.pg_index.advice.whatif.statements import Statement
from reconciler.kinds.pg_index.advice.whatif.subjects import Subject, subjects
from reconciler.kinds.pg_index.advice.whatif.workload import Tools, Workload, read_workload
from reconciler.model import Address, Change, Fact, Notice, NoticeType, Outcome
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.session import PostgresSession

SECONDS = 15.0
"""For all of it: a query takes some milliseconds to plan, and a person waits for the plan."""

WORTH_SAYING = 0.1
"""Part of its cost that a query has to gain or lose: less is within the planner's own error."""

MOST_SHOWN = 5
"""Queries to a change; the rest is counted."""


class Effect(NamedTuple):
    """What a change does to one query. `after` None: not known, but its plan uses the index today.

    `filled`: with constants of the index in the place of some parameters (`constants.py`).
    """

    statement: Statement
    before: float
    after: float | None
    filled: bool = False

    @property
    def weight(self) -> float:
        """Cost that all its calls together gain or lose."""
        return self.statement.calls * abs(self.before - (self.after or 0.0))


class Judged(NamedTuple):
    """All that was found out about one change; `failures` are why some queries could not be judged."""

    effects: tuple[Effect, ...]
    looked_at: int
    failures: tuple[str, ...]
    left: int


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
    wanted, tools = _subjects(session, outcomes)
    if not wanted:
        return list(outcomes)
    missing = _missing(tools, wanted)
    end = clock() + SECONDS
    evidence: dict[Address, tuple[Fact, ...]] = {}
    if tools.statements:
        try:
            workload = read_workload(session, tools, [subject.table for subject in wanted.values()])
        except ObservationFailed as error:
            missing = [f"what-if is not available: pg_stat_statements cannot be read: {_said(session, error)}"]
        else:
            missing += _unseen(workload, session)
            for address, subject in wanted.items():
                if why := barred.get(address):
                    evidence[address] = (Fact(name="what-if", value=f"not available for this index: {why}"),)
                elif subject.index_oid is not None or tools.hypopg:
                    evidence[address] = _facts(session, tools, workload, subject, lambda: clock() < end)
    advised = [
        outcome.model_copy(update={"evidence": (*outcome.evidence, *evidence.get(outcome.address, ()))})
        if isinstance(outcome, Change)
        else outcome
        for outcome in outcomes
    ]
    if missing:
        address = Address(session.target.name, "pg_index", "*")
        advised.append(Notice(address=address, type=NoticeType.NOTE, message="; ".join(missing)))
    return advised


def _subjects(session: PostgresSession, outcomes: Sequence[Outcome]) -> tuple[dict[Address, Subject], Tools]:
    try:
        return subjects(session, outcomes)
    except ObservationFailed:
        return {}, Tools()  # the catalogue has just been read: what does not answer now is said by the plan itself


def _missing(tools: Tools, wanted: dict[Address, Subject]) -> list[str]:
    """What cannot be told here, and why: one sentence, or none."""
    comes = any(subject.index_oid is None for subject in wanted.values())
    goes = any(subject.index_oid is not None for subject in wanted.values())
    absent = [name for name, there in (("hypopg", tools.hypopg), ("pg_stat_statements", tools.statements)) if not there]
    if "pg_stat_statements" in absent or (comes and absent):
        if shadowed := [_beside(name, tools) for name in absent if name in tools.beside]:
            return [f"what-if is not available: {'; '.join(shadowed)}"]
        these = f"extension {absent[0]} is" if len(absent) == 1 else f"extensions {' and '.join(absent)} are"
        return [f"what-if is not available: the {these} not installed in this database"]
    if goes and not tools.hides:
        why = "that needs hypopg 1.4"
        if tools.hypopg:
            why = f"hypopg {tools.hypopg_version} cannot hide an index, 1.4 can"
        elif "hypopg" in tools.beside:
            why = _beside("hypopg", tools)
        return [f"what-if says which queries use an index that is to go, not what they would cost without it: {why}"]
    return []


def _beside(name: str, tools: Tools) -> str:
    return (
        f"beside the functions of {name} stands {tools.beside[name]}, which might be called in their place: drop it, "
        "or move the extension to a schema of its own"
    )


def _unseen(workload: Workload, session: PostgresSession) -> list[str]:
    if not workload.hidden:
        return []
    return [f"what-if does not see what other roles run: grant pg_read_all_stats to {session.role}"]


def _facts(
    session: PostgresSession, tools: Tools, workload: Workload, subject: Subject, in_time: Callable[[], bool]
) -> tuple[Fact, ...]:
    statements = workload.of(subject.table)
    table = ".".join(subject.table)
    if not statements.usable and not statements.unusable:
        return (Fact(name="what-if", value=f"pg_stat_statements has no query on {table}"),)
    if subject.create:
        try:
            costs.try_create(session, tools, subject.create)
        except ObservationFailed as error:
            return (Fact(name="what-if", value=f"not available for this index: {_said(session, error)}"),)
    judged = _judge(session, tools, workload.code, subject, statements.usable, in_time)
    shown = sorted(judged.effects, key=lambda effect: effect.weight, reverse=True)[:MOST_SHOWN]
    facts = [_fact(effect) for effect in shown]
    failures = [*statements.unusable, *judged.failures]
    parts = []
    if not judged.effects and judged.looked_at:
        verb = "uses it today" if subject.index_oid is not None else "would gain from it"
        parts.append(f"no query of pg_stat_statements {verb}, of {judged.looked_at} on {table}")
    if len(judged.effects) > len(shown):
        parts.append(f"{len(judged.effects) - len(shown)} more of {judged.looked_at} queries are not shown")
    if failures:
        parts.append(f"{len(failures)} could not be judged ({max(failures, key=failures.count)})")
    if judged.left:
        parts.append(f"{judged.left} not looked at within {SECONDS:.0f} s")
    return (*facts, *([Fact(name="what-if", value="; ".join(parts))] if parts else []))


def _judge(
    session: PostgresSession,
    tools: Tools,
    code: ForeignCode,
    subject: Subject,
    statements: Sequence[Statement],
    in_time: Callable[[], bool],
) -> Judged:
    effects: list[Effect] = []
    failures: list[str] = []
    known = constants(subject.built) if subject.built is not None else None
    for n, statement in enumerate(statements):
        if not in_time():
            return Judged(tuple(effects), n, tuple(failures), len(statements) - n)
        try:
            effect = _effect(session, tools, code, subject, statement, filled=False)
            if effect is None and known:
                special = with_constants(statement, subject.table[1], known)
                effect = _effect(session, tools, code, subject, special, filled=True) if special else None
        except ObservationFailed as error:
            failures.append(_said(session, error))
            continue
        if effect is not None:
            effects.append(effect)
    return Judged(tuple(effects), len(statements) - len(failures), tuple(failures), 0)


def _effect(
    session: PostgresSession, tools: Tools, code: ForeignCode, subject: Subject, statement: Statement, *, filled: bool
) -> Effect | None:
    """What the change does to one query; None: nothing worth saying. Raises ObservationFailed."""
    schema = subject.table[0]
    if subject.index_oid is None:
        both = costs.with_index(session, tools, code, statement, schema, subject.create)
        worth = both.uses and both.after <= both.before * (1 - WORTH_SAYING)
    elif tools.hides:
        both = costs.without_index(session, tools, code, statement, schema, subject.index_oid)
        worth = both.after >= both.before * (1 + WORTH_SAYING)
    else:
        before = costs.using(session, code, statement, schema, subject.table, subject.index_name)
        return None if before is None else Effect(statement, before, None, filled)
    return Effect(statement, both.before, both.after, filled) if worth else None


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


def _said(session: PostgresSession, error: ObservationFailed) -> str:
    return error.said
