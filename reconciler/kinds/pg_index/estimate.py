"""How large an index will be and how long its build may take: evidence for reviewers, never a basis for decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.kinds.pg_index.model import Definition, TableFacts
from reconciler.kinds.pg_index.read import TableName
from reconciler.targets.postgres import PostgresSession

Widths = Mapping[str, float]
"""Average bytes by column."""

_ITEM_BYTES = 8 + 4
"""A btree index tuple's header and its line pointer."""

_PAGE_BYTES = 8152
"""Of 8192: without the page header and btree's special space."""

_DEFAULT_FILLFACTOR = 90
"""Btree's; leaf pages are packed that full by a build."""

_WIDTHS = """
    select s.schemaname as schema, s.tablename as table, s.attname as column, s.avg_width::float8 as width
    from pg_catalog.pg_stats s
    join unnest(%(schemas)s::text[], %(tables)s::text[]) as wanted (schema, name)
      on wanted.schema = s.schemaname and wanted.name = s.tablename
"""


def widths(session: PostgresSession, tables: Iterable[TableName]) -> dict[TableName, dict[str, float]]:
    """Average column widths in bytes, as far as this role may see statistics."""
    wanted = list(dict.fromkeys(tables))
    found: dict[TableName, dict[str, float]] = {}
    if wanted:
        rows = session.fetch(_WIDTHS, {"schemas": [s for s, _ in wanted], "tables": [t for _, t in wanted]})
        for row in rows:
            found.setdefault((row["schema"], row["table"]), {})[row["column"]] = row["width"]
    return found


def index_bytes(definition: Definition, table: TableFacts, columns: Widths) -> int | None:
    """Estimated bytes of a complete btree index on plain columns; None where nothing honest can be said.

    rows · (8 + align(Σ avg_width) + 4) / (8152 · fillfactor) pages: the leaf level, without btree's deduplication
    (13+), which makes the real one smaller where values repeat.
    """
    names = [key.column for key in definition.keys] + list(definition.include)
    known = all(name in columns for name in names)
    if definition.method != "btree" or definition.predicate or table.rows < 0 or not known:
        return None
    aligned = -(-sum(columns[name] for name in names) // 8) * 8
    declared = dict(definition.options).get("fillfactor", "")
    fillfactor = (int(declared) if declared.isdigit() and int(declared) else _DEFAULT_FILLFACTOR) / 100
    pages = table.rows * (_ITEM_BYTES + aligned) / (_PAGE_BYTES * fillfactor)
    return int(pages + 1) * 8192
