"""Strangers: the roles whose code a session does not run, as the beginning of queries that ask for what is theirs.

Decided: docs/decisions.md#whom-a-session-trusts, docs/decisions.md#set-role-is-no-wall,
docs/decisions.md#strangers-who-have-nothing
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

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
        cross join lateral (select pg_catalog.to_jsonb(m.*) as it) as options  -- 16 brought them
        where 'true' in (coalesce(it ->> 'set_option', 'true'), coalesce(it ->> 'inherit_option', 'true'))
    ), strange as materialized (
        select r.oid, r.rolname from pg_catalog.pg_roles r cross join me
        where not r.rolsuper and (me.is_superuser or r.oid not in (select oid from mine))
    ), foreign_functions as materialized (
        select p.oid, p.proname, p.pronamespace, p.prorettype, p.xmin, strange.rolname as owner
        from pg_catalog.pg_proc p join strange on strange.oid = p.proowner
    )
"""
"""CTEs of a WITH RECURSIVE: roles whose code we do not run, and the functions that are theirs.

Who logged in counts, whatever role the session has since: the code could take it back, or any other that is to be had,
so that whoever may take on a superuser's role trusts superusers alone, too. A membership that its own role has granted
(before 15 every role may grant itself) makes nobody trust it, and neither does one that lets nobody act as the role:
since 16 whoever creates a role is its administrator, and has nothing else of it.
"""

PLACES: LiteralString = """
    places as materialized (
        select n.oid, n.nspname from pg_catalog.pg_namespace n
        where n.nspname = any(%(schemas)s) or n.oid = pg_catalog.pg_my_temp_schema()
    )
"""
"""A CTE: the schemas where names are looked for."""

HAVE_SOMETHING: LiteralString = """
    (exists (select from pg_catalog.pg_shdepend d join strange on strange.oid = d.refobjid
             left join pg_catalog.pg_class c on d.classid = 1259 and c.oid = d.objid
             left join pg_catalog.pg_type t on d.classid = 1247 and t.oid = d.objid
             left join pg_catalog.pg_namespace n on n.oid = coalesce(c.relnamespace, t.typnamespace)
             where d.refclassid = 1260 and d.deptype = 'o' and d.classid in (1247, 1255, 1259, 2617)
                   and d.dbid = (select m.oid from pg_catalog.pg_database m
                                 where m.datname = pg_catalog.current_database())
                   and (n.oid is null or {reached}))
     or exists (select from strange where strange.oid = 10)
     or exists (select from pg_catalog.pg_foreign_table))
"""
"""Behind `STRANGERS`: whether any code of a stranger could be reached by anything in this database, or another server
be asked by a foreign table. What belongs to nobody but superusers and those who are trusted leads to no one else.

The server keeps in pg_shdepend who owns what: a type, a function, a relation, an operator (1247, 1255, 1259, 2617), by
role (1260), but not what comes with one of these, such as the type of a row, nor what belongs to the role that made the
cluster (10), which before 16 need not be a superuser for ever.
"""

REACHED: LiteralString = """
    (n.oid = pg_catalog.pg_my_temp_schema() or not pg_catalog.starts_with(n.nspname, 'pg_temp_')
                                               and not pg_catalog.starts_with(n.nspname, 'pg_toast_temp_'))
"""
"""Temporary tables of other sessions come and go, and only a text that names their schema gets there."""

STRANGERS_HAVE_SOMETHING = sql.SQL("with recursive {strangers} select {something} as something").format(
    strangers=sql.SQL(STRANGERS), something=sql.SQL(HAVE_SOMETHING).format(reached=sql.SQL(REACHED))
)
"""Asked as a session begins. By the answer the session knows what to ask from then on: see `question.Question`."""
