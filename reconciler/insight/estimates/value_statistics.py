"""What the server knows of the values of columns and expressions: the statistics of ANALYZE, and types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import sql

from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, BoundedQueries, Group, Question, Refused
from reconciler.insight.candidate import Key
from reconciler.insight.estimates.index_size import Values
from reconciler.insight.table_sizes import TableSize
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.postgres.session import Row
from reconciler.targets.sql_tree import SyntaxProblem, canonical, column_references

# Btree merges equal values where support function 4 of their operator class says that equal ones look alike.
_COLUMNS = """
    select n.nspname as schema, c.relname as table, a.attname as column, a.attlen as length,
           a.attalign::pg_catalog.text as align, s.avg_width as width, s.null_frac as nulls, s.n_distinct as distinct,
           coalesce(co.collisdeterministic, true) and exists (
               select from pg_catalog.pg_opclass oc
               join pg_catalog.pg_am am on am.oid = oc.opcmethod and am.amname = 'btree'
               join pg_catalog.pg_amproc p on p.amprocfamily = oc.opcfamily and p.amproclefttype = oc.opcintype
                and p.amprocrighttype = oc.opcintype and p.amprocnum = 4
               where oc.opcdefault and (oc.opcintype = base.oid
                     or base.typtype = 'e' and oc.opcintype = 'anyenum'::pg_catalog.regtype
                     or base.oid = 1043 and oc.opcintype = 25)) as mergeable
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(columns)s::pg_catalog.text[])) as wanted (schema, name, "column")
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = wanted."column"
    join pg_catalog.pg_type t on t.oid = a.atttypid
    join pg_catalog.pg_type base on base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    left join pg_catalog.pg_collation co on co.oid = a.attcollation
    left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname
      and s.attname = a.attname and s.inherited = (c.relkind = 'p')
"""

# ANALYZE also looks at the expressions of indexes that are there.
_EXPRESSIONS = """
    select n.nspname as schema, t.relname as table,
           case when pg_catalog.set_config('search_path', %(own_path)s, true) is not null then
               pg_catalog.pg_get_indexdef(i.oid, a.attnum, false) end as expression,
           a.attlen as length, a.attalign::pg_catalog.text as align, s.avg_width as width, s.null_frac as nulls,
           s.n_distinct as distinct
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = wanted.name
    join pg_catalog.pg_index x on x.indrelid = t.oid and x.indexprs is not null
    join pg_catalog.pg_class i on i.oid = x.indexrelid
    join pg_catalog.pg_namespace ni on ni.oid = i.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = i.oid and x.indkey[a.attnum - 1] = 0
    join pg_catalog.pg_stats s on s.schemaname = ni.nspname and s.tablename = i.relname and s.attname = a.attname
"""

_ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}

UNKNOWN_WIDTH = 32
"""What the planner takes for a type whose values differ in length, without statistics (get_typavgwidth)."""


class Known(NamedTuple):
    """One column or expression. `width` None: it has no fixed one, and no statistics that this role may see.

    `distinct` as in pg_stats: a number, or the negative fraction of rows; 0: not known.
    """

    width: float | None
    align: int
    varies: bool
    nulls: float = 0.0
    distinct: float = 0.0
    mergeable: bool = True


class ValueStatistics:
    """What is known of the keys of indexes that are to be built on some tables."""

    def __init__(self, bounded: BoundedQueries, wanted: Iterable[tuple[TableSize, Key]], foreign: ForeignCode) -> None:
        """Asks the catalogue; what is refused stays unknown, and of expressions that it does not know the planner knows
        more: see `asked`. Raises ConnectionFailed."""
        pairs = list(wanted)
        columns = sorted({(p.schema, p.name, name) for p, key in pairs for name in _names(key)})
        texts = sorted({(p.schema, p.name, key.expression) for p, key in pairs if key.expression})
        tables = sorted({(schema, table) for schema, table, _ in texts})
        self._columns, self._expressions = _columns_and_expressions(bounded, columns, tables)
        missing = [text for text in texts if _spelled(text) not in self._expressions]
        self._readable = [text for text in missing if not foreign.in_text(reached(text[2]))]

    @property
    def asked(self) -> Group:
        """How wide the types of expressions are, in the planner's words; nothing is executed, and no table is read."""
        queries = [
            sql.SQL(
                "explain (format json) select ({}\n) from pg_catalog.json_populate_record(null::{}, '{{}}') as {}"
            ).format(verbatim(expression), identifier(schema, table), identifier(table))
            for schema, table, expression in self._readable
        ]
        about = [((schema, table), reached(expression)) for schema, table, expression in self._readable]
        return Group([(query, None) for query in queries], about)

    def take(self, answers: Sequence[list[Row] | Refused]) -> None:
        """Takes the answers to what is `asked`."""
        for text, answer in zip(self._readable, answers, strict=True):
            if not isinstance(answer, Refused):
                width = answer[0]["QUERY PLAN"][0]["Plan"]["Plan Width"]
                self._expressions[_spelled(text)] = self._by_type(text, width)

    def values(self, table: TableSize, key: Key) -> Values | None:
        """What is known of `key` on that table; None where not even its width is."""
        if key.column:
            known = self._columns.get((table.schema, table.name, key.column))
        else:
            known = self._expressions.get(_spelled((table.schema, table.name, key.expression)))
        if known is None or known.width is None:
            return None
        rows = table.rows or 0.0
        distinct = known.distinct if known.distinct > 0 else -known.distinct * rows if known.distinct else rows
        return Values(known.width, known.align, known.varies, known.nulls, distinct, known.mergeable)

    def _by_type(self, text: tuple[str, str, str], width: int) -> Known:
        """An expression has no more values than its column, and is about as wide, where its type has no fixed width."""
        schema, table, expression = text
        names = references(expression)
        inside = self._columns.get((schema, table, names[0])) if len(names) == 1 else None
        if inside is None:
            return Known(width, _guessed(width), width == UNKNOWN_WIDTH)
        if width != UNKNOWN_WIDTH:
            return Known(width, _guessed(width), False, inside.nulls, inside.distinct, inside.mergeable)
        if not inside.varies or inside.width is None:
            return Known(width, 1, True, inside.nulls, inside.distinct, inside.mergeable)
        return inside


@lru_cache(maxsize=10_000)
def references(expression: str) -> tuple[str, ...]:
    """The names of columns in an expression, sorted; none where it cannot be parsed."""
    return tuple(sorted({node.fields[-1].string.sval for node in column_references(expression)} - {""}))


def _names(key: Key) -> Sequence[str]:
    return [key.column] if key.column else references(key.expression)


def _spelled(text: tuple[str, str, str]) -> tuple[str, str, str]:
    schema, table, expression = text
    try:
        return schema, table, canonical(expression)
    except SyntaxProblem:
        return text


def _guessed(width: int) -> int:
    return width if width in (1, 2, 4, 8) else 8 if width > 8 and width != UNKNOWN_WIDTH and width % 8 == 0 else 1


def _columns_and_expressions(
    bounded: BoundedQueries, columns: Sequence[tuple[str, str, str]], tables: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str, str], Known], dict[tuple[str, str, str], Known]]:
    """What is known of `columns`, and of the expressions in indexes of `tables`; of what is refused, nothing."""
    schemas, names, attributes = ([each[n] for each in columns] for n in range(3))
    by_column = {"schemas": schemas, "tables": names, "columns": attributes}
    by_table = {
        "schemas": [schema for schema, _ in tables],
        "tables": [table for _, table in tables],
        "own_path": bounded.session.own_path,
    }
    # Last the one that sets a search_path: it lasts until the end of what is sent.
    asked: list[Question] = [
        *([(_COLUMNS, by_column)] if columns else []),
        *([(_EXPRESSIONS, by_table)] if tables else []),
    ]
    answers = iter(bounded.all(asked, seconds=CATALOGUE_SECONDS))
    of_columns, of_tables = (next(answers) if wanted else [] for wanted in (columns, tables))
    return (
        {}
        if isinstance(of_columns, Refused)
        else {(r["schema"], r["table"], r["column"]): _known(r) for r in of_columns},
        {}
        if isinstance(of_tables, Refused)
        else {_spelled((r["schema"], r["table"], r["expression"])): _known(r) for r in of_tables},
    )


def _known(row: Mapping[str, Any]) -> Known:
    fixed = row["length"] > 0
    width = float(row["length"]) if fixed else None
    if row["width"] is None:
        return Known(width, _ALIGNMENTS[row["align"]], not fixed, mergeable=row.get("mergeable", True))
    return Known(
        # Wide values keep a header of 4 bytes and are aligned; short ones are neither.
        width if fixed and width else float(row["width"]),
        _ALIGNMENTS[row["align"]],
        not fixed,
        float(row["nulls"]),
        float(row["distinct"]),
        row.get("mergeable", True),
    )
