"""What would be left without an index: a foreign key, since a DELETE of the row that it points to would read the whole
table; and a materialized view, which is only refreshed concurrently by a unique index that tells all its rows apart.

Decided: docs/decisions.md#foreign-keys
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reconciler.kinds.pg_index.changes.index_in_words import as_definition
from reconciler.kinds.pg_index.model import Definition, TableName
from reconciler.kinds.pg_index.observed import LiveIndex, Need
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.targets.postgres.session import PostgresSession

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

Coming = Mapping[TableName, Sequence[Definition]]
"""Definitions of indexes that are to be built, by their table."""


def last_covers(
    session: PostgresSession, catalogue: Catalogue, going: Collection[tuple[TableName, str]], coming: Coming
) -> dict[tuple[str, str, str], Need]:
    """By schema, table and name of an index: what would be left without one.

    `going` are the tables and names of indexes that are to be dropped or to become others, all at once; of several that
    serve alone the first by name is the one that is named. An index serves a foreign key where its first columns are
    the key's, in any order, and it covers all rows. Raises TargetError.
    """
    found: dict[tuple[str, str, str], Need] = {}
    for table, need, columns in _needs(session, catalogue, {table for table, _ in going}):
        there = catalogue.indexes.get(table, {}).values()
        serving = sorted(live.name for live in there if live.valid and _serves(as_definition(live), columns))
        instead = any(_serves(definition, columns) for definition in coming.get(table, ()))
        if serving and not instead and all((table, name) in going for name in serving):
            found[(*table, serving[0])] = need
    return found


def _needs(
    session: PostgresSession, catalogue: Catalogue, tables: Iterable[TableName]
) -> Iterator[tuple[TableName, Need, set[str]]]:
    """What needs an index of one of `tables`, and the columns of a foreign key."""
    views = sorted(table for table in tables if table in catalogue.tables and catalogue.tables[table].relkind == "m")
    yield from ((table, Need(), set()) for table in views)
    wanted = sorted({*tables} - {*views})
    if wanted:
        rows = session.fetch(_FOREIGN_KEYS, {"schemas": [s for s, _ in wanted], "tables": [t for _, t in wanted]})
        for row in rows:
            yield (row["schema"], row["table"]), Need(foreign_key=row["name"]), set(row["columns"])


def _serves(index: Definition, columns: set[str]) -> bool:
    """Whether `index` serves a foreign key of `columns`; of none: REFRESH MATERIALIZED VIEW CONCURRENTLY, which wants
    it unique, of columns alone and of all rows."""
    if index.predicate:
        return False
    if not columns:
        return index.unique and all(key.column for key in index.keys)
    return {key.column for key in index.keys[: len(columns)]} == columns


def may_leave(old: LiveIndex, new: Definition) -> bool:
    """Whether a foreign key or a materialized view that `old` serves may not be served by `new`: without asking."""
    sets = [{key.column for key in old.keys[:number]} for number in range(1, len(old.keys) + 1)]
    return (old.unique and not _serves(new, set())) or not all(_serves(new, columns) for columns in sets)
