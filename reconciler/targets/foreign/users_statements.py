"""Runs statements that users have written and that are to read: by which role, which of them, how much of an answer.

Those of checklists, and the query that makes targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.read_only_functions import not_reading
from reconciler.targets.foreign.reading_statement import as_select, reached
from reconciler.targets.foreign.stored_passwords import kept_in
from reconciler.targets.postgres.session import Asked, PostgresSession, connect

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Judged(Generic[Key]):
    """`refused`: why statements are not to be run. `own_path`: what to ask before the others, in their transaction."""

    refused: Mapping[Key, str]
    own_path: Sequence[Asked]


@contextmanager
def lesser(session: PostgresSession) -> Iterator[PostgresSession]:
    """The session by which they are run: as `checks_as`, where the target says so. Raises TargetError."""
    url = session.target.checks_as
    if url is None:
        yield session
        return
    with closing(connect(session.target.model_copy(update={"url": url, "role": ""}), session.secrets)) as as_lesser:
        if (as_lesser.instance, as_lesser.info.database) != (session.instance, session.info.database):
            why = "it leads to another server or another database than the target's own URL"
            raise ObservationFailed(session.target.name, why)
        yield as_lesser


def judged(session: PostgresSession, statements: Mapping[Key, str]) -> Judged[Key]:
    """Which of `statements`, each of them `one_reading_statement`, may run: not one that could run code of strangers,
    or calls what does more than reading. Raises TargetError."""
    texts = {key: reached(statement) for key, statement in statements.items()}
    question = Question.of(session, tuple(texts.values()))
    code = ForeignCode(question, session.fetch_all(question.queries))
    limited = session.secrets.reach.is_limited
    refused: dict[Key, str] = {}
    for key, text in texts.items():
        if limited and (kept := kept_in(text)):
            refused[key] = f"{kept} may hold passwords, which whoever runs this has not left to the YAML"
        elif why := code.in_statement(text):
            refused[key] = f"{why}, or give the target `checks_as`, the URL of a lesser role"
        elif why := not_reading(text, code, own=not session.may_harm):
            refused[key] = why
    return Judged(refused, code.with_path(session.own_path))


def bounded(statement: str, *, shown: int, rows: int, longest: int) -> sql.Composed:
    """The statement's rows, one beyond `rows` at most: the first `shown` as names and texts, the others empty, so that
    only their number is told. A text is cut one character behind `longest`.

    Percent signs stay as they are: there are no parameters.
    """
    return sql.SQL(
        "select array(select field.key from pg_catalog.json_each_text(answer.line) as field) as names, "
        "array(select pg_catalog.left(field.value, {most}) from pg_catalog.json_each_text(answer.line) as field) "
        "as texts "
        "from (select case when pg_catalog.row_number() over () <= {shown} then pg_catalog.row_to_json(answer.*) end "
        "as line from ({statement}\n) as answer limit {rows}) as answer"
    ).format(
        most=sql.Literal(longest + 1),
        shown=sql.Literal(shown),
        statement=sql.SQL(as_select(statement)),
        rows=sql.Literal(rows + 1),
    )
