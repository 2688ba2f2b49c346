"""Whether an index is the declared one: attribute by attribute, and by the server's own reading of all SQL in it.

PostgreSQL stores expressions and predicates as trees and prints them in its own spelling, so texts prove nothing.
First the parser's canonical spelling of both sides is compared; where that differs, the server reads both sides
(`server_readings.py`). Here is what the catalogue tells without that, and how the server is asked.

Decided: docs/decisions.md#comparison-of-expressions, docs/decisions.md#lock-of-a-comparison
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.booleans import parse_bool
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedKey
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.postgres.server_messages import CAME_MEANWHILE, SOMEBODY_MADE, UNPRIVILEGED
from reconciler.targets.postgres.session import PostgresSession, Query, Row
from reconciler.targets.sql_tree import REMEMBERED

_OF_THE_SESSION = {"", "08", "25P02", "25P03", "25P04", "40", "53", "55P03", "57", "58"}
"""SQLSTATEs, and classes of them, that say nothing of the expressions that were asked about: connections and
transactions, lack of resources, locks, what an operator ended, and files. All others may be raised by these, as a
function that is folded may raise whatever its author chose; one that writes meets our read-only transaction (25006)."""

IN_PLACE = {"autosummarize", "buffering", "deduplicate_items", "fastupdate", "fillfactor", "gin_pending_list_limit"}
"""Storage parameters that take effect, or only matter, after ALTER INDEX SET. All others (pages_per_range of brin,
length of bloom, lists of ivfflat) are read when an index is built and never again."""

REINDEX_MOVES = 140000
"""14: REINDEX (TABLESPACE …); before, only a new index can be in another tablespace without a long lock."""


_EXPLAIN = "explain (verbose, costs off, format json) select ("

Options = tuple[tuple[str, str], ...]


def is_about_what_was_asked(error: ObservationFailed) -> bool:
    """Whether the server has something against the expressions themselves."""
    return _OF_THE_SESSION.isdisjoint({error.sqlstate, error.sqlstate[:2]})


def same_shape(declared: Definition, live: LiveIndex) -> bool:
    """Whether everything but expressions and predicate agrees, storage parameters and tablespace left out."""
    return (
        declared.method == live.method
        and declared.unique == live.unique
        # A DEFERRABLE constraint lets duplicates in until the transaction ends, and is no target of ON CONFLICT.
        and (live.immediate or not declared.unique)
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


def fixed_options(declared: Definition, live: LiveIndex, *, has_leaves: bool) -> set[str]:
    """Those that differ, and that no ALTER INDEX changes.

    PostgreSQL refuses to change any of a partitioned index. Those of its leaves count, which can be changed; where it
    has none yet, its own do, which partitions to come get.
    """
    changed = changed_options(declared, live)
    return changed if live.partitioned and not has_leaves else changed - IN_PLACE


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
    with suppress(InvalidOperation):
        return Decimal(text)
    found = parse_bool(text)
    return text.lower() if found is None else Decimal(found)


class Unread(NamedTuple):
    """Why there is no answer. `not_compared`: the server was not asked, since it might have run code of others, or what
    it says does not tell, or our role may not ask (`forbidden`); else it cannot read one of them. `raised`: it reads
    them, and something in them raises an error as it is computed beforehand."""

    why: str
    not_compared: bool = False
    forbidden: bool = False
    raised: bool = False


def explain(schema: str, table: str, expressions: Sequence[str]) -> Query:
    """EXPLAIN of a SELECT of `expressions`, which the parser has read, over one empty row of the table's type."""
    columns = "\n), (".join(map(_as_one_column, expressions))
    return verbatim("".join((_EXPLAIN, columns, "\n) from ", row_of(schema, table).as_string(None))))


def unplanned(schema: str, table: str, selected: str, by: str = "") -> Query:
    """The server reads `selected`, and plans nothing of it: it does not look at a SELECT that nobody refers to any
    more. So nothing is folded. With `by`, an error where that is none of the columns, as PostgreSQL reads both."""
    columns = f"distinct {selected}" if by else selected
    order = f" order by {by}" if by else ""
    row = row_of(schema, table).as_string(None)
    return verbatim("".join(("with read as (select ", columns, " from ", row, order, ") select true as read")))


def _as_one_column(expression: str) -> str:
    """A whole row, `tasks.*`, would be all of its columns in a SELECT."""
    whole = expression.rstrip(" \t\n)").endswith("*")
    return f"case when true then {expression}\n end" if whole else expression


@lru_cache(maxsize=REMEMBERED)
def row_of(schema: str, table: str) -> sql.SQL:
    """One empty row of the table's type, under the table's name: what FROM takes."""
    row = sql.SQL("pg_catalog.json_populate_record(null::{}, '{{}}') as {}")
    return verbatim(row.format(identifier(schema, table), identifier(table)).as_string(None))


def unread(session: PostgresSession, error: ObservationFailed) -> Unread:
    """What the server had against a query that holds expressions; what a role lacks speaks against the role alone.
    Raises `error` where that is not about them."""
    if error.sqlstate == CAME_MEANWHILE:
        return Unread(SOMEBODY_MADE, not_compared=True)
    if error.sqlstate == UNPRIVILEGED:
        return Unread(f"{error.said}: grant what is missing to {session.role}", not_compared=True, forbidden=True)
    if not is_about_what_was_asked(error):
        raise error
    return Unread(error.said)


def ask(session: PostgresSession, queries: Sequence[Query], foreign: ForeignCode) -> list[list[str] | Unread]:
    """The output of each EXPLAIN, or what the server had against it. One round trip if it likes all of them."""
    return [
        found if isinstance(found, Unread) else found[0]["QUERY PLAN"][0]["Plan"]["Output"]
        for found in answers(session, queries, foreign)
    ]


def answers(session: PostgresSession, queries: Sequence[Query], foreign: ForeignCode) -> list[list[Row] | Unread]:
    """The rows of each query, or what the server had against it. One round trip if it likes all of them."""
    if not queries:
        return []
    try:
        found = session.fetch_all([*foreign.with_path(session.own_path), *((query, None) for query in queries)])
        return [*found[-len(queries) :]]
    except ObservationFailed as error:
        why = unread(session, error)
        if len(queries) == 1:
            return [why]
    middle = len(queries) // 2
    return [*answers(session, queries[:middle], foreign), *answers(session, queries[middle:], foreign)]
