"""What fraction of its table's rows the predicate of an index keeps, in the planner's eyes; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, About, BoundedQueries, Refused
from reconciler.insight.candidate import Candidate
from reconciler.insight.table_sizes import TableSize
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import unplannable, unrunnable
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.quoting import identifier, verbatim


def selectivities(
    bounded: BoundedQueries, wanted: Iterable[tuple[Candidate, TableSize | None]], foreign: ForeignCode
) -> list[float | Refused | None]:
    """Of each candidate in order, beside what is known of its table; None: it has no predicate, or there is no such
    table. Raises ConnectionFailed."""
    found: list[float | Refused | None] = []
    asked: list[int] = []
    queries = []
    about: list[About] = []
    for candidate, table in wanted:
        found.append(None)
        if not candidate.predicate or table is None:
            continue
        # For an estimate the planner runs stable functions, too.
        if why := (
            unplannable(candidate.table, [candidate.predicate], foreign) or unrunnable(candidate.expressions, foreign)
        ):
            found[-1] = Refused(why)
            continue
        only = sql.SQL("" if table.relkind == "p" else "only ")
        for predicate in ("true", candidate.predicate):
            queries.append(
                sql.SQL("explain (format json) select from {}{} where ({}\n)").format(
                    only, identifier(*candidate.table), verbatim(predicate)
                )
            )
            about.append((candidate.table, reached(candidate.predicate)))
        asked.append(len(found) - 1)
    answers = bounded.all([(query, None) for query in queries], seconds=CATALOGUE_SECONDS, code=foreign, about=about)
    for number, every, some in zip(asked, answers[::2], answers[1::2], strict=True):
        if isinstance(every, Refused):
            found[number] = every
        elif isinstance(some, Refused):
            found[number] = some
        else:
            total, part = (answer[0]["QUERY PLAN"][0]["Plan"]["Plan Rows"] for answer in (every, some))
            found[number] = part / total if total else 1.0
    return found
