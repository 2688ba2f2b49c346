"""What users have made that folding can hide: their functions, operators, domains, casts and collations, by name.

The planner puts the body of a function of SQL in its place, fills in default arguments, computes what is constant, and
forgets by which collation a part is compared. What comes out can be the same for an index on `norm(a)` and for one on
`lower(a)`, until somebody redefines norm(): so beside what two expressions come down to, it counts what they lean on.
Of what PostgreSQL brings along nothing can be redefined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, LiteralString

from reconciler.kinds.pg_index.comparison.implied_operators import SIGNS

FIRST_OF_USERS = 16384
"""Objects that initdb made have lower oids (FirstNormalObjectId)."""

MADE: LiteralString = """
    select 'function' as kind, p.proname as name, null::pg_catalog.name as schema
    from pg_catalog.pg_proc p where p.oid >= 16384 group by p.proname
    union all
    select case when pg_catalog.bool_or(p.prolang = 14) then 'operator of sql' else 'operator' end, o.oprname, null
    from pg_catalog.pg_operator o join pg_catalog.pg_proc p on p.oid = o.oprcode
    where o.oid >= 16384 group by o.oprname
    union all
    select distinct 'comparison', o.oprname, null::pg_catalog.name
    from pg_catalog.pg_operator o
    join pg_catalog.pg_type t on t.oid in (o.oprleft, o.oprright)
    where o.oid >= 16384
          and (t.typtype = 'p' or t.oid in (1042, 1043, 1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700))
    union all
    select 'domain', t.typname, null from pg_catalog.pg_type t where t.oid >= 16384 and t.typtype = 'd'
    union all
    select 'target', t.typname, null
    from pg_catalog.pg_cast c
    join pg_catalog.pg_proc p on p.oid = c.castfunc and p.prolang = 14
    join pg_catalog.pg_type t on t.oid = c.casttarget
    where c.casttarget >= 16384
    union all
    select kinds.kind, found.type, null
    from (select source.type::pg_catalog.text::pg_catalog.name as type,
                 pg_catalog.bool_or(p.prolang = 14 and c.castcontext <> 'e') as unnamed,
                 pg_catalog.bool_or(c.castcontext <> 'e') as of_constants,
                 pg_catalog.count(*) > pg_catalog.count(distinct t.typcategory) as ambiguous
          from pg_catalog.pg_cast c
          join pg_catalog.pg_proc p on p.oid = c.castfunc
          join pg_catalog.pg_type t on t.oid = c.casttarget
          cross join lateral (
              with recursive made_of (type) as (
                  select c.castsource
                  union
                  select t.oid from made_of join pg_catalog.pg_type t on made_of.type in (t.typbasetype, t.typelem)
              ) select type from made_of) as source
          where c.oid >= 16384
                and (p.prolang = 14 or not exists (
                    select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid
                          and d.deptype = 'e'))
          group by source.type) as found
    cross join lateral (
        values ('cast', true), ('unnamed cast', found.unnamed), ('unnamed cast of constants', found.of_constants),
               ('ambiguous cast', found.ambiguous)) as kinds (kind, holds)
    where kinds.holds
    union all
    select 'collation', c.collname, n.nspname
    from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace
    where c.collencoding in (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))
          and c.collname in (select made.collname from pg_catalog.pg_collation made where made.oid >= 16384)
"""
"""14 is the language SQL. Of collations all that have the name of one.
The numbers of types are those of texts, times, bits and numbers whose constants bear a length or a precision."""

_WORD = re.compile(r"[^\W\d][\w$]*")
_SIGNS = re.compile(r"[-+*/<>=~!@#%^&|`?]+")


@dataclass(frozen=True, eq=False)
class Made:
    """Names of what users have made, in whatever schema.

    `inlined`: operators whose functions are of SQL; `comparing`: those that take a constant which may be spelled
    otherwise (`constants.py`). `types`: domains, and those that functions of SQL cast to.
    `casts`: the oids of types that they cast by functions, and of domains and arrays of them; `unnamed`: where no text
    has to name that, by functions of SQL; `unnamed_constants`: and by others, which are computed beforehand where a
    constant is cast; `ambiguous`: more than one of a kind, as to text and to varchar.
    `collations`: by bare name the schema of the one that is found by it.
    """

    functions: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    inlined: frozenset[str] = frozenset()
    comparing: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    casts: frozenset[int] = frozenset()
    unnamed: frozenset[int] = frozenset()
    unnamed_constants: frozenset[int] = frozenset()
    ambiguous: frozenset[int] = frozenset()
    collations: Mapping[str, str] = field(default_factory=dict)
    odd: frozenset[str] = frozenset()
    """Those of functions and types that hold more than letters, digits and `_`."""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], path: Sequence[str]) -> Made:
        """What the rows of `MADE` say. `path`: the schemas where bare names are looked for, in their order."""
        names: dict[str, set[str]] = {}
        collations: dict[str, str] = {}
        for row in rows:
            names.setdefault(row["kind"], set()).add(row["name"])
        for schema in reversed(path if "pg_catalog" in path else ("pg_catalog", *path)):
            collations |= {row["name"]: schema for row in rows if (row["kind"], row["schema"]) == ("collation", schema)}

        def of(*kinds: str) -> frozenset[str]:
            return frozenset(name for kind in kinds for name in names.get(kind, ()))

        named = of("function", "domain", "target")
        return cls(
            functions=of("function"),
            operators=of("operator", "operator of sql"),
            inlined=of("operator of sql"),
            comparing=of("comparison"),
            domains=of("domain"),
            types=of("domain", "target"),
            casts=frozenset(map(int, of("cast"))),
            unnamed=frozenset(map(int, of("unnamed cast"))),
            ambiguous=frozenset(map(int, of("ambiguous cast"))),
            unnamed_constants=frozenset(map(int, of("unnamed cast of constants"))),
            collations=collations,
            odd=frozenset(name for name in named if not _WORD.fullmatch(name)),
        )

    @cached_property
    def _is_nothing(self) -> bool:
        """Whether users have made nothing that a text could name, but for collations."""
        return not (self.functions or self.operators or self.types or self.odd)

    def may_be_in(self, text: str) -> bool:
        """Whether a text may lean on something that folding can hide, or names a collation; False is certain."""
        lowered = text.lower()
        if self.casts or "u&" in lowered:
            return True
        if self._is_nothing and "collate" not in lowered:
            return False
        words = {*_WORD.findall(text), *(_WORD.findall(lowered) if lowered != text else ())}
        if "collate" in words:
            return True
        if self.operators and any(not SIGNS[word].isdisjoint(self.operators) for word in words & SIGNS.keys()):
            return True
        if not (words.isdisjoint(self.functions) and words.isdisjoint(self.types)):
            return True
        # Signs that stand together may be more than one operator.
        if self.operators and any(name in signs for signs in _SIGNS.findall(text) for name in self.operators):
            return True
        return any(name.replace('"', '""') in text for name in self.odd)
