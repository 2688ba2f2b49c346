"""The query for what names may come to mean: functions, operators, and what strangers have on a search_path.

`foreign/queries.py` fills in its parts.
"""

from __future__ import annotations

from typing import LiteralString

LEADS: LiteralString = """
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

STATE: LiteralString = """
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

NOTHING: LiteralString = "null, null, null, null, null, null, null, null"

BY_NAME: LiteralString = """
    with recursive {strangers}, {places}, {leads}
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

WITHOUT_STRANGERS: LiteralString = """
    with recursive {strangers}, {places}
    select 'function' as kind, n.nspname as schema, p.proname as name, null as owner,
           p.prokind::pg_catalog.text as prokind, p.proretset as returns_set,
           p.provolatile::pg_catalog.text as volatility,
           p.pronargs - p.pronargdefaults as least, case when p.provariadic = 0 then p.pronargs::int end as most,
           p.proargtypes::pg_catalog.oid[] && array[2275, 2281]::pg_catalog.oid[] as internal, null as follows,
           (select e.extname from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
            where d.classid = {function} and d.objid = p.oid and d.deptype = 'e' and d.refclassid = {extension})
               as extension
    from pg_catalog.pg_proc p join places n on n.oid = p.pronamespace
    where p.proname = any(%(functions)s)
    union all
    select 'operator', n.nspname, o.oprname, null,
           null, null, p.provolatile::pg_catalog.text, null, null, null, null, null
    from pg_catalog.pg_operator o
    join places n on n.oid = o.oprnamespace
    join pg_catalog.pg_proc p on p.oid = o.oprcode
    where o.oprname = any(%(operators)s) and o.oid >= 16384 and p.provolatile <> 'i'
    union all
    select 'encoding', '', pg_catalog.getdatabaseencoding(), null, {nothing}
    union all
    select 'strangers', '', '', null, {nothing} where {something}
"""
"""The same where strangers had nothing when the session began, with a row of its own where they have by now."""
