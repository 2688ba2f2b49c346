"""Which table was probably meant by the name of one that there is not."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.postgres.session import PostgresSession

MOST_TABLES = 5000
"""Names that are looked through: the tables of any application; a schema of 100,000 is not worth the seconds."""

_NEIGHBOURS = """
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and not pg_catalog.starts_with(n.nspname, 'pg_')
      and (pg_catalog.lower(n.nspname) = any (%(schemas)s::pg_catalog.text[])
           or pg_catalog.lower(c.relname) = any (%(tables)s::pg_catalog.text[]))
    order by 1, 2 limit %(most)s
"""


def meant(session: PostgresSession, missing: Collection[TableName]) -> dict[TableName, str]:
    """What each of `missing` was probably to be: the same name in another case or schema, else one like it beside it.

    One query, none where no table is missing. Raises TargetError.
    """
    if not missing:
        return {}
    schemas, tables = ([part.lower() for part in parts] for parts in zip(*missing, strict=True))
    rows = session.fetch(_NEIGHBOURS, {"schemas": schemas, "tables": tables, "most": MOST_TABLES})
    there: list[TableName] = [(row["schema"], row["name"]) for row in rows]
    found = {table: _nearest(table, there) for table in missing}
    return {table: ".".join(near) for table, near in found.items() if near}


def _nearest(table: TableName, there: Collection[TableName]) -> TableName | None:
    schema, name = (part.casefold() for part in table)
    called = [each for each in there if each[1].casefold() == name]
    if called:
        return next((each for each in called if each[0].casefold() == schema), called[0])
    beside = {each[1].casefold(): each for each in there if each[0].casefold() == schema}
    close = get_close_matches(name, beside, n=1)
    return beside[close[0]] if close else None
