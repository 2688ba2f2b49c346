"""Which of the extensions that know queries, pg_stat_statements and HypoPG, are in a database, and may be called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg import sql

from reconciler.targets.foreign.strangers import STRANGERS
from reconciler.targets.postgres.session import Row

INSTALLED = sql.SQL("""
    with recursive {strangers}
    select e.extname as name, n.nspname as schema, e.extversion as version,
           exists (select from pg_catalog.pg_proc p
                   where p.pronamespace = n.oid and p.proname = 'hypopg_hide_index') as hides,
           -- Somebody may have put functions of the same names beside those of the extension.
           (select pg_catalog.format('%%I.%%I(), of %%I', n.nspname, f.proname, f.owner) from foreign_functions f
            where f.pronamespace = n.oid and pg_catalog.starts_with(f.proname, e.extname)
            order by f.proname, f.owner limit 1) as beside
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname in ('hypopg', 'pg_stat_statements')
""").format(strangers=sql.SQL(STRANGERS))
"""What is installed in this database; takes the parameter `schemas`, which may be empty."""


class Extensions(NamedTuple):
    """Where the extensions are: their schemas, empty for one that is not installed in this database, or not used.

    `hides`: this HypoPG can also hide indexes that exist (1.4). `beside`: by extension that is not used, a function
    that somebody else has put among its own, which might be called in their place.
    """

    statements: str = ""
    hypopg: str = ""
    hypopg_version: str = ""
    hides: bool = False
    beside: Mapping[str, str] = {}


def extensions_of(rows: Iterable[Row]) -> Extensions:
    """What `INSTALLED` has found."""
    rows = list(rows)
    found = {row["name"]: row for row in rows if not row["beside"]}
    beside = {row["name"]: row["beside"] for row in rows if row["beside"]}
    hypopg = found.get("hypopg", {"schema": "", "version": "", "hides": False})
    statements = found.get("pg_stat_statements", {"schema": ""})
    return Extensions(statements["schema"], hypopg["schema"], hypopg["version"], hypopg["hides"], beside)
