"""Whether an index is the declared one: attribute by attribute, and by the server's own reading of all SQL in it.

PostgreSQL stores expressions and predicates as trees and prints them in its own spelling, so texts prove nothing.
First the parser's canonical spelling of both sides is compared; where that differs, the server reads both sides in one
EXPLAIN over the table's row type, which folds constants exactly as loading an index does. Nothing is executed and the
table is not read. Like pg_get_indexdef, this takes the weakest lock, ACCESS SHARE, which no writer ever waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.model import Definition, Element, LiveIndex, ObservedKey
from reconciler.kinds.pg_index.normalise import meaning
from reconciler.kinds.pg_index.refusal import refusal
from reconciler.kinds.pg_index.syntax import SyntaxProblem, canonical, collations, identifier, reached, verbatim
from reconciler.targets.foreign_code import ForeignCode
from reconciler.targets.postgres import PostgresSession, Query
from reconciler.targets.reached import Name

_UNREADABLE = {"0A", "21", "22", "42", "54"}
"""Classes of SQLSTATE that speak of the expressions themselves: not supported, cardinality, data, syntax, names and
privileges, too complex. Others (a lock timeout, a cancelled query) say nothing about them."""

_BOOLEANS = {"true": Decimal(1), "yes": Decimal(1), "on": Decimal(1)} | dict.fromkeys(
    ("false", "no", "off"), Decimal(0)
)
"""Words for booleans; any beginning that only one of them has will do."""


IN_PLACE = {"autosummarize", "buffering", "deduplicate_items", "fastupdate", "fillfactor", "gin_pending_list_limit"}
"""Storage parameters that take effect, or only matter, after ALTER INDEX SET. All others (pages_per_range of brin,
length of bloom, lists of ivfflat) are read when an index is built and never again."""

REINDEX_MOVES = 140000
"""14: REINDEX (TABLESPACE …); before, only a new index can be in another tablespace without a long lock."""

Options = tuple[tuple[str, str], ...]


class Question(NamedTuple):
    """Do these expressions over the row of `schema.table` mean the same, pair by pair?

    `live` are those of the index `of_index`.
    """

    schema: str
    table: str
    of_index: str
    declared: tuple[str, ...]
    live: tuple[str, ...]


def same_shape(declared: Definition, live: LiveIndex) -> bool:
    """Whether everything but expressions and predicate agrees, storage parameters and tablespace left out."""
    return (
        declared.method == live.method
        and declared.unique == live.unique
        and declared.nulls_not_distinct == live.nulls_not_distinct
        and declared.include == live.include
        and len(declared.keys) == len(live.keys)
        and bool(declared.predicate) == bool(live.predicate)
        and all(_same_key(key, live_key) for key, live_key in zip(declared.keys, live.keys, strict=True))
    )


def identical(one: LiveIndex, other: LiveIndex) -> bool:
    """Whether two indexes of the same columns have the same catalogue entries, and the same texts made of them: what
    PostgreSQL asks of an index before it attaches it to another."""
    return (
        one.method == other.method
        and one.unique == other.unique
        and one.nulls_not_distinct == other.nulls_not_distinct
        and one.keys == other.keys
        and one.include == other.include
        and one.predicate == other.predicate
    )


def _same_key(declared: Element, live: ObservedKey) -> bool:
    return (
        (declared.column == live.column or bool(declared.expression and live.column))
        and _same_name(
            declared.collation, live.collation, default=live.collation_is_default, visible=live.collation_is_visible
        )
        and _same_name(declared.opclass, live.opclass, default=live.opclass_is_default, visible=live.opclass_is_visible)
        and not _different(declared.opclass_options, live.opclass_options)
        and declared.descending == live.descending
        and declared.nulls_first == live.nulls_first
    )


def _same_name(declared: tuple[str, ...], live: tuple[str, ...], *, default: bool, visible: bool) -> bool:
    """A name that is left out means the default, a bare one what the search_path finds by it."""
    if not declared:
        return default
    return declared == live if len(declared) > 1 else declared == live[-1:] and visible


def changed_options(declared: Definition, live: LiveIndex) -> set[str]:
    """The storage parameters that differ: booleans and numbers by meaning."""
    return _different(declared.options, live.options)


def _different(declared: Options, live: Options) -> set[str]:
    if declared == live:
        return set()
    wanted, there = dict(declared), dict(live)
    return {
        name
        for name in wanted.keys() | there.keys()
        if name not in wanted or name not in there or _value(wanted[name]) != _value(there[name])
    }


def _value(text: str) -> str | Decimal:
    """What a value means, as PostgreSQL's parse_bool and number parsers read it."""
    lowered = text.lower()
    with suppress(InvalidOperation):
        return Decimal(lowered)
    if len(lowered) > 1 or lowered in "tfyn":
        for word, value in _BOOLEANS.items():
            if word.startswith(lowered) and lowered != "o":
                return value
    return lowered


def question(declared: Definition, live: LiveIndex, schema: str, table: str) -> Question | None:
    """What only the server can decide about two definitions of the same shape; None where the parser already can."""
    pairs = [
        # An expression may come down to a column: `(due::date)` of a date.
        (key.expression, other.expression or identifier(other.column).as_string(None))
        for key, other in zip(declared.keys, live.keys, strict=True)
        if key.expression
    ]
    if declared.predicate:
        pairs.append((declared.predicate, live.predicate))
    open_pairs = [(one, other) for one, other in pairs if _canonical(one) != _canonical(other)]
    if not open_pairs:
        return None
    return Question(
        schema, table, live.name, tuple(one for one, _ in open_pairs), tuple(other for _, other in open_pairs)
    )


@lru_cache(maxsize=50_000)
def _canonical(expression: str) -> str:
    try:
        return canonical(expression)
    except SyntaxProblem:
        # The server may be newer than our parser: then only the server can read it.
        return expression


class Unread(NamedTuple):
    """Why there is no answer. `foreign`: the server was not asked, since it might have run code of others."""

    why: str
    foreign: bool = False


def answers(session: PostgresSession, questions: Sequence[Question], foreign: ForeignCode) -> list[bool | Unread]:
    """Whether each question's pairs mean the same, by the server's reading; else why it cannot read one of them.

    Not to be readable is not to be different: nobody's index is rebuilt because a role may not use a schema.
    """
    found: dict[Question, bool | Unread] = {}
    by_table: dict[tuple[str, str], list[Question]] = {}
    for question in questions:
        if why := _foreign(question, foreign):
            found[question] = Unread(why, foreign=True)
        else:
            by_table.setdefault((question.schema, question.table), []).append(question)
    groups = list(by_table.values())
    plain = session.pg_catalog_first
    unread: list[Question] = []
    for group, output in zip(groups, _ask(session, list(map(_together, groups)), foreign), strict=True):
        if isinstance(output, str):
            unread += group  # one of them spoils the others: each for itself
        else:
            found.update(_split(group, output, plain))
    alone = [_together([each]) for each in unread]
    for question, output in zip(unread, _ask(session, alone, foreign), strict=True):
        found.update({question: Unread(output)} if isinstance(output, str) else _split([question], output, plain))
    return [found[question] for question in questions]


def _foreign(question: Question, foreign: ForeignCode) -> str:
    """Why the server is not asked: the planner folds constants, and would run what it finds."""
    texts = (foreign.in_text(reached(text)) for text in question.declared)
    row = foreign.in_row((question.schema, question.table))
    return row or next(filter(None, texts), "") or foreign.in_index((question.schema, question.of_index))


class Explained(NamedTuple):
    """An EXPLAIN of declared `expressions`, among others, over a row of `table`."""

    query: Query
    table: Name
    expressions: Sequence[str]


def _together(group: Sequence[Question]) -> Explained:
    """All questions about one table as one query: both sides of each pair, side by side."""
    pairs = [pair for question in group for pair in zip(question.declared, question.live, strict=True)]
    schema, table = group[0].schema, group[0].table
    query = explain(schema, table, [side for pair in pairs for side in pair])
    return Explained(query, (schema, table), [text for question in group for text in question.declared])


def _split(group: Sequence[Question], output: Sequence[str], plain: bool) -> dict[Question, bool]:
    """The answers to a group's questions, from the output of `_together`; `plain` as `meaning` takes it."""
    same, at = {}, 0
    for question in group:
        sides = output[at : at + 2 * len(question.declared)]
        at += len(sides)
        pairs = zip(sides[::2], sides[1::2], strict=True)
        # The planner forgets what collation a part was to be compared by; the texts do not.
        same[question] = all(
            one == other or meaning(one, plain) == meaning(other, plain) for one, other in pairs
        ) and all(
            collations(one) == collations(other) for one, other in zip(question.declared, question.live, strict=True)
        )
    return same


def problems(
    session: PostgresSession, definitions: Sequence[tuple[str, str, Definition]], foreign: ForeignCode
) -> list[str]:
    """Why each definition (schema, table, definition) can make no index; empty where nothing speaks against it.

    What PostgreSQL would refuse in an index is not given to it. Nor is what may run code of others: whether that can
    be read, the build will tell.
    """
    found = [refusal(definition, foreign) for _, _, definition in definitions]
    asked = [
        number
        for number, (_, _, definition) in enumerate(definitions)
        if not found[number] and not any(foreign.in_text(reached(text)) for text in definition.expressions)
    ]
    queries = [
        Explained(
            explain(
                schema,
                table,
                [
                    *(key.expression or identifier(key.column).as_string(None) for key in definition.keys),
                    *(identifier(column).as_string(None) for column in definition.include),
                    *([f"({definition.predicate})::pg_catalog.bool"] if definition.predicate else []),
                ],
            ),
            (schema, table),
            definition.expressions,
        )
        for schema, table, definition in (definitions[number] for number in asked)
    ]
    for number, result in zip(asked, _ask(session, queries, foreign), strict=True):
        if isinstance(result, str):
            found[number] = f"the server cannot read its definition: {result}"
    return found


def explain(schema: str, table: str, expressions: Sequence[str]) -> Query:
    """EXPLAIN of a SELECT of `expressions`, which the parser has read, over one empty row of the table's type."""
    return sql.SQL(
        "explain (verbose, costs off, format json) select ({}\n) "
        "from pg_catalog.json_populate_record(null::{}, '{{}}') as {}"
    ).format(verbatim("\n), (".join(expressions)), identifier(schema, table), identifier(table))


def _ask(session: PostgresSession, queries: Sequence[Explained], foreign: ForeignCode) -> list[list[str] | str]:
    """The output of each query, or what the server had against it. One round trip if it likes all of them."""
    if not queries:
        return []
    try:
        # Whose code they reach is asked again before them: that of all the others would be, for each half.
        texts = {text for each in queries for text in each.expressions}
        code = foreign.about(map(reached, sorted(texts)), {each.table for each in queries})
        found = session.fetch_all([*code.with_path(session.own_path), *((each.query, None) for each in queries)])
        return [rows[0]["QUERY PLAN"][0]["Plan"]["Output"] for rows in found[-len(queries) :]]
    except ObservationFailed as error:
        if error.sqlstate[:2] not in _UNREADABLE:
            raise
        if len(queries) == 1:
            return [error.message.removeprefix(f"{session.target.name}: ")]
    middle = len(queries) // 2
    return [*_ask(session, queries[:middle], foreign), *_ask(session, queries[middle:], foreign)]
