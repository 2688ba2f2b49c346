"""The statements that make, swap and drop indexes, and the names that they use in between."""

from __future__ import annotations

from hashlib import sha256

from psycopg import sql

from reconciler.kinds.pg_index.model import LONGEST_NAME, Definition, Element
from reconciler.kinds.pg_index.syntax import expression, identifier, verbatim

FRESH, OLD = "_rcl_new", "_rcl_old"
"""Ends of our own temporary names: the new index while it is built, and the old one until it is dropped."""


def temporary_name(name: str, end: str) -> str:
    """The name of an index while it is being replaced: always the same, so that an interrupted run finds it again.

    Cut to 63 bytes where need be, then with a piece of its hash, so that two long names stay apart.
    """
    if len((name + end).encode()) <= LONGEST_NAME:
        return name + end
    mark = "_" + sha256(name.encode()).hexdigest()[:8]
    room = LONGEST_NAME - len((mark + end).encode())
    return name.encode()[:room].decode(errors="ignore") + mark + end


def create(schema: str, table: str, name: str, definition: Definition) -> str:
    """CREATE INDEX CONCURRENTLY, never with IF NOT EXISTS: that reports success over an INVALID leftover."""
    parts = [
        sql.SQL("create unique index concurrently" if definition.unique else "create index concurrently"),
        identifier(name),
        sql.SQL("on"),
        identifier(schema, table),
    ]
    if definition.method != "btree":
        parts += [sql.SQL("using"), identifier(definition.method)]
    parts.append(sql.SQL("({})").format(sql.SQL(", ").join(element(key) for key in definition.keys)))
    if definition.include:
        columns = sql.SQL(", ").join(identifier(column) for column in definition.include)
        parts.append(sql.SQL("include ({})").format(columns))
    if definition.nulls_not_distinct:
        parts.append(sql.SQL("nulls not distinct"))
    if definition.options:
        parts.append(sql.SQL("with ({})").format(options(definition.options)))
    if definition.tablespace:
        parts += [sql.SQL("tablespace"), identifier(definition.tablespace)]
    if definition.predicate:
        parts += [sql.SQL("where"), verbatim(definition.predicate)]
    return sql.SQL(" ").join(parts).as_string(None)


def element(key: Element) -> sql.Composable:
    """One key as CREATE INDEX takes it."""
    parts = [identifier(key.column) if key.column else expression(key.expression)]
    if key.collation:
        parts += [sql.SQL("collate"), identifier(*key.collation)]
    if key.opclass:
        parts.append(identifier(*key.opclass))
    if key.opclass_options:
        parts.append(sql.SQL("({})").format(options(key.opclass_options)))
    if key.descending:
        parts.append(sql.SQL("desc"))
    if key.nulls_first != key.descending:
        parts.append(sql.SQL("nulls first") if key.nulls_first else sql.SQL("nulls last"))
    return sql.SQL(" ").join(parts)


def options(pairs: tuple[tuple[str, str], ...]) -> sql.Composable:
    """`fillfactor = 70, fastupdate = off`, values quoted: PostgreSQL reads them by the parameter's type."""
    return sql.SQL(", ").join(sql.SQL("{} = {}").format(identifier(name), sql.Literal(value)) for name, value in pairs)


def drop(schema: str, name: str) -> str:
    """DROP INDEX CONCURRENTLY."""
    return sql.SQL("drop index concurrently {}").format(identifier(schema, name)).as_string(None)


def rename(schema: str, name: str, to: str) -> str:
    """ALTER INDEX … RENAME."""
    return sql.SQL("alter index {} rename to {}").format(identifier(schema, name), identifier(to)).as_string(None)


def set_options(schema: str, name: str, wanted: dict[str, str], surplus: list[str]) -> list[str]:
    """ALTER INDEX … SET and RESET that bring the storage parameters to `wanted`."""
    index = identifier(schema, name)
    found = []
    if wanted:
        pairs = options(tuple(sorted(wanted.items())))
        found.append(sql.SQL("alter index {} set ({})").format(index, pairs).as_string(None))
    if surplus:
        names = sql.SQL(", ").join(identifier(name) for name in surplus)
        found.append(sql.SQL("alter index {} reset ({})").format(index, names).as_string(None))
    return found
