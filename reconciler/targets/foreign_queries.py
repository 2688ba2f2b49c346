"""The queries by which it is found out what a text may run of strangers; `foreign_code` reads their rows.

Which objects of a catalogue bring code into the reading, the planning or the execution of a text that we send, and
where each of them is looked at. "Leans": `LEANING` goes through it, from the names in the text down to functions.
Whatever `BY_NAME` and `LEANING` answer is asked for again, and has to be the same, in the statement before the text
(`PATH`): what is looked at is also what is seen to change.

    pg_proc             by name; default arguments, standard bodies, types, parts of aggregates (pg_depend); other
                        bodies by what they might find on the search_path. Support functions are a superuser's.
    pg_operator         by name, with those that syntax stands for; their functions, commutators, negators
    pg_cast             those of every type that is reached; those between types of pg_catalog for any text
    pg_type             by name, of columns, of rows, of arguments and results; their arrays and multiranges, elements,
                        attributes, subtypes, domains with their constraints. Input and output: C, a superuser's.
    pg_opclass, pg_opfamily, pg_amop, pg_amproc
                        of indexes, statistics, keys of partitions, and of every type that is reached
    pg_index, pg_statistic_ext, pg_partitioned_table, pg_inherits, pg_constraint, pg_attrdef (generated columns;
    all where rows are written), pg_policy, pg_rewrite
                        of every relation that is read, be it by a view, a policy or a standard body
    pg_class            views and policies of strangers may call whatever there is; a foreign table asks another server
    pg_trigger          only a row that is written fires one, and nothing of ours writes rows of others' tables
    pg_event_trigger    before objects are made, by a rehearsal
    pg_collation, pg_ts_dict, pg_ts_config
                        hold no code of SQL
    pg_ts_parser, pg_ts_template, pg_conversion, pg_transform, pg_language, pg_am, pg_foreign_data_wrapper
                        functions with internal arguments: C, which only a superuser makes
    functions of pg_catalog that run what they are given the oid of: `reading_functions.ACTS` for what we are to run;
                        the immutable one of them in expressions of strangers (pg_node_tree, since nothing depends on
                        what was there from the beginning)
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from reconciler.targets.strangers import STRANGERS

_FOLLOWS: LiteralString = """
    case when p.prosrc = '' or p.prolang in (12, 13) or p.oid < 16384 and %(catalog_first)s then null  -- internal, c
         else (select case when setting in ('search_path=', 'search_path=""', 'search_path=pg_catalog',
                                            'search_path=pg_catalog, pg_temp') then null else 'its own' end
               from (select (select setting from pg_catalog.unnest(p.proconfig) as setting
                             where pg_catalog.starts_with(setting, 'search_path='))) as own (setting)
               where setting is not null
               union all
               select 'the session''s' where not exists (
                   select from pg_catalog.unnest(p.proconfig) as setting
                   where pg_catalog.starts_with(setting, 'search_path=')))
    end
"""
"""On which search_path the body of a function looks for names where others may put some; null: on none. One of the SQL
standard has no text, and those of pg_catalog find what is in pg_catalog, as long as that comes first."""

_LEADS: LiteralString = """
    led as materialized (
        select n.oid as place, n.nspname = any(%(path)s) as is_on_path, n.nspname from pg_catalog.pg_namespace n
        where not pg_catalog.starts_with(n.nspname, 'pg_temp_')
              and not pg_catalog.starts_with(n.nspname, 'pg_toast_temp_')
    ), theirs (class, object, place, name, owner) as materialized (
        select {function}::pg_catalog.oid, f.oid, f.pronamespace, f.proname, f.owner from foreign_functions f
        where f.prorettype not in (2279, 3838)  -- trigger, event_trigger
        union all
        select {operator}, o.oid, o.oprnamespace, o.oprname, strange.rolname
        from pg_catalog.pg_operator o join strange on strange.oid = o.oprowner
        union all
        select {type}, t.oid, t.typnamespace, t.typname, strange.rolname
        from pg_catalog.pg_type t join strange on strange.oid = t.typowner where t.typtype = 'd'
        union all
        select {class}, c.oid, c.relnamespace, c.relname, strange.rolname
        from pg_catalog.pg_class c join strange on strange.oid = c.relowner
        where c.relkind in ('v', 'f') or c.relrowsecurity
    ), leads (class, object, owner) as (
        select class, object, owner from theirs
        where exists (select from pg_catalog.pg_proc p
                      where p.oid >= 16384 and p.prorettype not in (2279, 3838)
                            and p.proowner not in (select oid from strange) and {follows} is not null)
        union
        select further.class, further.object, l.owner
        from leads l cross join lateral (
            select d.classid as class, d.objid as object from pg_catalog.pg_depend d
            where d.refclassid = l.class and d.refobjid = l.object and d.deptype in ('n', 'a', 'i')
                  and d.classid <> {trigger}
            union all
            -- What a constraint, an index, a policy, a rule belongs to; what a cast is of.
            select d.refclassid, d.refobjid from pg_catalog.pg_depend d
            where d.classid = l.class and d.objid = l.object and (d.deptype in ('a', 'i') or l.class = {cast})
                  and d.refclassid in ({class}, {type})
        ) further
    ), found (place, name, owner, is_indirect) as (
        select place, name, owner, false from theirs
        union all
        select p.pronamespace, p.proname, l.owner, true
        from leads l join pg_catalog.pg_proc p on l.class = {function} and p.oid = l.object
        union all
        select o.oprnamespace, o.oprname, l.owner, true
        from leads l join pg_catalog.pg_operator o on l.class = {operator} and o.oid = l.object
        union all
        select t.typnamespace, t.typname, l.owner, true
        from leads l join pg_catalog.pg_type t on l.class = {type} and t.oid = l.object
        union all
        select c.relnamespace, c.relname, l.owner, true
        from leads l join pg_catalog.pg_class c on l.class = {class} and c.oid = l.object
    )
"""
"""What strangers have that a body with a name in it could find, itself and whatever leads to it: a table whose index
calls a function elsewhere, a type with a cast. It goes the other way round than `LEANING` does, from what is theirs up,
since every name may be in a body; and only where there is a body that looks for names."""

_STATE: LiteralString = """
    (select pg_catalog.concat_ws(' ', pg_catalog.count(*),
                                 pg_catalog.sum(f.xmin::pg_catalog.text::pg_catalog.int8)) from foreign_functions f)
    || ' ' || (select pg_catalog.concat_ws(' ', pg_catalog.count(*),
                                           pg_catalog.sum(o.xmin::pg_catalog.text::pg_catalog.int8))
               from pg_catalog.pg_operator o join strange on strange.oid = o.oprowner)
    || ' ' || (select pg_catalog.concat_ws(' ', pg_catalog.count(*),
                                           pg_catalog.sum(t.xmin::pg_catalog.text::pg_catalog.int8))
               from pg_catalog.pg_type t join strange on strange.oid = t.typowner
               join pg_catalog.pg_namespace n on n.oid = t.typnamespace and n.nspname = any(%(path)s))
"""
"""What strangers have made that the names in a text which was not asked about may come to mean: that of an index as the
server prints it. Each that is new, replaced or renamed brings a transaction of its own."""

_NOTHING: LiteralString = "null, null, null, null, null, null, null, null"

BY_NAME: LiteralString = """
    with recursive {strangers}, {leads}
    select 'function' as kind, n.nspname as schema, p.proname as name, f.owner,
           p.prokind::pg_catalog.text as prokind, p.proretset as returns_set,
           p.provolatile::pg_catalog.text as volatility,
           p.pronargs - p.pronargdefaults as least, case when p.provariadic = 0 then p.pronargs::int end as most,
           p.proargtypes::pg_catalog.oid[] && array[2275, 2281]::pg_catalog.oid[] as internal, {follows} as follows,
           (select e.extname from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
            where d.classid = {function} and d.objid = p.oid and d.deptype = 'e' and d.refclassid = {extension})
               as extension
    from pg_catalog.pg_proc p
    join places n on n.oid = p.pronamespace
    left join foreign_functions f on f.oid = p.oid
    where p.proname = any(%(functions)s)
    union all
    select 'operator', n.nspname, o.oprname, coalesce(f.owner, strange.rolname),
           null, null, p.provolatile::pg_catalog.text, null, null, null, null, null
    from pg_catalog.pg_operator o
    join places n on n.oid = o.oprnamespace
    join pg_catalog.pg_proc p on p.oid = o.oprcode
    left join foreign_functions f on f.oid = o.oprcode
    left join strange on strange.oid = o.oprowner
    where o.oprname = any(%(operators)s)
          and (f.owner is not null or strange.oid is not null or o.oid >= 16384 and p.provolatile <> 'i')
    union all
    (select distinct on (led.is_on_path)
            case when led.is_on_path then 'on path' else 'any' end, led.nspname, found.name, found.owner, {nothing}
     from found join led on led.place = found.place
     order by led.is_on_path, found.is_indirect, led.nspname, found.name, found.owner)
    union all
    (select 'event trigger', n.nspname, p.proname, f.owner, {nothing}
     from pg_catalog.pg_event_trigger e
     join pg_catalog.pg_proc p on p.oid = e.evtfoid
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     left join foreign_functions f on f.oid = p.oid
     where e.evtenabled <> 'D' and (f.oid is not null or {follows} is not null)
     order by 2, 3 limit 1)
    union all
    select 'encoding', '', pg_catalog.getdatabaseencoding(), null, {nothing}
    union all
    select 'state', '', {state}, null, {nothing}
"""
"""Every function that has a name of a call; the operators of strangers, and those of users that are not immutable; of
strangers one thing that a body may find on the search_path, and one elsewhere; one function of an event trigger; the
encoding.

`internal`: it takes a cstring or an internal argument, as input functions of types do; `most` null: any number.
"""

LEANING: LiteralString = """
    with recursive {strangers}, is_needed as materialized (
        select exists (select from strange) as is_true
    ), casts as materialized (
        select c.castsource, c.casttarget, c.castfunc,
               s.typowner in (select oid from strange) as from_strange,
               t.typowner in (select oid from strange) as to_strange
        from pg_catalog.pg_cast c
        join pg_catalog.pg_type s on s.oid = c.castsource join pg_catalog.pg_type t on t.oid = c.casttarget
        where c.castfunc >= 16384
    ), classes as materialized (
        select o.oid, o.opcintype from pg_catalog.pg_opclass o where o.oid >= 16384
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
                {of_relations} union all {of_types} union all {of_others}
            ) leans where is_needed.is_true
        ) further
    ), trees (class, object, relation, tree) as (
        select {index}, x.indexrelid, x.indrelid, pg_catalog.concat(x.indexprs, x.indpred) from pg_catalog.pg_index x
        where x.indexprs is not null or x.indpred is not null
        union all
        select {partitioned}, k.partrelid, k.partrelid, k.partexprs::pg_catalog.text
        from pg_catalog.pg_partitioned_table k
        union all
        select {constraint}, c.oid, c.conrelid, c.conbin::pg_catalog.text from pg_catalog.pg_constraint c
        where c.contype = 'c'
        union all
        select {default}, a.oid, a.adrelid, a.adbin::pg_catalog.text from pg_catalog.pg_attrdef a
        union all
        select {statistics}, s.oid, s.stxrelid, pg_catalog.to_jsonb(s.*) ->> 'stxexprs'  -- 14 brought it
        from pg_catalog.pg_statistic_ext s
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
    join trees on trees.class = l.class and trees.object = l.object
    join pg_catalog.pg_class c on c.oid = trees.relation
    join strange on strange.oid = c.relowner
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where position(':funcid 5028 ' in trees.tree) > 0
    union all
    select distinct l.kind, l.schema, l.name, ins.nspname, i.relname, 'domain', n.nspname, t.typname, strange.rolname
    from leaning l
    join pg_catalog.pg_type t on l.class = {type} and t.oid = l.object and t.typtype = 'd'
    join strange on strange.oid = t.typowner
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class i on i.oid = l.index
    left join pg_catalog.pg_namespace ins on ins.oid = i.relnamespace
    where exists (select from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c')
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
under `row`. Those of a type: constraints, parts, casts, and the types that come with it. Views, policies and domains
of strangers may call whatever the server has. Planning a foreign table may connect to another server. The body of a
trusted function may look for names on the session's search_path, or on its own.
"""

_OF_RELATIONS: LiteralString = """
    select {index}::pg_catalog.oid as class, x.indexrelid as object, x.indexrelid as index
    from pg_catalog.pg_index x where l.class = {class} and x.indrelid = l.object
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

_OF_TYPES: LiteralString = """
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

_OF_OTHERS: LiteralString = """
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

PATH: LiteralString = """
    select case when not exists (
                    (select answer.said from ({by_name}) as answer union all
                     select answer.said from ({leaning}) as answer)
                    except select pg_catalog.unnest(%(known)s::pg_catalog.text[]))
                then pg_catalog.set_config('search_path', %(set_path)s, %(local)s)
                else pg_catalog.current_setting('reconciler.somebody_makes_functions_at_this_moment') end as path
"""
"""Sets a search_path, or fails where something is answered by now that was not when it was asked whose code it is."""

_SAID: LiteralString = "select answer.*, answer::pg_catalog.text as said from ({answer}) as answer"
"""The rows of a query, each with the text by which it is known again."""

_CATALOGUES = {
    "cast": 2605, "class": 1259, "constraint": 2606, "default": 2604, "extension": 3079, "function": 1255,
    "index": 2610, "opclass": 2616, "operator": 2617, "opfamily": 2753, "partitioned": 3350, "policy": 3256,
    "rule": 2618, "statistics": 3381, "trigger": 2620, "type": 1247,
}  # fmt: skip
"""The oids of the system catalogues, by what they hold: the same everywhere (src/include/catalog)."""

_OIDS = {name: sql.Literal(oid) for name, oid in _CATALOGUES.items()}


def _composed(text: LiteralString, **parts: LiteralString) -> sql.Composed:
    fixed: dict[str, LiteralString] = {"strangers": STRANGERS, "follows": _FOLLOWS, "nothing": _NOTHING}
    filled = {name: sql.SQL(part).format(**_OIDS, follows=sql.SQL(_FOLLOWS)) for name, part in parts.items()}
    asked = sql.SQL(text).format(**{name: sql.SQL(part) for name, part in fixed.items()}, **filled, **_OIDS)
    return sql.SQL(_SAID).format(answer=asked)


QUERIES = (
    _composed(BY_NAME, leads=_LEADS, state=_STATE),
    _composed(LEANING, of_relations=_OF_RELATIONS, of_types=_OF_TYPES, of_others=_OF_OTHERS),
)
"""They take the same parameters: see `foreign_code.Question`."""

SET_PATH = sql.SQL(PATH).format(by_name=QUERIES[0], leaning=QUERIES[1])
"""Takes those of `QUERIES`, `known` (what was said), `set_path` and `local`."""
