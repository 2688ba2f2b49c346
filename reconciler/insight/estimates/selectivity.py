"""What fraction of its table's rows the predicate of an index keeps, in the planner's eyes; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from reconciler.insight.bounded_queries import About, Group, Question, Refused
from reconciler.insight.candidate import Candidate
from reconciler.insight.table_sizes import TableSize
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import unplannable, unrunnable
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.postgres.session import Row


class Selectivities:
    """Of candidates in order, beside what is known of their tables."""

    def __init__(self, wanted: Iterable[tuple[Candidate, TableSize | None]], foreign: ForeignCode) -> None:
        self._found: list[float | Refused | None] = []
        self._numbers: list[int] = []
        questions: list[Question] = []
        about: list[About] = []
        for candidate, table in wanted:
            self._found.append(None)
            if not candidate.predicate or table is None:
                continue
            # For an estimate the planner runs stable functions, too.
            if why := (
                unplannable(candidate.table, [candidate.predicate], foreign)
                or unrunnable(candidate.expressions, foreign)
            ):
                self._found[-1] = Refused(why)
                continue
            only = sql.SQL("" if table.relkind == "p" else "only ")
            for predicate in ("true", candidate.predicate):
                query = sql.SQL("explain (format json) select from {}{} where ({}\n)").format(
                    only, identifier(*candidate.table), verbatim(predicate)
                )
                questions.append((query, None))
                about.append((candidate.table, reached(candidate.predicate)))
            self._numbers.append(len(self._found) - 1)
        self.asked = Group(questions, about)

    def of(self, answers: Sequence[list[Row] | Refused]) -> list[float | Refused | None]:
        """By the answers to what is `asked`; None of a candidate that has no predicate, or whose table is not there."""
        found = list(self._found)
        for number, every, some in zip(self._numbers, answers[::2], answers[1::2], strict=True):
            if isinstance(every, Refused):
                found[number] = every
            elif isinstance(some, Refused):
                found[number] = some
            else:
                total, part = (answer[0]["QUERY PLAN"][0]["Plan"]["Plan Rows"] for answer in (every, some))
                found[number] = part / total if total else 1.0
        return found
