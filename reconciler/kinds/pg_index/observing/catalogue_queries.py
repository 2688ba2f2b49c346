"""The queries that read PostgreSQL's catalogue of tables and indexes. `catalogue.py` makes models of their rows."""

from __future__ import annotations

from typing import LiteralString

WANTED: LiteralString = """
    with wanted as materialized (
        select c.oid, c.relkind
        from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                        pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as named (schema, name)
        join pg_catalog.pg_namespace n on n.nspname = named.schema
        join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = named.name
        where c.relkind in ('r', 'p', 'm', 'f', 'v', 't')
    ), members as materialized (
        select oid from wanted
        union
        select tree.relid from wanted
        cross join lateral pg_catalog.unnest(
            array(select relid from pg_catalog.pg_partition_tree(wanted.oid))) as tree (relid)
        where wanted.relkind = 'p'
    )
"""
"""The declared tables, and the partitions of those that are partitioned; stands for `{wanted}` below.

The planner expects 10 elements of an array, and 1,000 rows of pg_partition_tree(): for one table it would read all of
pg_attribute and its like.
"""

IN_WRITTEN_ORDER = "select pg_catalog.set_config('join_collapse_limit', '1', true)"
"""To be sent before `TABLES` and `INDEXES`, which join what they join in an order that does well for one table and for
a thousand. Trying others took the planner longer than all the rest: 8.9 ms of processor become 5.6 for one table."""

LOCKED: LiteralString = """
    with recursive members as (
        select c.oid, named.schema, named.name
        from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                        pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as named (schema, name)
        join pg_catalog.pg_namespace n on n.nspname = named.schema
        join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = named.name
        union
        select inh.inhrelid, members.schema, members.name
        from members join pg_catalog.pg_inherits inh on inh.inhparent = members.oid
    )
    select distinct on (members.schema, members.name) members.schema, members.name,
           coalesce(l.pid, 0) as pid, coalesce(a.usename, '?') as user, coalesce(a.application_name, '') as application,
           coalesce(a.state, '?') as state, coalesce(a.query, '') as query,
           coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start)),
                    0)::pg_catalog.float8 as seconds
    from members
    join pg_catalog.pg_locks l on l.relation = members.oid and l.mode = 'AccessExclusiveLock' and l.granted
         and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    order by members.schema, members.name, seconds desc
"""
"""Who holds a table, or a partition of it, as a whole: nobody can read the definitions of its indexes then."""

TABLES: LiteralString = """{wanted}
    select n.nspname as schema, c.relname as name, c.relkind::pg_catalog.text as relkind,
           -- Before 14, a table that was never analysed says 0.
           case when c.reltuples = 0 and c.relpages = 0 then -1 else c.reltuples end::pg_catalog.float8 as rows,
           case when not pg_catalog.pg_has_role(%(acting)s::pg_catalog.oid, c.relowner, 'usage')
                then pg_catalog.pg_get_userbyid(c.relowner) end as owner,
           coalesce(owner.rolsuper, false) as owner_is_superuser,
           pg_catalog.has_schema_privilege(%(acting)s::pg_catalog.oid, n.oid, 'create') as may_create,
           c.relpages::bigint * pg_catalog.current_setting('block_size')::int as bytes,
           pn.nspname as parent_schema, p.relname as parent, rn.nspname as root_schema, r.relname as root,
           array(select left_over.relname
                 from pg_catalog.pg_index x join pg_catalog.pg_class left_over on left_over.oid = x.indexrelid
                 where x.indrelid = c.reltoastrelid and not x.indisvalid and not exists (
                     select from pg_catalog.pg_locks l where l.relation = x.indexrelid
                     and l.database = (select oid from pg_catalog.pg_database
                                       where datname = pg_catalog.current_database()))
                 order by 1) as toast_leftovers
    from members
    join pg_catalog.pg_class c on c.oid = members.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_inherits inh on inh.inhrelid = c.oid and c.relispartition
    left join pg_catalog.pg_class p on p.oid = inh.inhparent
    left join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
    left join pg_catalog.pg_class r on c.relispartition and r.oid = pg_catalog.pg_partition_root(c.oid)
    left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
    left join pg_catalog.pg_roles owner on owner.oid = c.relowner
"""

# Names are looked for in pg_catalog alone when the statement is read. Only then, while it runs, is the role's own
# search_path set, which decides how expressions are printed, and what is visible; so it stays in its transaction.
OWN_PATH: LiteralString = "(select pg_catalog.set_config('search_path', %(own_path)s, true) is not null)"
"""Stands for `{own_path}` below."""

# Of another role's build, only the process is shown to a role without pg_read_all_stats; its locks tell the table.
# An operator class may be left out of a declaration where it is the one that PostgreSQL would choose by itself: marked
# as default, and for the column's own type or for the pseudo-type or text that stands for it. Where it is a default of
# another type that this one can be cast to (int4 with oid_ops), PostgreSQL's own definition has to be asked.
INDEXES: LiteralString = """{wanted}, key as materialized (
        select x.indexrelid, x.indrelid, each.attnum, each.opclass, each.collation_oid, each.sort, each.n
        from members join pg_catalog.pg_index x on x.indrelid = members.oid
        cross join lateral rows from (pg_catalog.unnest(x.indkey::pg_catalog.int2[]),
                                      pg_catalog.unnest(x.indclass::pg_catalog.oid[]),
                                      pg_catalog.unnest(x.indcollation::pg_catalog.oid[]),
                                      pg_catalog.unnest(x.indoption::pg_catalog.int2[]))
             with ordinality as each (attnum, opclass, collation_oid, sort, n)
    )
    select n.nspname as schema, t.relname as table, i.relname as name, am.amname as method,
           x.indisunique as unique, {nulls_not_distinct} as nulls_not_distinct,
           x.indnkeyatts as key_count, x.indimmediate as immediate,
           x.indisvalid and x.indisready and x.indislive as valid,
           i.relkind = 'I' as partitioned, x.indisclustered as clustered,
           con.conname as constraint, coalesce(con.leans, false) as leaned_on,
           x.indisreplident as replica_identity,
           case when x.indisreplident then
               array(select a.attname from pg_catalog.pg_attribute a
                     where a.attrelid = t.oid and a.attnotnull and not a.attisdropped)
           end as not_null,
           pin.nspname as parent_schema, pi.relname as parent,
           coalesce(i.reloptions, '{{}}') as options, ts.spcname as tablespace,
           i.reltablespace <> 0 as elsewhere,
           case when x.indpred is not null then
               case when {own_path} then pg_catalog.pg_get_expr(x.indpred, x.indrelid) end
           end as predicate,
           i.relpages::bigint * pg_catalog.current_setting('block_size')::int as bytes,
           description.description as comment, dependent.extensions,
           case when not (x.indisvalid and x.indisready) then
               coalesce(
                   (select pg_catalog.min(p.pid) from pg_catalog.pg_stat_progress_create_index p
                    where (p.relid = t.oid and (p.index_relid = i.oid or p.command like 'REINDEX%%'))
                       or p.relid is null and exists (
                        select from pg_catalog.pg_locks l
                        where l.pid = p.pid and l.relation = t.oid and l.mode = 'ShareUpdateExclusiveLock')),
                   (select pg_catalog.min(l.pid) from pg_catalog.pg_locks l
                    where l.relation = i.oid and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
                      and l.database = (select oid from pg_catalog.pg_database
                                        where datname = pg_catalog.current_database())))
           end as builder,
           k.columns, k.expressions, k.collations, k.collation_schemas, k.collations_default, k.collations_visible,
           k.opclasses, k.opclass_schemas, k.opclasses_default, k.opclasses_visible,
           k.opclass_options, k.sort_options, k.statistics,
           case when not (x.indexprs is not null or k.ask) then null when {own_path} then
               pg_catalog.substr(pg_catalog.pg_get_indexdef(i.oid), pg_catalog.length(
                   case when x.indisunique then 'CREATE UNIQUE INDEX ' else 'CREATE INDEX ' end
                   || pg_catalog.quote_ident(i.relname) || case when i.relkind = 'I' then ' ON ONLY ' else ' ON ' end
                   || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) || ' ') + 1)
           end as definition
    from members
    join pg_catalog.pg_class t on t.oid = members.oid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    join pg_catalog.pg_index x on x.indrelid = t.oid
    join pg_catalog.pg_class i on i.oid = x.indexrelid
    join pg_catalog.pg_am am on am.oid = i.relam
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    left join pg_catalog.pg_tablespace ts on ts.oid = coalesce(nullif(i.reltablespace, 0), d.dattablespace)
    left join (
        select conindid,
               coalesce('constraint ' || pg_catalog.min(conname) filter (where contype <> 'f'),
                        'foreign key ' || pg_catalog.min(conname)) as conname,
               pg_catalog.bool_and(contype = 'f') as leans
        from pg_catalog.pg_constraint where contype in ('p', 'u', 'x', 'f') and conindid <> 0 group by conindid
    ) con on con.conindid = i.oid
    left join pg_catalog.pg_inherits inh on inh.inhrelid = i.oid
    left join pg_catalog.pg_class pi on pi.oid = inh.inhparent
    left join pg_catalog.pg_namespace pin on pin.oid = pi.relnamespace
    left join pg_catalog.pg_description description
           on description.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and description.objoid = i.oid
          and description.objsubid = 0
    left join (
        select dep.objid, pg_catalog.array_agg(e.extname order by e.extname) as extensions
        from pg_catalog.pg_depend dep join pg_catalog.pg_extension e on e.oid = dep.refobjid
        where dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and dep.deptype = 'x'
          and dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        group by dep.objid
    ) dependent on dependent.objid = i.oid
    join (
        select key.indexrelid,
               pg_catalog.array_agg(coalesce(a.attname, '') order by key.n) as columns,
               pg_catalog.array_agg(case when key.attnum <> 0 then null
                                         when {own_path}
                                             then pg_catalog.pg_get_indexdef(key.indexrelid, key.n::int, false) end
                         order by key.n) as expressions,
               pg_catalog.array_agg(co.collname order by key.n) as collations,
               pg_catalog.array_agg(co.collnamespace::pg_catalog.int8 order by key.n) as collation_schemas,
               pg_catalog.array_agg(coalesce(key.collation_oid = a.attcollation, key.collation_oid = 0) order by key.n)
                   as collations_default,
               pg_catalog.array_agg(case when co.oid is null or co.oid = 100 then true  -- "default"
                                         when {own_path} then pg_catalog.pg_collation_is_visible(co.oid) end
                         order by key.n)
                   as collations_visible,
               pg_catalog.array_agg(oc.opcname order by key.n) as opclasses,
               pg_catalog.array_agg(oc.opcnamespace::pg_catalog.int8 order by key.n) as opclass_schemas,
               pg_catalog.array_agg(coalesce(oc.opcdefault, true) order by key.n) as opclasses_default,
               pg_catalog.array_agg(case when oc.oid is null or oc.opcnamespace = 11 then true  -- pg_catalog
                                         when {own_path} then pg_catalog.pg_opclass_is_visible(oc.oid) end
                         order by key.n) as opclasses_visible,
               pg_catalog.array_agg(coalesce(pg_catalog.array_to_string(ia.attoptions, pg_catalog.chr(1)), '')
                                    order by key.n) as opclass_options,
               pg_catalog.array_agg(coalesce(key.sort, 0) order by key.n) as sort_options,
               pg_catalog.array_agg(case when key.attnum = 0 then coalesce(ia.attstattarget, -1) else -1 end
                                    order by key.n) as statistics,
               coalesce(pg_catalog.bool_or(oc.opcdefault and oc.opcintype <> coalesce(nullif(ty.typbasetype, 0), ty.oid)
                   and oc.opcintype not in (2277, 3500, 3831, 4537)  -- anyarray, anyenum, anyrange, anymultirange
                   and not (oc.opcintype = 25 and ty.oid = 1043)), false) as ask  -- text, varchar
        from key
        left join pg_catalog.pg_attribute a on a.attrelid = key.indrelid and a.attnum = key.attnum and key.attnum <> 0
        left join pg_catalog.pg_type ty on ty.oid = a.atttypid
        left join pg_catalog.pg_opclass oc on oc.oid = key.opclass
        left join pg_catalog.pg_collation co on co.oid = key.collation_oid
        left join pg_catalog.pg_attribute ia on ia.attrelid = key.indexrelid and ia.attnum = key.n
        group by key.indexrelid
    ) k on k.indexrelid = i.oid
"""

SCHEMAS = "select oid::pg_catalog.int8 as oid, nspname as name from pg_catalog.pg_namespace"

NAMES = """
    select n.nspname as schema, c.relname as name, c.relkind::pg_catalog.text as relkind,
           tn.nspname as table_schema, t.relname as table
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(names)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    left join pg_catalog.pg_index x on x.indexrelid = c.oid
    left join pg_catalog.pg_class t on t.oid = x.indrelid
    left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
"""
