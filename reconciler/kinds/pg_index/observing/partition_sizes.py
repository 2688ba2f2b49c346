"""How big partitions are at this moment: the catalogue only knows what the last VACUUM or ANALYZE has seen."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.postgres.session import PostgresSession

Sizes = dict[TableName, int]
"""Bytes of tables, TOAST included, indexes left out."""

_SIZES = """
    select n.nspname as schema, c.relname as name, pg_catalog.pg_table_size(c.oid) as bytes
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    where c.relkind = 'r'
"""


def sizes(session: PostgresSession, tables: Sequence[TableName]) -> Sizes:
    """How big `tables` are. One query; it takes the weakest lock on each of them. Raises TargetError."""
    if not tables:
        return {}
    rows = session.fetch(_SIZES, {"schemas": [s for s, _ in tables], "tables": [t for _, t in tables]})
    # None where a table is dropped while it is asked for.
    return {(row["schema"], row["name"]): row["bytes"] for row in rows if row["bytes"] is not None}
