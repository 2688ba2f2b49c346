"""What psql has built: each index with the statement that made it, and the search_path of that moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import postgast
import psycopg
from pg_index.corpus.spelled import OPEN, StatementText, short_form
from psycopg import sql

# The path is kept as schemas, which may be renamed later. Names are looked for as the script does in `note` alone:
# operators of the script's own may hide PostgreSQL's.
NOTES = """
    create schema suites;
    grant usage on schema suites to public;
    create table suites.built (n int generated always as identity, index oid, statement text, path oid[], made text);
    grant insert on suites.built to public;
    create function suites.made(index oid) returns text language sql set search_path = pg_catalog as $$
        select pg_get_indexdef(i.oid) || coalesce(' tablespace ' || s.spcname, '')
        from pg_class i left join pg_tablespace s on s.oid = i.reltablespace where i.oid = made.index
    $$;
    create function suites.add(statement text, path name[]) returns void language sql set search_path = pg_catalog as $$
        insert into suites.built (index, statement, path, made)
        select c.objid, add.statement,
               array(select n.oid from unnest(add.path) with ordinality p (name, place)
                     join pg_namespace n on n.nspname = p.name order by p.place),
               suites.made(c.objid)
        from pg_event_trigger_ddl_commands() c where c.object_type = 'index' and not c.in_extension
    $$;
    create function suites.note() returns event_trigger language plpgsql as $$
    begin
        perform suites.add(pg_catalog.current_query(), pg_catalog.current_schemas(false));
    end
    $$;
    create event trigger suites on ddl_command_end when tag in ('CREATE INDEX') execute function suites.note();
"""

THERE = """
    select distinct on (i.oid) i.oid, b.statement, n.nspname, t.relname, i.relname, am.amname,
           array(select s.nspname from unnest(b.path) with ordinality p (oid, place)
                 join pg_namespace s on s.oid = p.oid where s.nspname not like 'pg\\_temp%' order by p.place),
           case when exists (select from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))
                    then 'a constraint has it'
                when i.relispartition then 'a part of another index'
                when not x.indisvalid then 'INVALID'
                when substr(b.made, strpos(b.made, ' USING ')) <> substr(now, strpos(now, ' USING '))
                    then 'changed by a later statement'
                else '' end
    from suites.built b
    join pg_class i on i.oid = b.index
    join pg_index x on x.indexrelid = i.oid
    join pg_class t on t.oid = x.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    join pg_am am on am.oid = i.relam,
    lateral suites.made(i.oid) now
    where t.relpersistence <> 't'
    order by i.oid, b.n
"""


class NotOne(Exception):
    """A text is more than one CREATE INDEX, or holds it inside of another statement."""


class Built(NamedTuple):
    """An index that is there, and may be declared. `sql`, `columns`, `bare`: its statement in the three forms."""

    oid: int
    schema: str
    table: str
    name: str
    method: str
    path: tuple[str, ...]
    sql: str
    columns: dict[str, Any]
    bare: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name


@dataclass
class Suite:
    """What scripts have built in one database.

    `others` are the names of what is not declared, each with why; `cut_short`: scripts that did not come to their end.
    """

    declared: list[Built]
    others: list[tuple[str, str]]
    cut_short: list[Path] = field(default_factory=list)


def take_notes(connection: psycopg.Connection) -> None:
    """Has each CREATE INDEX of this database noted from now on, by roles that may no more than the script gives
    them."""
    _alter_roles(connection, "nosuperuser")
    connection.execute(NOTES)


def read_notes(connection: psycopg.Connection) -> Suite:
    """What was noted and is still there; nothing is noted any more."""
    connection.execute("set search_path = pg_catalog")
    noted = connection.execute("select count(distinct index)::int from suites.built").fetchone()
    rows = connection.execute(THERE).fetchall()
    found = Suite([], [("", "dropped, or temporary")] * ((noted or (0,))[0] - len(rows)))
    for oid, statement, schema, table, name, method, path, why in rows:
        if why:
            found.others.append((f"{schema}.{name}", why))
            continue
        try:
            text = _of_table(statement, schema, table, name)
        except (NotOne, postgast.PgQueryError):
            found.others.append((f"{schema}.{name}", "made inside of another statement"))
            continue
        forms = (text, short_form(text), short_form(text, bare=True))
        found.declared.append(Built(oid, schema, table, name, method, tuple(path), *forms))
    # Triggers of the scripts' own would stand in the way of what comes.
    for (trigger,) in connection.execute("select evtname from pg_event_trigger").fetchall():
        connection.execute(sql.SQL("drop event trigger {}").format(sql.Identifier(trigger)))
    connection.execute("drop schema suites cascade")
    return found


def trust_all_roles(connection: psycopg.Connection) -> None:
    """Makes superusers of them: what the functions of others may do is not run by a superuser's plan, which says so.
    What they own stays theirs, since some functions look at whose table it is."""
    _alter_roles(connection, "superuser")


def _alter_roles(connection: psycopg.Connection, to: LiteralString) -> None:
    roles = "select rolname from pg_roles where rolname !~ '^pg_' and rolname <> current_user"
    for (role,) in connection.execute(roles).fetchall():
        connection.execute(sql.SQL("alter role {} {}").format(sql.Identifier(role), sql.SQL(to)))


def _of_table(statement: str, schema: str, table: str, name: str) -> str:
    """The statement for the table and the name that there are now, as it is written from USING or the columns on."""
    tree = postgast.parse(statement)
    if len(tree.stmts) != 1 or tree.stmts[0].stmt.WhichOneof("node") != "index_stmt":
        raise NotOne
    text = StatementText(statement)
    opening = next(at for at in range(len(text.tokens)) if text.name(at) == OPEN)
    heads = [text.name(at) for at in range(opening)]
    begin = heads.index("USING") if "USING" in heads else opening
    unique = "UNIQUE " if "UNIQUE" in heads[:2] else ""
    place = sql.Identifier(schema, table).as_string(None)
    rest = text.cut(begin, len(text.tokens)).rstrip("; \n")
    return f"CREATE {unique}INDEX {sql.Identifier(name).as_string(None)} ON {place} {rest}"
