"""What the catalogue says of indexes and their tables: one pipeline for everything that is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from reconciler.kinds.pg_index.model import LiveIndex, ObservedKey, TableFacts
from reconciler.kinds.pg_index.syntax import parse_index
from reconciler.targets.postgres import PostgresSession

TableName = tuple[str, str]

_TABLES = """
    select n.nspname as schema, c.relname as name, c.relkind::text as relkind,
           -- Before 14, a table that was never analysed says 0.
           case when c.reltuples = 0 and c.relpages = 0 then -1 else c.reltuples end::float8 as rows,
           case when not pg_catalog.pg_has_role(c.relowner, 'usage') then pg_catalog.pg_get_userbyid(c.relowner) end
               as owner,
           c.relpages::bigint * current_setting('block_size')::int as bytes
    from unnest(%(schemas)s::text[], %(tables)s::text[]) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    where c.relkind in ('r', 'p', 'm', 'f', 'v', 't')
"""

# Of another role's build, only the process is shown to a role without pg_read_all_stats; its locks tell the table.
# An operator class may be left out of a declaration where it is the one that PostgreSQL would choose by itself: marked
# as default, and for the column's own type or for the pseudo-type or text that stands for it. Where it is a default of
# another type that this one can be cast to (int4 with oid_ops), PostgreSQL's own definition has to be asked.
_INDEXES = """
    select n.nspname as schema, t.relname as table, i.relname as name, am.amname as method,
           x.indisunique as unique, {nulls_not_distinct} as nulls_not_distinct,
           x.indnkeyatts as key_count, x.indisvalid and x.indisready and x.indislive as valid,
           i.relkind = 'I' as partitioned,
           coalesce(con.conname, case when x.indisreplident then 'the replica identity' end,
                    'partitioned index ' || inh.inhparent::regclass::text) as constraint,
           coalesce(i.reloptions, '{{}}') as options, ts.spcname as tablespace,
           pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate,
           i.relpages::bigint * current_setting('block_size')::int as bytes,
           case when not (x.indisvalid and x.indisready) then
               coalesce(
                   (select min(p.pid) from pg_catalog.pg_stat_progress_create_index p
                    where p.relid = t.oid or p.relid is null and exists (
                        select from pg_catalog.pg_locks l
                        where l.pid = p.pid and l.relation = t.oid and l.mode = 'ShareUpdateExclusiveLock')),
                   (select min(l.pid) from pg_catalog.pg_locks l
                    where l.relation = i.oid and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
                      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())))
           end as builder,
           k.columns, k.expressions, k.collations, k.collations_default, k.opclasses, k.opclasses_default,
           k.opclass_options, k.sort_options,
           case when x.indexprs is not null or k.ask then
               substr(pg_catalog.pg_get_indexdef(i.oid), length(
                   case when x.indisunique then 'CREATE UNIQUE INDEX ' else 'CREATE INDEX ' end
                   || quote_ident(i.relname) || case when i.relkind = 'I' then ' ON ONLY ' else ' ON ' end
                   || quote_ident(n.nspname) || '.' || quote_ident(t.relname) || ' ') + 1)
           end as definition
    from unnest(%(schemas)s::text[], %(tables)s::text[]) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = wanted.name
    join pg_catalog.pg_index x on x.indrelid = t.oid
    join pg_catalog.pg_class i on i.oid = x.indexrelid
    join pg_catalog.pg_am am on am.oid = i.relam
    join pg_catalog.pg_database d on d.datname = current_database()
    left join pg_catalog.pg_tablespace ts on ts.oid = coalesce(nullif(i.reltablespace, 0), d.dattablespace)
    left join (
        select conindid,
               coalesce('constraint ' || min(conname) filter (where contype <> 'f'), 'foreign key ' || min(conname))
                   as conname
        from pg_catalog.pg_constraint where contype in ('p', 'u', 'x', 'f') and conindid <> 0 group by conindid
    ) con on con.conindid = i.oid
    left join pg_catalog.pg_inherits inh on inh.inhrelid = i.oid
    cross join lateral (
        select array_agg(coalesce(a.attname, '') order by key.n) as columns,
               array_agg(case when key.attnum = 0 then pg_catalog.pg_get_indexdef(i.oid, key.n::int, false) end
                         order by key.n) as expressions,
               array_agg(coalesce(co.collname, '') order by key.n) as collations,
               array_agg(coalesce(key.collation_oid = a.attcollation, key.collation_oid = 0) order by key.n)
                   as collations_default,
               array_agg(coalesce(oc.opcname, '') order by key.n) as opclasses,
               array_agg(coalesce(oc.opcdefault, true) order by key.n) as opclasses_default,
               array_agg(coalesce(pg_catalog.array_to_string(ia.attoptions, ','), '') order by key.n)
                   as opclass_options,
               array_agg(coalesce(key.sort, 0) order by key.n) as sort_options,
               coalesce(bool_or(oc.opcdefault and oc.opcintype <> coalesce(nullif(ty.typbasetype, 0), ty.oid)
                   and oc.opcintype::regtype::text not in ('anyarray', 'anyenum', 'anyrange', 'anymultirange')
                   and not (oc.opcintype = 'text'::regtype and ty.oid = 'varchar'::regtype)), false) as ask
        from unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[], x.indoption::int2[])
             with ordinality as key (attnum, opclass, collation_oid, sort, n)
        left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = key.attnum and key.attnum <> 0
        left join pg_catalog.pg_type ty on ty.oid = a.atttypid
        left join pg_catalog.pg_opclass oc on oc.oid = key.opclass
        left join pg_catalog.pg_collation co on co.oid = key.collation_oid
        left join pg_catalog.pg_attribute ia on ia.attrelid = i.oid and ia.attnum = key.n
    ) k
"""

_NAMES = """
    select n.nspname as schema, c.relname as name, c.relkind::text as relkind,
           tn.nspname as table_schema, t.relname as table
    from unnest(%(schemas)s::text[], %(names)s::text[]) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    left join pg_catalog.pg_index x on x.indexrelid = c.oid
    left join pg_catalog.pg_class t on t.oid = x.indrelid
    left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
"""

_RELKINDS = {
    "r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "S": "sequence",
    "f": "foreign table", "c": "composite type", "t": "TOAST table", "i": "index", "I": "index",
}  # fmt: skip


@dataclass
class Catalogue:
    """Tables by name, their indexes by name, and who holds each of the names that are wanted."""

    tables: dict[TableName, TableFacts] = field(default_factory=dict)
    indexes: dict[TableName, dict[str, LiveIndex]] = field(default_factory=dict)
    holders: dict[tuple[str, str], str] = field(default_factory=dict)


def read(session: PostgresSession, tables: Iterable[TableName], names: Sequence[tuple[str, str]]) -> Catalogue:
    """Reads `tables` with all their indexes, and what holds `names` (schema, index name). One round trip."""
    wanted = list(dict.fromkeys(tables))
    by_table = {"schemas": [schema for schema, _ in wanted], "tables": [table for _, table in wanted]}
    by_name = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
    nulls_not_distinct = "x.indnullsnotdistinct" if session.version_num >= 150000 else "false"
    indexes = sql.SQL(_INDEXES).format(nulls_not_distinct=sql.SQL(nulls_not_distinct))
    tables_found, indexes_found, names_found = session.fetch_all(
        [(_TABLES, by_table), (indexes, by_table), (_NAMES, by_name)]
    )
    catalogue = Catalogue()
    for row in tables_found:
        catalogue.tables[row["schema"], row["name"]] = TableFacts(
            relkind=row["relkind"], rows=row["rows"], bytes=row["bytes"], owner=row["owner"] or ""
        )
    for row in indexes_found:
        catalogue.indexes.setdefault((row["schema"], row["table"]), {})[row["name"]] = _live(row)
    for row in names_found:
        kind = _RELKINDS.get(row["relkind"], "relation")
        of = f" of {row['table_schema']}.{row['table']}" if row["table"] else ""
        catalogue.holders[row["schema"], row["name"]] = kind + of
    return catalogue


def _live(row: Mapping[str, Any]) -> LiveIndex:
    keys = row["key_count"]
    # Without its names, a definition is the same for many tables, and read once.
    parsed = parse_index(f"create index on t {row['definition']}").definition.keys if row["definition"] else None
    return LiveIndex.model_construct(
        name=row["name"],
        method=row["method"],
        unique=row["unique"],
        nulls_not_distinct=row["nulls_not_distinct"],
        keys=tuple(
            ObservedKey.model_construct(
                column=row["columns"][n],
                expression=row["expressions"][n] or "",
                collation=row["collations"][n],
                # PostgreSQL prints a collation or an operator class exactly where it is not the default.
                collation_is_default=not parsed[n].collation if parsed else row["collations_default"][n],
                opclass=row["opclasses"][n],
                opclass_is_default=not parsed[n].opclass if parsed else row["opclasses_default"][n],
                opclass_options=_options(row["opclass_options"][n].split(",") if row["opclass_options"][n] else []),
                descending=bool(row["sort_options"][n] & 1),  # INDOPTION_DESC
                nulls_first=bool(row["sort_options"][n] & 2),  # INDOPTION_NULLS_FIRST
            )
            for n in range(keys)
        ),
        include=tuple(row["columns"][keys:]),
        predicate=row["predicate"] or "",
        options=_options(row["options"]),
        tablespace=row["tablespace"] or "",
        valid=row["valid"],
        partitioned=row["partitioned"],
        constraint=row["constraint"] or "",
        builder=row["builder"],
        bytes=row["bytes"],
    )


def _options(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`["fillfactor=70"]` as pairs, sorted by name."""
    return tuple(sorted((name, value) for name, _, value in (text.partition("=") for text in texts)))
