"""The query for what leans on functions of strangers: tables, rows, types, functions and operators, by their names.

`foreign/queries.py` fills in its parts, and says which objects of a catalogue it has to go through.
"""

from __future__ import annotations

from typing import LiteralString

LEANING: LiteralString = """
    with recursive {strangers}, {places}, is_needed as materialized (
        select {something} as is_true
    ), casts as materialized (
        select c.castsource, c.casttarget, c.castfunc,
               s.typowner in (select oid from strange) as from_strange,
               t.typowner in (select oid from strange) as to_strange
        from pg_catalog.pg_cast c
        join pg_catalog.pg_type s on s.oid = c.castsource join pg_catalog.pg_type t on t.oid = c.casttarget
        where c.castfunc >= 16384
    ), classes as materialized (
        select o.oid, o.opcintype from pg_catalog.pg_opclass o where o.oid >= 16384
    ), looked_up (class, object) as materialized (
        select {function}::pg_catalog.oid, c.castfunc from casts c where c.casttarget = 114  -- json
        union all
        select {opclass}, o.oid from classes o
    ), untold (type) as materialized (
        select 2277::pg_catalog.oid  -- anyarray
        union
        select row.type
        from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.typrelid = a.attrelid
        cross join lateral (values (t.oid), (t.typarray)) as row (type)
        where a.attrelid < 16384 and a.atttypid = 2277 and row.type <> 0
    ), named (kind, schema, name, class, object) as materialized (
        select kind.name, places.nspname, c.relname, kind.class, kind.object
        from pg_catalog.pg_class c join places on places.oid = c.relnamespace
        cross join lateral (values ('table', {class}::pg_catalog.oid, c.oid), ('row', {type}, c.reltype))
            as kind (name, class, object)
        where c.relname = any(%(relations)s)
        union all
        select 'type', places.nspname, t.typname, {type}, t.oid
        from pg_catalog.pg_type t join places on places.oid = t.typnamespace
        where t.typname = any(%(types)s) and t.oid >= 16384
        union all
        select 'function', places.nspname, p.proname, {function}, p.oid
        from pg_catalog.pg_proc p join places on places.oid = p.pronamespace
        where p.proname = any(%(functions)s) and p.oid >= 16384
        union all
        select 'operator', places.nspname, o.oprname, {operator}, o.oid
        from pg_catalog.pg_operator o join places on places.oid = o.oprnamespace
        where o.oprname = any(%(operators)s) and o.oid >= 16384
        union all
        select 'cast', '', '', {function}, c.castfunc from casts c where c.castsource < 16384 and c.casttarget < 16384
    ), leaning (kind, schema, name, index, class, object) as (
        select kind, schema, name, 0::pg_catalog.oid, class, object from named where object <> 0
        union
        select l.kind, l.schema, l.name, case when l.index <> 0 then l.index else further.index end,
               further.class, further.object
        from leaning l cross join lateral (
            select {class}::pg_catalog.oid as class, i.inhrelid as object, 0::pg_catalog.oid as index
            from pg_catalog.pg_inherits i where l.class = {class} and i.inhparent = l.object
            union all
            select {class}, d.refobjid, 0 from pg_catalog.pg_rewrite w
            join pg_catalog.pg_depend d on d.classid = {rule} and d.objid = w.oid and d.refclassid = {class}
            where l.class = {class} and w.ev_class = l.object
            union all
            select leans.class, leans.object, leans.index from is_needed cross join lateral (
                {of_relations} union all {of_types} union all {of_others} union all {of_values}
            ) leans where is_needed.is_true
        ) further
    )
    select distinct l.kind, l.schema, l.name, ins.nspname as index_schema, i.relname as index,
           case when f.oid is null then {follows} else 'function' end as what,
           fn.nspname as part_schema, p.proname as part, f.owner
    from leaning l
    join pg_catalog.pg_proc p on l.class = {function} and p.oid = l.object
    join pg_catalog.pg_namespace fn on fn.oid = p.pronamespace
    left join foreign_functions f on f.oid = p.oid
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where f.oid is not null or {follows} is not null
    union all
    select distinct l.kind, l.schema, l.name, ins.nspname, i.relname, 'function', 'pg_catalog',
           'satisfies_hash_partition', strange.rolname
    from leaning l
    cross join lateral ({trees}) as of (relation, tree)
    join pg_catalog.pg_class c on c.oid = of.relation
    join strange on strange.oid = c.relowner
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where position({folding} in of.tree) > 0
    union all
    select distinct l.kind, l.schema, l.name, ins.nspname, i.relname, 'domain', n.nspname, t.typname, strange.rolname
    from leaning l
    join pg_catalog.pg_type t on l.class = {type} and t.oid = l.object and t.typtype = 'd'
    join strange on strange.oid = t.typowner
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where exists (select from pg_catalog.pg_constraint k
                  cross join lateral pg_catalog.regexp_matches(
                      k.conbin::pg_catalog.text, ':(?:op)?funcid (\\d+)', 'g') as calls (oid)
                  join pg_catalog.pg_proc p on p.oid = calls.oid[1]::pg_catalog.oid
                  where k.contypid = t.oid and k.contype = 'c' and (p.provolatile <> 'i' or p.oid = 5028))
    union all
    select distinct l.kind, l.schema, l.name, ins.nspname, i.relname,
           case when c.relkind = 'f' then 'foreign table' when c.relkind = 'v' then 'view' else 'policies' end,
           n.nspname, c.relname, strange.rolname
    from leaning l
    join pg_catalog.pg_class c on l.class = {class} and c.oid = l.object
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join me
    left join strange on strange.oid = c.relowner
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where c.relkind = 'f' or strange.oid is not null
          and (c.relkind = 'v' or c.relrowsecurity and not me.is_exempt)
"""
"""What planning or running a query on a table, or using a type, a function or an operator, may run of strangers: from
the objects that belong to it down to functions, as pg_depend has it. It does not have what was there from the
beginning, which is nobody's but a superuser's.

Those of a table: its indexes (then `index` is its name), constraints, generated columns, extended statistics, policies,
rules, the key of its partitions; of all that inherits from it, and of what a view reads. Its row, as a type, stands
under `row`. Those of a type: constraints, parts, casts, and the types that come with it. Views and policies of
strangers may call whatever the server has, and so may domains: where nothing in their constraints is volatile or
stable, they do not. Planning a foreign table may connect to another server. The body of a
trusted function may look for names on the session's search_path, or on its own.

Where strangers have nothing at all (`HAVE_SOMETHING`), only what inherits and what views read is gone through.
"""

OF_RELATIONS: LiteralString = """
    select {index}::pg_catalog.oid as class, x.indexrelid as object, x.indexrelid as index
    from pg_catalog.pg_index x where l.class = {class} and x.indrelid = l.object
          -- Most lean on nothing but their columns and what was there from the beginning.
          and (position({folding} in pg_catalog.concat(x.indexprs, x.indpred)) > 0
               or exists (select from pg_catalog.pg_depend d
                          where d.classid = {class} and d.objid = x.indexrelid and d.refclassid <> {class}))
    union all
    select {partitioned}, up.relid, 0
    from pg_catalog.pg_class c cross join lateral pg_catalog.pg_partition_ancestors(c.oid) as up (relid)
    where l.class = {class} and c.oid = l.object and c.relispartition
    union all
    select {partitioned}, k.partrelid, 0 from pg_catalog.pg_partitioned_table k
    where l.class = {class} and k.partrelid = l.object
    union all
    select {constraint}, c.oid, 0 from pg_catalog.pg_constraint c where l.class = {class} and c.conrelid = l.object
    union all
    select {default}, a.oid, 0 from pg_catalog.pg_attrdef a
    join pg_catalog.pg_attribute c on c.attrelid = a.adrelid and c.attnum = a.adnum
    where l.class = {class} and a.adrelid = l.object and (c.attgenerated <> '' or %(defaults)s)
    union all
    select {statistics}, s.oid, 0 from pg_catalog.pg_statistic_ext s where l.class = {class} and s.stxrelid = l.object
    union all
    select {policy}, p.oid, 0 from pg_catalog.pg_policy p where l.class = {class} and p.polrelid = l.object
    union all
    select {rule}, w.oid, 0 from pg_catalog.pg_rewrite w where l.class = {class} and w.ev_class = l.object
    union all
    select {type}, c.reltype, 0 from pg_catalog.pg_class c where l.class = {class} and c.oid = l.object
"""

OF_TYPES: LiteralString = """
    select {constraint}, c.oid, 0 from pg_catalog.pg_constraint c where l.class = {type} and c.contypid = l.object
    union all
    -- One between a type that is no stranger's and a stranger's counts where that one is reached, too.
    select {function}, c.castfunc, 0 from casts c
    where l.class = {type} and (c.castsource = l.object and (c.from_strange or not c.to_strange)
                                or c.casttarget = l.object and (c.to_strange or not c.from_strange))
    union all
    select {type}, a.atttypid, 0 from pg_catalog.pg_type t
    join pg_catalog.pg_attribute a on a.attrelid = t.typrelid
    where l.class = {type} and t.oid = l.object and t.typrelid <> 0
          and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384
    union all
    -- Arrays and multiranges come with a type, and no text has to name them. They have nothing but casts, and classes.
    select {type}, d.objid, 0 from pg_catalog.pg_depend d
    where l.class = {type} and d.refclassid = {type} and d.refobjid = l.object and d.classid = {type}
          and d.deptype = 'i' and (exists (select from casts) or exists (select from classes))
    union all
    select {opclass}, o.oid, 0 from classes o where l.class = {type} and o.opcintype = l.object
"""

OF_OTHERS: LiteralString = """
    select d.refclassid, d.refobjid, 0 from pg_catalog.pg_depend d
    where d.classid = case when l.class in ({index}, {partitioned}) then {class} else l.class end
          and d.objid = l.object
          and (d.refclassid in ({function}, {operator}, {type}, {opclass}, {opfamily})
               -- A body of the SQL standard, and the subquery of a policy, read tables.
               or d.refclassid = {class} and l.class in ({function}, {policy}))
    union all
    select {opfamily}, o.opcfamily, 0 from pg_catalog.pg_opclass o where l.class = {opclass} and o.oid = l.object
    union all
    select {function}, p.amproc::pg_catalog.oid, 0 from pg_catalog.pg_amproc p
    where l.class = {opfamily} and p.amprocfamily = l.object
    union all
    select {operator}, o.amopopr, 0 from pg_catalog.pg_amop o
    where l.class = {opfamily} and o.amopfamily = l.object
    union all
    select {function}, o.oprcode::pg_catalog.oid, 0 from pg_catalog.pg_operator o
    where l.class = {operator} and o.oid = l.object
    union all
    select {operator}, other.oid, 0 from pg_catalog.pg_operator o
    cross join lateral (values (o.oprcom), (o.oprnegate)) as other (oid)
    where l.class = {operator} and o.oid = l.object and other.oid >= 16384
"""

OF_VALUES: LiteralString = """
    select looked_up.class, looked_up.object, 0
    from looked_up
    where exists (
        select from pg_catalog.pg_attribute a where l.class = {class} and a.attrelid = l.object and a.atttypid = 2277
        union all
        select from pg_catalog.pg_proc p
        where l.class = {function} and p.oid = l.object and p.oid >= 16384 and p.prolang not in (12, 13)
              and (p.prorettype = 2249 and p.proallargtypes is null  -- record
                   or exists (select from untold u where u.type = p.prorettype or u.type = any(p.proallargtypes))
                   or position('json' in pg_catalog.lower(p.prosrc)) > 0)
        union all
        select from pg_catalog.pg_type t join untold on untold.type = t.typbasetype
        where l.class = {type} and t.oid = l.object
        union all
        select from (
            select w.ev_action::pg_catalog.text from pg_catalog.pg_rewrite w
            where l.class = {rule} and w.oid = l.object and w.oid >= 16384
            union all
            select pg_catalog.concat(q.polqual, q.polwithcheck) from pg_catalog.pg_policy q
            where l.class = {policy} and q.oid = l.object
            union all
            select pg_catalog.to_jsonb(p.*) ->> 'prosqlbody' from pg_catalog.pg_proc p  -- from 14 on
            where l.class = {function} and p.oid = l.object and p.oid >= 16384 and p.prosrc = ''
        ) as of (tree)
        join untold on position(pg_catalog.concat(':vartype ', untold.type, ' ') in of.tree) > 0
    )
"""
"""What the server looks up as it meets a value: a cast to json, a class of operators to compare by.

Nothing names those where the type is known from the value alone. That is an anyarray, in pg_stats, pg_statistic and
pg_attribute, and in a tree that reads one of those, since pg_depend does not have what was there from the beginning;
rows of those that a function returns, and a record that its body makes up. A trusted body may make json of either. No
other cast is looked up so: XML, hstore, format() and concat() use output functions.

Decided: docs/decisions.md#values-whose-type-nothing-names
"""

TREES: LiteralString = """
    select x.indrelid, pg_catalog.concat(x.indexprs, x.indpred) from pg_catalog.pg_index x
    where l.class = {index} and x.indexrelid = l.object
    union all
    select k.partrelid, k.partexprs::pg_catalog.text from pg_catalog.pg_partitioned_table k
    where l.class = {partitioned} and k.partrelid = l.object
    union all
    select c.conrelid, c.conbin::pg_catalog.text from pg_catalog.pg_constraint c
    where l.class = {constraint} and c.oid = l.object
    union all
    select a.adrelid, a.adbin::pg_catalog.text from pg_catalog.pg_attrdef a
    where l.class = {default} and a.oid = l.object
    union all
    select s.stxrelid, pg_catalog.to_jsonb(s.*) ->> 'stxexprs' from pg_catalog.pg_statistic_ext s  -- from 14 on
    where l.class = {statistics} and s.oid = l.object
"""
"""The expressions of what belongs to a relation. `satisfies_hash_partition()` is immutable, and folds the key of the
table whose oid it is given: nothing in pg_depend tells that."""
