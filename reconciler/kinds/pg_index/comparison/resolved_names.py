"""What the catalogue has of the names that some expressions lean on, and which of it each of them means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString

from reconciler.kinds.pg_index.comparison.expression_types import Types
from reconciler.kinds.pg_index.comparison.folding_markers import Expression, Leaning
from reconciler.kinds.pg_index.comparison.marks import Meant, Name
from reconciler.kinds.pg_index.comparison.user_defined import FIRST_OF_USERS
from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.postgres.session import Asked, PostgresSession

_COLUMNS: LiteralString = """
    select n.nspname as schema, c.relname as table, a.attname as name, cn.nspname as collation_schema, co.collname
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_collation co on co.oid = a.attcollation
    join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
"""

_CANDIDATES: LiteralString = """
    select 'function' as kind, n.nspname as schema, p.proname as name, p.oid::pg_catalog.int8 as oid,
           p.pronargs - p.pronargdefaults as least, case when p.provariadic = 0 then p.pronargs::int end as most,
           (select pg_catalog.array_agg(case when t.typtype <> 'p' then tn.nspname end order by argument.n)
            from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as argument (type, n)
            join pg_catalog.pg_type t on t.oid = argument.type
            join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace) as schemas,
           (select pg_catalog.array_agg(t.typname order by argument.n)
            from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as argument (type, n)
            join pg_catalog.pg_type t on t.oid = argument.type) as types,
           (select pg_catalog.array_agg(p.proargnames[argument.n] order by argument.n)
            from pg_catalog.generate_subscripts(p.proargnames, 1) as argument (n)
            where p.proargmodes is null or p.proargmodes[argument.n] in ('i', 'b', 'v')) as arguments,
           (select pg_catalog.array_agg(case when t.typtype in ('d', 'p') then 0 else t.oid end::pg_catalog.int8
                                        order by argument.n)
            from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as argument (type, n)
            join pg_catalog.pg_type t on t.oid = argument.type) as oids
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.proname = any(%(function)s)
    union all
    select 'operator', n.nspname, o.oprname, o.oid::pg_catalog.int8, null, null,
           case when l.oid is not null then array[case when l.typtype <> 'p' then ln.nspname end] else '{}' end
           || case when r.typtype <> 'p' then rn.nspname end,
           case when l.oid is not null then array[l.typname] else '{}' end || r.typname, null,
           case when l.oid is not null then array[case when l.typtype in ('d', 'p') then 0 else l.oid end]
                else '{}' end::pg_catalog.int8[]
           || case when r.typtype in ('d', 'p') then 0 else r.oid end::pg_catalog.int8
    from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    left join (pg_catalog.pg_type l join pg_catalog.pg_namespace ln on ln.oid = l.typnamespace) on l.oid = o.oprleft
    join (pg_catalog.pg_type r join pg_catalog.pg_namespace rn on rn.oid = r.typnamespace) on r.oid = o.oprright
    where o.oprname = any(%(operator)s)
    union all
    select 'type', n.nspname, t.typname, t.oid::pg_catalog.int8, null, null, null, null, null, null
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where t.typname = any(%(type)s)
"""

_REACHED: LiteralString = """
    with recursive based (type, base) as (
        select distinct wanted.type, wanted.type from pg_catalog.unnest(%(types)s::pg_catalog.oid[]) as wanted (type)
        union
        select based.type, further.base from based cross join lateral (
            select t.typbasetype from pg_catalog.pg_type t where t.oid = based.base and t.typtype = 'd'
            union all
            select parent.reltype from pg_catalog.pg_class child
            join pg_catalog.pg_inherits i on i.inhrelid = child.oid
            join pg_catalog.pg_class parent on parent.oid = i.inhparent
            where child.reltype = based.base) as further (base)
    )
    select type::pg_catalog.int8, base::pg_catalog.int8 as other from based
    union
    select based.type::pg_catalog.int8, c.casttarget::pg_catalog.int8
    from based join pg_catalog.pg_cast c on c.castsource = based.base and c.castcontext = 'i'
    union
    select based.type::pg_catalog.int8, target.typarray::pg_catalog.int8
    from based
    join pg_catalog.pg_type a on a.oid = based.base and a.typlen = -1 and a.typelem <> 0
    join pg_catalog.pg_cast c on c.castsource = a.typelem and c.castcontext = 'i'
    join pg_catalog.pg_type target on target.oid = c.casttarget
    where target.typarray <> 0
    union
    select based.type::pg_catalog.int8, 0
    from based
    join pg_catalog.pg_type a on a.oid = based.base and a.typelem <> 0
    join pg_catalog.pg_type e on e.oid = a.typelem and e.typtype in ('c', 'd')
"""
"""What PostgreSQL casts a type to by itself; of a table's rows also those of its parents. 0: not known, of an array of
domains or rows."""

_TYPES: LiteralString = """
    select t.oid::pg_catalog.int8, n.nspname as schema, t.typname as name
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where t.oid = any(%(types)s::pg_catalog.oid[])
"""

_ANY = {0, 705, 2249, 2287}
"""Unknown and record are cast to whatever it takes; 0 stands for a domain, or for many types."""


class Named:
    """What has the names that some expressions lean on, and the collations of their tables' columns."""

    def __init__(
        self, session: PostgresSession, expressions: Iterable[tuple[TableName, Expression]], types: Types
    ) -> None:
        """One round trip. `types`: those of what the leanings are given, and of those that are to be replaced."""
        self._types = types
        every = list(expressions)
        leanings = [leaning for _, each in every for leaning in each.leanings]
        tables = sorted({table for table, each in every if each.has_collations})
        names = {
            kind: sorted({each.name[1] for each in leanings if each.kind == kind})
            for kind in ("function", "operator", "type")
        }
        by_table = {"schemas": [schema for schema, _ in tables], "tables": [table for _, table in tables]}
        known = {"types": sorted(set(types.values()))}
        queries: list[Asked] = [(_COLUMNS, by_table), (_CANDIDATES, names), (_REACHED, known), (_TYPES, known)]
        columns, candidates, reached, named = session.fetch_all(queries)
        self._names_of_types: dict[int, Name] = {row["oid"]: (row["schema"], row["name"]) for row in named}
        self._reached = {(row["type"], row["other"]) for row in reached}
        self.columns: dict[TableName, dict[str, Name]] = {}
        for row in columns:
            collations = self.columns.setdefault((row["schema"], row["table"]), {})
            collations[row["name"]] = (row["collation_schema"], row["collname"])
        self._path = (*session.search_path, "pg_catalog")
        self._candidates: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for row in candidates:
            self._candidates.setdefault((row["kind"], row["name"]), []).append(row)

    def tests(self, table: TableName, leanings: Iterable[Leaning]) -> Iterator[tuple[str, str]]:
        """Pairs of texts that are one tree where a leaning means one of several things of its name."""
        for leaning in leanings:
            there = self._candidates_of(table, leaning)
            if len(there) > 1 and not _are_all_of_postgresql(there):
                yield from (_test(leaning, row) for row in there if _is_exact(row))

    def meant(self, table: TableName, leaning: Leaning, equal: Collection[tuple[str, str]]) -> Meant | None:
        """What `leaning` means; None for what PostgreSQL brings along, which hides nothing.

        `equal`: those of `tests` that are one tree.

        Of several things of its name it means the one whose own types make the same tree. Else it means what these
        make of its arguments, which are shown as they are: the same, where they are the same.
        """
        there = self._candidates_of(table, leaning)
        if _are_all_of_postgresql(there):
            return None
        number, named = leaning.arguments
        how = f"of {number} {' '.join(named)}"
        exact = [row for row in there if _is_exact(row) and _test(leaning, row) in equal]
        if len(exact) == 1 or len(there) == 1:
            [row] = exact or there
            if row["oid"] < FIRST_OF_USERS:
                return None
            if _is_variadic(row) and not named:
                *types, rest = _types(row)
                identity = f"{leaning.kind} {row['oid']} of {min(number, len(types))} and more"
                # What takes VARIADIC "any" is given no array.
                has_array = row["types"][-1] != "any"
                return Meant(identity, types, has_array, rest, is_certain=has_array)
            return Meant(f"{leaning.kind} {row['oid']} {how}", _types_of(row, number, named))
        oids = " ".join(sorted(str(row["oid"]) for row in there))
        return Meant(f"{leaning.kind} {oids} {how}", [None] * number, is_certain=False)

    def results(self, table: TableName, leanings: Iterable[Leaning]) -> list[Name | None]:
        """Of which type what each of them gives is, as far as that was asked, and as a mark may stand for it."""
        return [
            self._names_of_types.get(self._types.get((table, leaning.text), 0)) if leaning.is_all_in_its_mark else None
            for leaning in leanings
        ]

    def _candidates_of(self, table: TableName, leaning: Leaning) -> list[Mapping[str, Any]]:
        """What has its name, and may take what it is given."""
        schema, name = leaning.name
        places = [schema] if schema else self._path
        number, named = leaning.arguments
        there = [
            row
            for row in self._candidates.get((leaning.kind, name), ())
            if row["schema"] in places and (leaning.kind != "function" or row["least"] <= number <= _most(row, number))
        ]
        if named:
            return there
        given = [self._types.get((table, text), 0) for text in leaning.given]
        fitting = [row for row in there if all(map(self._takes, _oids(row), given))]
        return fitting or there

    def _takes(self, wanted: int, given: int) -> bool:
        return wanted in _ANY or given in _ANY or not {(given, wanted), (given, 0)}.isdisjoint(self._reached)


def are_certain(meanings: Iterable[Meant | None]) -> bool:
    """Whether each is one thing, or one of PostgreSQL's own."""
    return all(meant is None or meant.is_certain for meant in meanings)


def _are_all_of_postgresql(there: Sequence[Mapping[str, Any]]) -> bool:
    return bool(there) and all(row["oid"] < FIRST_OF_USERS for row in there)


def _test(leaning: Leaning, row: Mapping[str, Any]) -> tuple[str, str]:
    return leaning.text, leaning.written_for(row["schema"], _types(row))


def _types(row: Mapping[str, Any]) -> list[Name | None]:
    """The types of a candidate's arguments; None for those that stand for any."""
    return [(of, each) if of else None for of, each in zip(row["schemas"] or (), row["types"] or (), strict=True)]


def _types_of(row: Mapping[str, Any], number: int, named: Sequence[str]) -> list[Name | None]:
    """The same of `number` arguments that are given, the last of them by these names."""
    types = _types(row)
    by_name = dict(zip(row["arguments"] or [""] * len(types), types, strict=True))
    return [*types[: number - len(named)], *map(by_name.get, named)]


def _oids(row: Mapping[str, Any]) -> Sequence[int]:
    """The types of its arguments; without that of an array of all further ones."""
    oids: Sequence[int] = row["oids"] or ()
    return oids[:-1] if _is_variadic(row) else oids


def _is_exact(row: Mapping[str, Any]) -> bool:
    return None not in _types(row) and not _is_variadic(row)


def _is_variadic(row: Mapping[str, Any]) -> bool:
    return row["kind"] == "function" and row["most"] is None


def _most(row: Mapping[str, Any], number: int) -> int:
    return number if row["most"] is None else int(row["most"])
