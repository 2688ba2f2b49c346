"""Tables that nothing can be read of at this moment: they are left out, and told, so that all others are looked at.

PostgreSQL reads no definition on a table that somebody holds as a whole. Such tables are waited for as long as the
session waits for any lock. And a table can be made so that reading it takes longer than any of our questions may: to
print an expression, servers before 18 compare the name of each column with those of all others, for each index anew.

Decided: docs/decisions.md#locked-tables, docs/decisions.md#tables-that-take-too-long
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.model import TableName
from reconciler.kinds.pg_index.observing.catalogue import indexes_of, locked
from reconciler.kinds.pg_index.observing.catalogue_queries import IN_WRITTEN_ORDER
from reconciler.targets.postgres.session import PostgresSession

T = TypeVar("T")

Hidden = dict[TableName, str]
"""By table, why nothing of it was read, as what follows its name."""

LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"

MOST_PIECES = 30
"""Questions by which slow tables are found, each of a fortieth of what a question may take otherwise: so all of them
take no longer than one that fails, and what they found to be readable can be read in one. Among 10,000 tables, it takes
26 to find one that is slow."""

_SHORT = """
    select pg_catalog.set_config('statement_timeout', pg_catalog.ceil(setting::pg_catalog.float8 / 40)::pg_catalog.text,
                                 true) as most
    from pg_catalog.pg_settings where name = 'statement_timeout'
"""
"""For one transaction: 1.5 s, in which a server printed four thousand indexes of ordinary tables."""

_WEIGHTS = """
    select named.schema, named.name,
           pg_catalog.sum(t.relnatts::pg_catalog.float8 * t.relnatts) as weight
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as named (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = named.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = named.name
    cross join lateral (select c.oid union select tree.relid from pg_catalog.pg_partition_tree(c.oid) tree) member (oid)
    join pg_catalog.pg_class t on t.oid = member.oid
    join pg_catalog.pg_index x on x.indrelid = t.oid
    group by named.schema, named.name
"""
"""What reading the indexes of a table grows with, partitions included."""


def read_without(
    session: PostgresSession, tables: Iterable[TableName], read: Callable[[Collection[TableName]], T]
) -> tuple[T, Hidden]:
    """What `read` gives, called with the tables that it has to leave out, and why those are left out.

    Raises TargetError, also where it is none of the tables that keeps it.
    """
    named = list(dict.fromkeys(tables))
    try:
        return read(()), {}
    except ObservationFailed as error:
        if error.sqlstate not in (LOCK_NOT_AVAILABLE, QUERY_CANCELED):
            raise
        hidden = {table: f"is locked as a whole by {who}" for table, who in locked(session, named).items()}
        if error.sqlstate == QUERY_CANCELED:
            hidden |= _slow(session, [table for table in named if table not in hidden])
        if not hidden:
            raise
    return read(hidden), hidden


def _slow(session: PostgresSession, tables: Sequence[TableName]) -> Hidden:
    """Which of `tables` take too long, found by halves; also those that there is no time left to ask about.

    The lightest are asked for first, so that many slow ones are what is left in the end.
    """
    hidden: Hidden = {}
    pieces = _halves(_lightest_first(session, tables))
    for _ in range(MOST_PIECES):
        if not pieces:
            break
        piece = pieces.pop()
        try:
            session.fetch_all([(_SHORT, None), (IN_WRITTEN_ORDER, None), indexes_of(session, piece)])
        except ObservationFailed as error:
            if error.sqlstate != QUERY_CANCELED:
                raise
            if len(piece) > 1:
                pieces += _halves(piece)
            else:
                hidden[piece[0]] = "takes too long to read: the server did not print the definitions of its indexes"
    others = "is not read: others took too long, and those that promised to take the longest were left out"
    return hidden | {table: others for piece in pieces for table in piece}


def _halves(tables: Sequence[TableName]) -> list[Sequence[TableName]]:
    """The second half before the first one, which is taken from the end."""
    middle = len(tables) // 2
    return [half for half in (tables[middle:], tables[:middle]) if half]


def _lightest_first(session: PostgresSession, tables: Sequence[TableName]) -> list[TableName]:
    rows = session.fetch(
        _WEIGHTS, {"schemas": [schema for schema, _ in tables], "tables": [name for _, name in tables]}
    )
    weights = {(row["schema"], row["name"]): row["weight"] for row in rows}
    return sorted(tables, key=lambda table: (weights.get(table, 0), table))
