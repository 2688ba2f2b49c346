"""Code of others: what may run on our behalf when SQL of somebody else is planned, and who could have written it.

PostgreSQL runs functions while it plans: immutable ones of constants are folded, stable ones are tried for estimates,
and so are those in each index, constraint, policy and statistics object of every table in the statement. They run as
the session's role. A role that may more than the owner of a function must not run it for him; so a text is only given
to the planner where nothing that it reaches could have been written by a stranger: a role that is no superuser, and
that the session may not act as. A superuser may act as everybody, and trusts superusers alone.

What a text reaches is told by the names in it. Which overload the server would choose is not known here, nor needed:
every function of that name, in every schema where it would be looked for, has to be free of strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from reconciler.targets.postgres import Query, Row
from reconciler.targets.reached import Call, Name, Reached

STRANGERS: LiteralString = """
    me as materialized (
        select exists (
                   select from pg_catalog.pg_roles s
                   where s.rolsuper and (s.rolname in (current_user, session_user)
                                         or pg_catalog.pg_has_role(session_user, s.oid, 'member'))
               ) as is_superuser,
               pg_catalog.bool_or(rolname = current_user and (rolsuper or rolbypassrls)) as is_exempt
        from pg_catalog.pg_roles where rolname in (current_user, session_user)
    ), mine (oid) as (
        select oid from pg_catalog.pg_roles where rolname = session_user
        union
        select m.roleid from mine
        join pg_catalog.pg_auth_members m on m.member = mine.oid
        join pg_catalog.pg_roles g on g.oid = m.grantor and (g.rolsuper or g.rolcreaterole)
    ), strange as materialized (
        select r.oid, r.rolname from pg_catalog.pg_roles r cross join me
        where not r.rolsuper and (me.is_superuser or r.oid not in (select oid from mine))
    ), foreign_functions as materialized (
        select p.oid, p.proname, p.pronamespace, p.prorettype, strange.rolname as owner
        from pg_catalog.pg_proc p join strange on strange.oid = p.proowner
    ), places as materialized (
        select n.oid, n.nspname from pg_catalog.pg_namespace n
        where n.nspname = any(%(schemas)s) or n.oid = pg_catalog.pg_my_temp_schema()
    )
"""
"""CTEs of a WITH RECURSIVE: roles whose code we do not run, the functions that are theirs, and the schemas where names
are looked for.

Who logged in counts, whatever role the session has since: the code could take it back, or any other that is to be had,
so that whoever may take on a superuser's role trusts superusers alone, too. A membership that its own role has granted
(before 15 every role may grant itself) makes nobody trust it.
"""

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

_STATE: LiteralString = """
    (select pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.max(oid::pg_catalog.int8)) from foreign_functions)
    || ' ' || (select pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.max(o.oid::pg_catalog.int8))
               from pg_catalog.pg_operator o join strange on strange.oid = o.oprowner)
    || ' ' || (select pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.max(t.oid::pg_catalog.int8))
               from pg_catalog.pg_type t join strange on strange.oid = t.typowner)
"""
"""What strangers have, so that it is seen where they have something else a moment later."""

PATH: LiteralString = """
    with recursive {strangers}
    select case when {state} = %(state)s then pg_catalog.set_config('search_path', %(path)s, %(local)s)
                else pg_catalog.current_setting('reconciler.somebody_makes_functions_at_this_moment') end as path
"""
"""Sets a search_path, or fails where strangers have something else by now than when it was asked whose code it is."""

_NOTHING: LiteralString = "null, null, null, null, null, null, null, null"

BY_NAME: LiteralString = """
    with recursive {strangers}
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
    (select distinct on (n.nspname = any(%(path)s))
            case when n.nspname = any(%(path)s) then 'on path' else 'any' end, n.nspname, each.name, each.owner,
            {nothing}
     from (select f.pronamespace as place, f.proname as name, f.owner from foreign_functions f
           where f.prorettype not in (2279, 3838)  -- trigger, event_trigger
           union all
           select o.oprnamespace, o.oprname, strange.rolname
           from pg_catalog.pg_operator o join strange on strange.oid = o.oprowner
           union all
           select t.typnamespace, t.typname, strange.rolname
           from pg_catalog.pg_type t join strange on strange.oid = t.typowner where t.typtype = 'd'
           union all
           select c.relnamespace, c.relname, strange.rolname
           from pg_catalog.pg_class c join strange on strange.oid = c.relowner where c.relkind = 'v') each
     join pg_catalog.pg_namespace n on n.oid = each.place
     order by n.nspname = any(%(path)s), n.nspname, each.name)
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
strangers one function, operator, domain or view on the search_path, and one elsewhere; one function of an event
trigger; the encoding.

`internal`: it takes a cstring or an internal argument, as input functions of types do; `most` null: any number.
"""

LEANING: LiteralString = """
    with recursive {strangers}, start as materialized (
        select c.oid, places.nspname, c.relname
        from pg_catalog.pg_class c join places on places.oid = c.relnamespace
        where c.relname = any(%(relations)s)
    ), reached (root, schema, name, relation) as (
        select oid, nspname, relname, oid from start
        union
        select reached.root, reached.schema, reached.name, further.relation
        from reached cross join lateral (
            select i.inhrelid as relation from pg_catalog.pg_inherits i where i.inhparent = reached.relation
            union all
            select d.refobjid from pg_catalog.pg_rewrite w
            join pg_catalog.pg_depend d on d.classid = {rule} and d.objid = w.oid and d.refclassid = {class}
            where w.ev_class = reached.relation
        ) further
    ), part (kind, schema, name, index, class, object) as materialized (
        select 'table', r.schema, r.name, 0::pg_catalog.oid, {class}, r.relation from reached r
        union all
        select 'table', r.schema, r.name, 0, {class}, up.relid
        from reached r join pg_catalog.pg_class c on c.oid = r.relation and c.relispartition
        cross join lateral pg_catalog.pg_partition_ancestors(r.relation) as up (relid)
        union all
        select 'table', r.schema, r.name, x.indexrelid, {class}, x.indexrelid
        from reached r join pg_catalog.pg_index x on x.indrelid = r.relation
        union all
        select 'table', r.schema, r.name, 0, {constraint}, c.oid
        from reached r join pg_catalog.pg_constraint c on c.conrelid = r.relation
        union all
        select 'table', r.schema, r.name, 0, {default}, a.oid
        from reached r join pg_catalog.pg_attrdef a on a.adrelid = r.relation
        join pg_catalog.pg_attribute c on c.attrelid = a.adrelid and c.attnum = a.adnum
        where c.attgenerated <> '' or %(defaults)s
        union all
        select 'table', r.schema, r.name, 0, {statistics}, s.oid
        from reached r join pg_catalog.pg_statistic_ext s on s.stxrelid = r.relation
        union all
        select 'table', r.schema, r.name, 0, {policy}, p.oid
        from reached r join pg_catalog.pg_policy p on p.polrelid = r.relation
        union all
        select 'table', r.schema, r.name, 0, {rule}, w.oid
        from reached r join pg_catalog.pg_rewrite w on w.ev_class = r.relation
        union all
        select case when r.relation = r.root then 'row' else 'table' end, r.schema, r.name, 0, {type}, a.atttypid
        from reached r join pg_catalog.pg_attribute a on a.attrelid = r.relation
        where a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384
        union all
        select 'type', places.nspname, t.typname, 0, {type}, t.oid
        from pg_catalog.pg_type t join places on places.oid = t.typnamespace
        where t.typname = any(%(types)s) and t.oid >= 16384
        union all
        select 'function', places.nspname, p.proname, 0, {function}, p.oid
        from pg_catalog.pg_proc p join places on places.oid = p.pronamespace
        where p.proname = any(%(functions)s) and p.oid >= 16384
        union all
        select 'operator', places.nspname, o.oprname, 0, {operator}, o.oid
        from pg_catalog.pg_operator o join places on places.oid = o.oprnamespace
        where o.oprname = any(%(operators)s) and o.oid >= 16384
    ), leaning (kind, schema, name, index, class, object) as (
        select kind, schema, name, index, class, object from part where exists (select from strange)
        union
        select l.kind, l.schema, l.name, l.index, further.class, further.object
        from leaning l cross join lateral (
            select d.refclassid::pg_catalog.int8::int as class, d.refobjid as object from pg_catalog.pg_depend d
            where d.classid = l.class::pg_catalog.oid and d.objid = l.object
                  and d.refclassid in ({function}, {operator}, {type}, {opclass}, {opfamily})
            union all
            select {constraint}, c.oid from pg_catalog.pg_constraint c
            where l.class = {type} and c.contypid = l.object
            union all
            select {function}, c.castfunc from pg_catalog.pg_cast c
            where l.class = {type} and l.object in (c.castsource, c.casttarget) and c.castfunc >= 16384
            union all
            select {type}, t.typelem from pg_catalog.pg_type t
            where l.class = {type} and t.oid = l.object and t.typelem <> 0
            union all
            select {type}, a.atttypid from pg_catalog.pg_type t
            join pg_catalog.pg_attribute a on a.attrelid = t.typrelid
            where l.class = {type} and t.oid = l.object and a.attnum > 0 and not a.attisdropped
            union all
            select {opfamily}, o.opcfamily from pg_catalog.pg_opclass o
            where l.class = {opclass} and o.oid = l.object
            union all
            select {function}, p.amproc::pg_catalog.oid from pg_catalog.pg_amproc p
            where l.class = {opfamily} and p.amprocfamily = l.object
            union all
            select {operator}, o.amopopr from pg_catalog.pg_amop o
            where l.class = {opfamily} and o.amopfamily = l.object
            union all
            select {function}, o.oprcode::pg_catalog.oid from pg_catalog.pg_operator o
            where l.class = {operator} and o.oid = l.object
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
    select 'table', reached.schema, reached.name, null, null,
           case when c.relkind = 'f' then 'foreign table' when c.relkind = 'v' then 'view' else 'policies' end,
           n.nspname, c.relname, strange.rolname
    from reached
    join pg_catalog.pg_class c on c.oid = reached.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join me
    left join strange on strange.oid = c.relowner
    where c.relkind = 'f' or strange.oid is not null
          and (c.relkind = 'v' or c.relrowsecurity and not me.is_exempt)
"""
"""What planning or running a query on a table, or using a type, a function or an operator, may run of strangers: from
the objects that belong to it down to functions, as pg_depend has it. It does not have what was there from the
beginning, which is nobody's but a superuser's.

Those of a table: its indexes (then `index` is its name), constraints, generated columns, extended statistics, policies,
rules, the key of its partitions; of all that inherits from it, and of what a view reads. The types of its columns stand
under `row`. Those of a type: constraints, parts and casts. Views and policies of strangers may call whatever the server
has. Planning a foreign table may connect to another server. The body of a trusted function may look for names on the
session's search_path, or on its own.
"""

_CATALOGUES = {
    "class": 1259, "constraint": 2606, "default": 2604, "extension": 3079, "function": 1255, "opclass": 2616,
    "operator": 2617, "opfamily": 2753, "policy": 3256, "rule": 2618, "statistics": 3381, "type": 1247,
}  # fmt: skip
"""The oids of the system catalogues, by what they hold: the same everywhere (src/include/catalog)."""


def _composed(text: LiteralString) -> sql.Composed:
    return sql.SQL(text).format(
        strangers=sql.SQL(STRANGERS),
        follows=sql.SQL(_FOLLOWS),
        nothing=sql.SQL(_NOTHING),
        state=sql.SQL(_STATE),
        **{name: sql.Literal(oid) for name, oid in _CATALOGUES.items()},
    )


_QUERIES = (_composed(BY_NAME), _composed(LEANING))
_PATH = _composed(PATH)


class Function(NamedTuple):
    """A function that a call may mean. `owner`: the stranger whose it is; empty: nobody's of those.

    `prokind`, `volatility` as in pg_proc; `least` and `most` arguments, None for any number; `extension` it belongs to;
    `internal`: it takes a cstring or an internal argument; `follows`: on which search_path its body looks for names.
    """

    schema: str
    name: str
    owner: str
    prokind: str
    returns_set: bool
    volatility: str
    least: int
    most: int | None
    internal: bool
    follows: str
    extension: str

    def takes(self, arguments: int | None) -> bool:
        """Whether it can be called with so many."""
        return arguments is None or (self.least <= arguments and (self.most is None or arguments <= self.most))


class Lean(NamedTuple):
    """What planning or running a query on a table reaches of a stranger.

    `of_index`: whose expression or predicate it is, or nothing. `what` and `part` as in `LEANING`, "function", "view",
    "policies", "foreign table", or the search_path that the body of a function follows; whose it is, if a stranger's.
    """

    of_index: Name
    what: str
    part: Name
    owner: str


class ForeignCode:
    """What `texts` and `tables` reach of strangers, as far as they were asked about. See `questions`."""

    def __init__(self, path: Sequence[str], rows: Sequence[Sequence[Row]], unknown: str = "") -> None:
        """`path` and `rows` as `questions` had and got them; `unknown`: why there are none, which stops everything."""
        self._path = (*path, "pg_catalog")
        self._unknown = unknown
        self._functions: dict[Name, list[Function]] = {}
        self._operators: dict[Name, str] = {}
        self._changing: set[Name] = set()
        self._anybody: tuple[Name, str] | None = None
        self._on_path: tuple[Name, str] | None = None
        self._event_trigger: tuple[Name, str] | None = None
        self._is_utf8 = True
        self._state = ""
        by_name, leaning = rows or ((), ())
        for row in by_name:
            kind, name, owner = row["kind"], (row["schema"], row["name"]), row["owner"] or ""
            match kind:
                case "function":
                    texts = {"owner": owner, "extension": row["extension"] or "", "follows": row["follows"] or ""}
                    fields = {key: row[key] for key in Function._fields}
                    self._functions.setdefault(name, []).append(Function(**(fields | texts)))
                case "operator":
                    if owner:
                        self._operators[name] = owner
                    if row["volatility"] != "i":
                        self._changing.add(name)
                case "any":
                    self._anybody = self._anybody or (name, owner)
                case "on path":
                    self._on_path = self._anybody = (name, owner)
                case "event trigger":
                    self._event_trigger = (name, owner)
                case "encoding":
                    self._is_utf8 = row["name"] == "UTF8"
                case "state":
                    self._state = row["name"]
        self._leans: dict[str, dict[Name, list[Lean]]] = {}
        for row in leaning:
            index = (row["index_schema"] or "", row["index"] or "")
            lean = Lean(index, row["what"], (row["part_schema"], row["part"]), row["owner"] or "")
            # Where nobody else has anything, a body finds what its author meant.
            if lean.owner or lean.what == "foreign table" or self._misled(lean.what):
                self._leans.setdefault(row["kind"], {}).setdefault((row["schema"], row["name"]), []).append(lean)

    def with_path(self, path: str, *, local: bool = True) -> tuple[Query, Mapping[str, Any]]:
        """Sets a search_path, until the transaction ends if `local`: for what is sent behind it, which holds texts of
        users that were asked about. To be sent while the search_path is empty; an error where strangers have made, or
        dropped, something since."""
        return _PATH, {"state": self._state, "path": path, "local": local, "schemas": []}

    def functions(self, call: Call) -> list[Function]:
        """Every function that `call` may mean."""
        return [
            each
            for name in self._places(call.name)
            for each in self._functions.get(name, ())
            if each.takes(call.arguments)
        ]

    def changing(self, reached: Reached) -> str:
        """An operator of users in a text that is not immutable; empty where there is none. Those of pg_catalog that are
        not, all of them of times, do no more than compute."""
        return next(
            (
                _shown(place)
                for name in sorted(reached.operators)
                for place in self._places(name)
                if place in self._changing
            ),
            "",
        )

    def in_text(self, reached: Reached | None) -> str:
        """Why a text must not be planned by this session, whose code it may reach; empty where it may.

        None: a text that our parser does not know, because it is newer.
        """
        if self._unknown:
            return self._unknown
        if reached is None or (reached.has_odd_names and not self._is_utf8):
            return self._theirs("functions that our parser cannot find in it")
        for name in sorted(reached.functions):
            for place in self._places(name):
                for function in self._functions.get(place, ()):
                    if function.owner:
                        return _whose(f"{_shown(place)}()", function.owner)
                    if self._misled(function.follows):
                        return self._followed(place, function.follows)
        for name in sorted(reached.operators):
            for place in self._places(name):
                if owner := self._operators.get(place):
                    return _whose(f"the operator {_shown(place)}", owner)
        named = (("function", reached.functions), ("operator", reached.operators), ("type", reached.types))
        places = ((kind, place) for kind, names in named for name in sorted(names) for place in self._places(name))
        return next(filter(None, (self._why(self._leaning(kind, place)) for kind, place in places)), "")

    def in_index(self, index: Name) -> str:
        """Why the expressions of an index that is there must not be planned by this session."""
        return self._why([lean for leans in self._of("table").values() for lean in leans if lean.of_index == index])

    def in_row(self, table: Name) -> str:
        """Why expressions over a row of `table` must not be planned by this session: the types of its columns."""
        return self._unknown or self._why(self._leaning("row", table))

    def in_table(self, table: Name) -> str:
        """Why no query on `table` must be planned by this session."""
        return self.in_row(table) or self._why(self._leaning("table", table))

    def in_statement(self, reached: Reached) -> str:
        """Why a whole statement must not be planned by this session: its text, and the tables in it."""
        tables = (self.in_table(place) for name in sorted(reached.relations) for place in self._places(name))
        return self.in_text(reached) or next(filter(None, tables), "")

    def in_event_triggers(self) -> str:
        """Why no object must be made by this session, be it for a moment: an event trigger may run code of others."""
        if self._unknown or self._event_trigger is None:
            return self._unknown
        name, owner = self._event_trigger
        if owner:
            return _whose(f"{_shown(name)}() of an event trigger", owner)
        return self._followed(name, _OWN) if self._anybody else ""

    def _of(self, kind: str) -> Mapping[Name, list[Lean]]:
        return self._leans.get(kind, {})

    def _leaning(self, kind: str, name: Name) -> Sequence[Lean]:
        return self._of(kind).get(name, ())

    def _places(self, name: Name) -> Iterable[Name]:
        return [name] if name[0] else [(schema, name[1]) for schema in self._path]

    def _theirs(self, what: str) -> str:
        return _whose(what, self._anybody[1]) if self._anybody else ""

    def _why(self, leans: Sequence[Lean]) -> str:
        if not leans:
            return ""
        lean = min(leans)
        of = f" of the index {_shown(lean.of_index)}" if lean.of_index[1] else ""
        match lean.what:
            case path if path in (_OWN, _SESSIONS):
                return self._followed(lean.part, path)
            case "foreign table":
                return f"{_shown(lean.part)} is a foreign table: another server would be asked"
            case "function":
                return _whose(f"{_shown(lean.part)}(){of}", lean.owner)
            case "policies":
                return _whose(f"the policies of {_shown(lean.part)}", lean.owner)
            case _:
                return _whose(f"the view {_shown(lean.part)}", lean.owner)

    def _misled(self, path: str) -> tuple[Name, str] | None:
        """What of a stranger may be found on a path that the body of a function follows: `_SESSIONS` or `_OWN`."""
        return {_SESSIONS: self._on_path, _OWN: self._anybody}.get(path)

    def _followed(self, function: Name, path: str) -> str:
        """A function whose names may be found to be somebody else's."""
        name, owner = self._misled(path) or (("", ""), "")
        return f"{_shown(function)}() looks for names on {path} search_path, and {_whose(_shown(name), owner)}"


_SESSIONS, _OWN = "the session's", "its own"


def _shown(name: Name) -> str:
    return ".".join(filter(None, name))


def _whose(what: str, owner: str) -> str:
    return f"it may run {what}, which {owner} could have written: connect as {owner}, or as who may act as {owner}"


def questions(
    path: Sequence[str],
    texts: Iterable[Reached] = (),
    tables: Iterable[Name] = (),
    *,
    catalog_first: bool,
    defaults: bool = False,
) -> list[tuple[Query, Mapping[str, Any]]]:
    """The queries whose rows ForeignCode takes; they can ride on what is sent anyway.

    `path`: the schemas where unqualified names are looked for; `catalog_first`: in pg_catalog before them. `defaults`:
    rows are written, so that the defaults of columns count.
    """
    reached = list(texts)
    wanted = list(tables)
    relations = {name for each in reached for name in each.relations} | set(wanted)
    named = [*(name for each in reached for name in each.functions | each.operators | each.types), *relations]
    params = {
        "schemas": sorted({*path, "pg_catalog", *(schema for schema, _ in named if schema)}),
        "functions": sorted({name for each in reached for _, name in each.functions}),
        "operators": sorted({name for each in reached for _, name in each.operators}),
        "types": sorted({name for each in reached for _, name in each.types}),
        "relations": sorted({name for _, name in relations}),
        "path": list(path),
        "catalog_first": catalog_first,
        "defaults": defaults,
    }
    return [(query, params) for query in _QUERIES]
