"""Which of the queries that really run would gain from a new index, and which lean on one that is to go.

The queries are those of pg_stat_statements, the answers the planner's own, before and after, with HypoPG's hypothetical
indexes. Nothing is executed: each is EXPLAINed with a generic plan, in a read-only transaction, in bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from reconciler.errors import ObservationFailed
from reconciler.insight.candidate import Name
from reconciler.insight.whatif import plan_costs
from reconciler.insight.whatif.index_constants import Constants, constants, with_constants
from reconciler.insight.workload.extensions import Extensions
from reconciler.insight.workload.statement import Statement
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.session import PostgresSession
from reconciler.targets.sql_tree import parse

WORTH_SAYING = 0.1
"""Part of its cost that a query has to gain or lose: less is within the planner's own error."""


class NewIndex(NamedTuple):
    """An index that would come. `create`: its CREATE INDEX as HypoPG takes it, without name, tablespace and options."""

    table: Name
    create: str


class GoingIndex(NamedTuple):
    """An index that is there, and would go."""

    table: Name
    name: str
    oid: int


class Effect(NamedTuple):
    """What happens to one query. `after` None: not known, but its plan uses the index today.

    `filled`: with constants of the index in the place of some parameters (`index_constants.py`).
    """

    statement: Statement
    before: float
    after: float | None
    filled: bool = False

    @property
    def weight(self) -> float:
        """Cost that all its calls together gain or lose."""
        return self.statement.calls * abs(self.before - (self.after or 0.0))


class Effects(NamedTuple):
    """All that was found out about one index; `failures` are why some queries could not be judged, `left` the number of
    those that there was no time for."""

    effects: tuple[Effect, ...]
    looked_at: int
    failures: tuple[str, ...]
    left: int


def effects_on(
    session: PostgresSession,
    extensions: Extensions,
    code: ForeignCode,
    index: NewIndex | GoingIndex,
    statements: Sequence[Statement],
    in_time: Callable[[], bool],
) -> Effects:
    """What becomes of `statements` with a new index, or without one. `code`: whose they reach. Raises ConnectionFailed.

    Those that neither gain nor lose anything worth saying are only counted.
    """
    effects: list[Effect] = []
    failures: list[str] = []
    known = _constants(index)
    for n, statement in enumerate(statements):
        if not in_time():
            return Effects(tuple(effects), n, tuple(failures), len(statements) - n)
        try:
            effect = _effect(session, extensions, code, index, statement, filled=False)
            if effect is None and known:
                special = with_constants(statement, index.table[1], known)
                effect = _effect(session, extensions, code, index, special, filled=True) if special else None
        except ObservationFailed as error:
            failures.append(error.said)
            continue
        if effect is not None:
            effects.append(effect)
    return Effects(tuple(effects), len(statements) - len(failures), tuple(failures), 0)


def _constants(index: NewIndex | GoingIndex) -> Constants | None:
    return constants(parse(index.create).stmts[0].stmt.index_stmt) if isinstance(index, NewIndex) else None


def _effect(
    session: PostgresSession,
    extensions: Extensions,
    code: ForeignCode,
    index: NewIndex | GoingIndex,
    statement: Statement,
    *,
    filled: bool,
) -> Effect | None:
    """What happens to one query; None: nothing worth saying. Raises ObservationFailed."""
    schema = index.table[0]
    if isinstance(index, NewIndex):
        both = plan_costs.with_index(session, extensions, code, statement, schema, index.create)
        worth = both.uses and both.after <= both.before * (1 - WORTH_SAYING)
    elif extensions.hides:
        both = plan_costs.without_index(session, extensions, code, statement, schema, index.oid)
        worth = both.after >= both.before * (1 + WORTH_SAYING)
    else:
        before = plan_costs.using(session, code, statement, schema, index.table, index.name)
        return None if before is None else Effect(statement, before, None, filled)
    return Effect(statement, both.before, both.after, filled) if worth else None
