"""Questions to a server that may go unanswered: bounded in time each and together, and never an error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from reconciler.errors import ObservationFailed
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.reached_names import Name, Reached
from reconciler.targets.postgres.session import PostgresSession, Query, Row

_BOUNDS = """
    select pg_catalog.set_config('statement_timeout', %(statement)s, true) as statement_timeout,
           pg_catalog.set_config('lock_timeout', %(lock)s, true) as lock_timeout,
           pg_catalog.set_config('row_security', 'off', true) as row_security
"""
"""For one transaction. Rows that a policy would hide are an error then, instead of an answer about the others."""

CATALOGUE_SECONDS = 5.0
"""For one question of the catalogue, which answers in milliseconds."""

LOCK_SECONDS = 1.0
"""Somebody who locks a whole table keeps us from knowing about it, and not from being done in time."""

BATCH = 50
"""Queries in one transaction: each may lock a table with all its indexes, and lock slots are few."""

TIMED_OUT, LOCKED = "57014", "55P03"
"""SQLSTATEs: cancelled by statement_timeout; not to be locked in time."""


class Refused(NamedTuple):
    """Why there is no answer; `sqlstate` is empty where it was not asked for want of time."""

    message: str
    sqlstate: str = ""


Question = tuple[Query, Mapping[str, Any] | None]
About = tuple[Name, Reached | None]
"""The table of a question, and what the expression in it reaches."""


class Group(NamedTuple):
    """Questions of one sort, each with what it is about: where one of them is refused, others may be as well."""

    questions: Sequence[Question]
    about: Sequence[About]


class BoundedQueries:
    """Asks on a session until `seconds` are over, counted by `clock` from now on."""

    def __init__(self, session: PostgresSession, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.session = session
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; may be negative."""
        return self._end - self._clock()

    def one(
        self,
        question: Query,
        params: Mapping[str, Any] | None = None,
        *,
        seconds: float,
        code: ForeignCode | None = None,
    ) -> list[Row] | Refused:
        """The answer, within `seconds`. Raises ConnectionFailed."""
        return self.all([(question, params)], seconds=seconds, code=code)[0]

    def beside(self, question: Query) -> Callable[[], list[Row] | Refused]:
        """Asks the catalogue beside whatever is asked next, on no round trip of its own. What is returned tells the
        answer, and raises ConnectionFailed."""
        asked = self.session.beside(question)

        def answer() -> list[Row] | Refused:
            try:
                return self.session.answer(asked)
            except ObservationFailed as error:
                return Refused(error.said, error.sqlstate)

        return answer

    def all(
        self,
        questions: Sequence[Question],
        *,
        seconds: float,
        code: ForeignCode | None = None,
        about: Sequence[About] = (),
    ) -> list[list[Row] | Refused]:
        """The answers in order, each within `seconds`, in few round trips. Raises ConnectionFailed.

        `code`: they hold expressions of users, whose names are looked for on the role's own search_path; `about`: of
        each question, where only that much of `code` is to be looked at again before it.
        """
        found: list[list[Row] | Refused] = []
        for start in range(0, len(questions), BATCH):
            found += self._batch(questions[start : start + BATCH], seconds, code, about[start : start + BATCH])
        return found

    def groups(self, groups: Sequence[Group], *, seconds: float, code: ForeignCode) -> list[list[list[Row] | Refused]]:
        """The answers to each group, as `all` has them; where nothing is refused, on one round trip for all groups."""
        asked = Group(
            [each for one in groups for each in one.questions], [each for one in groups for each in one.about]
        )
        if 0 < len(asked.questions) <= BATCH and self.left > 0:
            with suppress(ObservationFailed):
                answers = iter(self._at_once(asked.questions, seconds, code, asked.about))
                return [[next(answers) for _ in one.questions] for one in groups]
        return [self.all(one.questions, seconds=seconds, code=code, about=one.about) for one in groups]

    def _batch(
        self, questions: Sequence[Question], seconds: float, code: ForeignCode | None, about: Sequence[About]
    ) -> list[list[Row] | Refused]:
        if self.left <= 0:
            return [Refused("there was no time left to ask") for _ in questions]
        try:
            return [*self._at_once(questions, seconds, code, about)]
        except ObservationFailed as error:
            if len(questions) == 1:
                return [Refused(error.said, error.sqlstate)]
        # One of them spoils the others: halve until it stands alone.
        middle = len(questions) // 2
        return [
            *self._batch(questions[:middle], seconds, code, about[:middle]),
            *self._batch(questions[middle:], seconds, code, about[middle:]),
        ]

    def _at_once(
        self, questions: Sequence[Question], seconds: float, code: ForeignCode | None, about: Sequence[About]
    ) -> list[list[Row]]:
        """The answers, in one transaction. Raises ObservationFailed where one is refused, ConnectionFailed."""
        statement = f"{max(1, int(min(seconds, self.left) * 1000))}ms"
        bounds = {"statement": statement, "lock": f"{int(LOCK_SECONDS * 1000)}ms"}
        asked = code.about((text for _, text in about), [table for table, _ in about]) if code and about else code
        before: list[Question] = [(_BOUNDS, bounds), *(asked.with_path(self.session.own_path) if asked else [])]
        return self.session.fetch_all([*before, *questions])[len(before) :]
