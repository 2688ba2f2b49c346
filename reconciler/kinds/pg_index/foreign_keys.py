"""Which foreign keys would be left without an index: a DELETE of the row they point to would read the whole table."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.kinds.pg_index.model import LiveIndex
from reconciler.kinds.pg_index.read import Catalogue, TableName
from reconciler.targets.postgres import PostgresSession

_FOREIGN_KEYS = """
    select n.nspname as schema, t.relname as table, con.conname as name,
           (select pg_catalog.array_agg(a.attname) from pg_catalog.unnest(con.conkey) as key (attnum)
            join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = key.attnum) as columns
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = wanted.name
    join pg_catalog.pg_constraint con on con.conrelid = t.oid and con.contype = 'f'
"""


def last_covers(
    session: PostgresSession, catalogue: Catalogue, going: Collection[tuple[TableName, str]]
) -> dict[tuple[str, str, str], str]:
    """By schema, table and name of an index: the foreign key of that table that would be left without one.

    `going` are the tables and names of indexes that are to be dropped, all at once; of several that serve a key
    alone the first by name is the one that is named. An index serves a foreign key where its first columns are the
    key's, in any order, and it covers all rows. Raises TargetError.
    """
    if not going:
        return {}
    wanted = sorted({table for table, _ in going})
    rows = session.fetch(_FOREIGN_KEYS, {"schemas": [s for s, _ in wanted], "tables": [t for _, t in wanted]})
    found: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = (row["schema"], row["table"])
        columns = set(row["columns"])
        serving = sorted(live.name for live in catalogue.indexes.get(key, {}).values() if _serves(live, columns))
        if serving and all((key, name) in going for name in serving):
            found[(*key, serving[0])] = row["name"]
    return found


def _serves(live: LiveIndex, columns: set[str]) -> bool:
    return live.valid and not live.predicate and {key.column for key in live.keys[: len(columns)]} == columns
