"""Of which types the parts of expressions are, by the server's word.

Nothing is executed but the names of types, over a row that is not there, and nothing is folded: a SELECT with OFFSET
stays one by itself, and one that cannot give any row is not planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from psycopg import sql

from reconciler.kinds.pg_index.comparison.compare import Unread, answers, row_of
from reconciler.kinds.pg_index.comparison.server_readings import Readings, in_batches
from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.postgres.quoting import verbatim
from reconciler.targets.postgres.session import Query

Part = tuple[TableName, str]
"""An expression over the rows of a table."""

Types = Mapping[Part, int]
"""The oids of the types of those that could be read."""


def types_of(readings: Readings, parts: Iterable[Part]) -> Types:
    """One round trip, if the server likes all of them. They have to be parts of what it was allowed to read."""
    by_table: dict[TableName, dict[str, None]] = {}
    for table, text in parts:
        by_table.setdefault(table, {})[text] = None
    found: dict[Part, int] = {}
    asked = [(table, some) for table, texts in by_table.items() for some in in_batches(list(texts))]
    while asked:
        again = []
        queries = [_query(table, texts) for table, texts in asked]
        for (table, texts), rows in zip(asked, answers(readings.session, queries, readings.foreign), strict=True):
            if not isinstance(rows, Unread):
                found |= {(table, text): oid for text, oid in zip(texts, rows[0]["types"], strict=True)}
            elif len(texts) > 1:  # one of them spoils the others
                middle = len(texts) // 2
                again += [(table, texts[:middle]), (table, texts[middle:])]
        asked = again
    return found


def _query(table: TableName, texts: Sequence[str]) -> Query:
    """A text with a star in it would be more than one column, but for CASE."""
    parts = sql.SQL(", ").join(
        sql.SQL("case when true then ({}\n) end as k{}").format(verbatim(text), number)
        for number, text in enumerate(texts)
    )
    types = ", ".join(f"pg_catalog.pg_typeof(s.k{n})::pg_catalog.oid::pg_catalog.int8" for n in range(len(texts)))
    return sql.SQL(
        "select array[{}] as types from (select) as one left join ("
        "select * from (select {} from {} offset 0) as read where false offset 0) as s on true"
    ).format(verbatim(types), parts, row_of(*table))
