"""How large tables are at this moment, found by their own names or by those of their indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, BoundedQueries, Refused
from reconciler.insight.candidate import Name
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.session import Row

# Asking for the size of a table that somebody has locked as a whole would wait for it.
_TABLES = """
    with locked as materialized (
        select l.relation from pg_catalog.pg_locks l
        where l.mode = 'AccessExclusiveLock'
          and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    )
    select wanted.schema, wanted.name, n.nspname as table_schema, t.relname as table, t.oid::pg_catalog.int8 as oid,
           t.relkind::pg_catalog.text as relkind, t.reltuples::pg_catalog.float8 as tuples,
           t.relpages::pg_catalog.int8 as pages,
           case when t.oid not in (select relation from locked where relation is not null)
                then pg_catalog.pg_relation_size(t.oid) end as bytes,
           pg_catalog.current_setting('block_size')::int as block
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(names)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace wn on wn.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = wn.oid and c.relname = wanted.name
    left join pg_catalog.pg_index x on x.indexrelid = c.oid
    join pg_catalog.pg_class t on t.oid = coalesce(x.indrelid, c.oid)
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
"""


class TableSize(NamedTuple):
    """A table, found by its own name or by that of one of its indexes.

    rows    the planner's estimate, for the size of this moment; None: never analysed.
    bytes   of this moment; of the last VACUUM or ANALYZE where the table is locked as a whole (`measured` false).
    """

    schema: str
    name: str
    oid: int
    relkind: str
    rows: float | None
    bytes: int
    pages: int
    measured: bool


def read_table_sizes(
    bounded: BoundedQueries, names: Iterable[Name], expressions: Mapping[Name, Sequence[str]] = {}
) -> tuple[dict[Name, TableSize], ForeignCode]:
    """The tables of `names` (schema, and name of a table or an index), as far as they are there; and what planning
    `expressions`, by their tables, would reach of strangers."""
    wanted = sorted(set(names))
    by_name = {"schemas": [schema for schema, _ in wanted], "names": [name for _, name in wanted]}
    written = {text for of_table in expressions.values() for text in of_table}
    texts = [text for text in map(reached, sorted(written)) if text]
    question = Question.of(bounded.session, texts, tuple(expressions))
    answer, *found_code = bounded.all([(_TABLES, by_name), *question.queries], seconds=CATALOGUE_SECONDS)
    foreign = _foreign_of(question, found_code)
    found: dict[Name, TableSize] = {}
    for row in [] if isinstance(answer, Refused) else answer:
        size = row["bytes"] if row["bytes"] is not None else row["pages"] * row["block"]
        pages = size // row["block"]
        if pages == 0 and row["relkind"] != "p":
            rows: float | None = 0.0
        elif row["tuples"] < 0 or row["pages"] == 0:
            rows = None  # before 14, a table that was never analysed says 0
        else:
            rows = row["tuples"] / row["pages"] * pages
        found[row["schema"], row["name"]] = TableSize(
            row["table_schema"], row["table"], row["oid"], row["relkind"], rows, size, pages, row["bytes"] is not None
        )
    return found, foreign


def _foreign_of(question: Question, answers: Sequence[list[Row] | Refused]) -> ForeignCode:
    """What was found out about strangers; where that was refused, nothing may be planned."""
    rows = [answer for answer in answers if not isinstance(answer, Refused)]
    if len(rows) < len(answers):
        return ForeignCode(question, (), "whose code it may run could not be found out")
    return ForeignCode(question, rows)
