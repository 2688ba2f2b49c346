"""What the catalogue knows of what a declared index asks for: access methods, operator classes, collations, tables,
tablespaces. One pipeline for all indexes that are missing or differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, NamedTuple, TypeVar

from reconciler.kinds.pg_index.acceptance.types_and_immutability import Asked
from reconciler.targets.postgres.session import PostgresSession

_METHODS: LiteralString = """
    select amname as name, amtype = 'i' as of_indexes,
           pg_catalog.pg_indexam_has_property(oid, 'can_unique') as unique,
           pg_catalog.pg_indexam_has_property(oid, 'can_multi_col') as several,
           pg_catalog.pg_indexam_has_property(oid, 'can_include') as includes,
           pg_catalog.pg_indexam_has_property(oid, 'can_order') as ordered
    from pg_catalog.pg_am where amname = any(%(methods)s)
"""

# Whether a class takes a type: IsBinaryCoercible of parse_coerce.c, with the pseudo-types that stand for many. Which
# one is the default of a type: GetDefaultOpClass of indexcmds.c, by `is_default`, `exact` and `preferred`.
# Without a name, classes of other methods are told as well: one of those may do.
_CLASSES: LiteralString = """
    with recursive asked as materialized (
        select * from rows from (pg_catalog.unnest(%(types)s::pg_catalog.oid[]),
                                 pg_catalog.unnest(%(key_methods)s::pg_catalog.text[]),
                                 pg_catalog.unnest(%(classes)s::pg_catalog.text[])) as each (type, method, class)
    ), based (type, base) as (
        select distinct type, type from asked
        union all
        select based.type, t.typbasetype from based
        join pg_catalog.pg_type t on t.oid = based.base and t.typtype = 'd'
    ), known as materialized (
        select based.type, t.oid as base, t.typtype, t.typcategory,
               t.typlen = -1 and t.typelem <> 0 as is_array, coalesce(e.typtype = 'c', false) as is_array_of_rows
        from based
        join pg_catalog.pg_type t on t.oid = based.base and t.typtype <> 'd'
        left join pg_catalog.pg_type e on e.oid = t.typelem
    )
    select asked.type::pg_catalog.int8 as type, asked.method as asked_method, asked.class as asked_class,
           pg_catalog.format_type(asked.type, null) as type_name, known.typtype = 'p' as is_pseudo,
           am.amname as method, n.nspname as schema, oc.opcname as name, oc.opcdefault as is_default,
           oc.opcintype = known.base as exact, takes.it as takes,
           coalesce(i.typispreferred and i.typcategory = known.typcategory, false) as preferred,
           case when options.number is not null then exists (
               select from pg_catalog.pg_amproc p
               where p.amprocfamily = oc.opcfamily and p.amproclefttype = oc.opcintype
                     and p.amprocrighttype = oc.opcintype and p.amprocnum = options.number) end as has_options
    from asked
    join known on known.type = asked.type
    left join (pg_catalog.pg_opclass oc
               join pg_catalog.pg_am am on am.oid = oc.opcmethod
               join pg_catalog.pg_namespace n on n.oid = oc.opcnamespace
               join pg_catalog.pg_type i on i.oid = oc.opcintype)
        on case when asked.class = '' then true else oc.opcname = asked.class end
    left join lateral (
        select oc.opcintype in (asked.type, known.base, 2276, 2283, 5077)  -- any, anyelement, anycompatible
            or known.is_array and oc.opcintype in (2277, 5078)  -- anyarray, anycompatiblearray
            or not known.is_array and oc.opcintype in (2776, 5079)  -- anynonarray, anycompatiblenonarray
            or known.typtype = 'e' and oc.opcintype = 3500  -- anyenum
            or known.typtype = 'r' and oc.opcintype in (3831, 5080)  -- anyrange, anycompatiblerange
            or known.typtype = 'm' and oc.opcintype in (4537, 4538)  -- anymultirange, anycompatiblemultirange
            or known.typtype = 'c' and oc.opcintype = 2249  -- record
            or known.is_array_of_rows and oc.opcintype = 2287  -- record[]
            or exists (select from pg_catalog.pg_cast c
                       where c.castsource = known.base and c.casttarget = oc.opcintype
                             and c.castmethod = 'b' and c.castcontext = 'i')
    ) as takes (it) on true
    left join (values ('btree', 5), ('hash', 3), ('gist', 10), ('gin', 7), ('spgist', 6), ('brin', 5))
        as options (method, number) on options.method = am.amname  -- amoptsprocnum of each
    where asked.class <> '' or takes.it or oc.oid is null
"""

_COLLATIONS: LiteralString = """
    select n.nspname as schema, c.collname as name,
           c.collisdeterministic as is_deterministic
    from pg_catalog.pg_collation c
    join pg_catalog.pg_namespace n on n.oid = c.collnamespace
    where c.collname = any(%(collations)s)
          and c.collencoding in (-1, (select encoding from pg_catalog.pg_database
                                      where datname = pg_catalog.current_database()))
"""

# 12000: FirstUnpinnedObjectId, the first oid that is no system catalogue's.
_TABLES: LiteralString = """
    select n.nspname as schema, c.relname as name, c.oid < 12000 as is_catalogue,
           c.relpersistence = 't' as is_temporary,
           array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
                 where a.attrelid = c.oid and a.attgenerated = 'v' and not a.attisdropped) as virtual,
           keys.found as partition_keys
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as named (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = named.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = named.name
    left join lateral (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'table', mn.nspname || '.' || m.relname, 'expressions', p.partexprs is not null,
                   'columns', array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
                                    where a.attrelid = m.oid and a.attnum = any(p.partattrs::pg_catalog.int2[])
                                          and a.attnum <> 0))) as found
        from pg_catalog.pg_partition_tree(c.oid) tree
        join pg_catalog.pg_partitioned_table p on p.partrelid = tree.relid
        join pg_catalog.pg_class m on m.oid = tree.relid
        join pg_catalog.pg_namespace mn on mn.oid = m.relnamespace
        where c.relkind = 'p'
    ) as keys on true
"""

_TABLESPACES: LiteralString = """
    select s.spcname as name,
           s.oid = d.dattablespace
           or pg_catalog.has_tablespace_privilege(%(acting)s::pg_catalog.oid, s.oid, 'create') as allowed
    from pg_catalog.pg_tablespace s
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    where s.spcname = any(%(tablespaces)s)
"""


class Method(NamedTuple):
    """An access method that is there, and what it can."""

    of_indexes: bool
    unique: bool
    several: bool
    includes: bool
    ordered: bool


class Class(NamedTuple):
    """An operator class: for a key's type, whether it `takes` it, and how well. `has_options` None: not known."""

    method: str
    schema: str
    name: str
    is_default: bool
    exact: bool
    takes: bool
    preferred: bool
    has_options: bool | None


class Collation(NamedTuple):
    """A collation for the database's encoding."""

    schema: str
    name: str
    is_deterministic: bool


Placed = TypeVar("Placed", Class, Collation)


class Table(NamedTuple):
    """A table; `virtual` columns of it, and of it and its partitions the key of each that is partitioned itself."""

    is_catalogue: bool
    is_temporary: bool
    virtual: frozenset[str]
    partition_keys: Sequence[dict[str, Any]]


@dataclass
class Facts:
    """`classes` by the type of a key, its method and the name that is asked for, empty for the default; `allowed` by
    the name of a tablespace that is there: whether the role may put something into it. `path`: the schemas in which
    bare names are looked for, in their order."""

    path: tuple[str, ...]
    methods: dict[str, Method] = field(default_factory=dict)
    type_names: dict[int, str] = field(default_factory=dict)
    pseudo: set[int] = field(default_factory=set)
    classes: dict[tuple[int, str, str], list[Class]] = field(default_factory=dict)
    collations: dict[str, list[Collation]] = field(default_factory=dict)
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    allowed: dict[str, bool] = field(default_factory=dict)

    def found(self, written: Sequence[str], there: Sequence[Placed]) -> Placed | None:
        """Which of those that have a name is meant by it, as it is written."""
        if len(written) > 1:
            return next((each for each in there if each.schema == written[-2]), None)
        return min(
            (each for each in there if each.schema in self.path),
            key=lambda each: self.path.index(each.schema),
            default=None,
        )


def facts(session: PostgresSession, asked: Sequence[Asked], types: Sequence[Sequence[int]]) -> Facts:
    """What the catalogue knows about `asked`, whose keys have `types`, as far as they are known. One round trip."""
    keys = sorted(
        {
            (type_, each.definition.method, key.opclass[-1] if key.opclass else "")
            for each, known in zip(asked, types, strict=True)
            for key, type_ in zip(each.definition.keys, known, strict=False)
        }
    )
    tables = sorted({(each.schema, each.table) for each in asked})
    definitions = [each.definition for each in asked]
    params = {
        "methods": sorted({each.method for each in definitions}),
        "types": [type_ for type_, _, _ in keys],
        "key_methods": [method for _, method, _ in keys],
        "classes": [name for _, _, name in keys],
        "collations": sorted({key.collation[-1] for each in definitions for key in each.keys if key.collation}),
        "schemas": [schema for schema, _ in tables],
        "tables": [table for _, table in tables],
        "tablespaces": sorted({each.tablespace for each in definitions}),
        "acting": session.acting_oid,
    }
    queries = (_METHODS, _CLASSES, _COLLATIONS, _TABLES, _TABLESPACES)
    methods, classes, collations, found_tables, tablespaces = session.fetch_all([(each, params) for each in queries])
    path = session.search_path
    found = Facts(path=path if "pg_catalog" in path else ("pg_catalog", *path))
    for row in methods:
        found.methods[row["name"]] = Method(**{name: row[name] for name in Method._fields})
    for row in classes:
        found.type_names[row["type"]] = row["type_name"]
        if row["is_pseudo"]:
            found.pseudo.add(row["type"])
        there = found.classes.setdefault((row["type"], row["asked_method"], row["asked_class"]), [])
        if row["name"] is not None:
            there.append(Class(**{name: row[name] for name in Class._fields}))
    for row in collations:
        found.collations.setdefault(row["name"], []).append(Collation(**row))
    for row in found_tables:
        found.tables[row["schema"], row["name"]] = Table(
            row["is_catalogue"], row["is_temporary"], frozenset(row["virtual"]), row["partition_keys"] or ()
        )
    found.allowed = {row["name"]: row["allowed"] for row in tablespaces}
    return found
