"""The statements that make, swap and drop indexes, and the names that they use in between.

Decided: docs/decisions.md#index-names-in-statements, docs/decisions.md#marks-of-replaced-indexes
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from psycopg import sql

from reconciler.kinds.pg_index.definition.syntax import expression
from reconciler.kinds.pg_index.model import LONGEST_NAME, Definition, Element
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.sql_tree import REMEMBERED

REPLACED = "replaced by reconciler, to be dropped"
"""The comment of an old index from the swap until it is dropped: so that nobody's own index is taken for one."""

FRESH, OLD = "_rcl_new", "_rcl_old"
"""Ends of our own temporary names: the new index while it is built, and the old one until it is dropped."""


@lru_cache(maxsize=REMEMBERED)
def temporary_name(name: str, end: str) -> str:
    """The name of an index while it is being replaced: always the same, so that an interrupted run finds it again.

    Cut to 63 bytes where need be, then with a piece of its hash, so that two long names stay apart.
    """
    if len((name + end).encode()) <= LONGEST_NAME:
        return name + end
    mark = "_" + sha256(name.encode()).hexdigest()[:8]
    room = LONGEST_NAME - len((mark + end).encode())
    return name.encode()[:room].decode(errors="ignore") + mark + end


def partition_name(index: str, table: str, partition: str) -> str:
    """What the index of a partition is called, for `index` of the partitioned `table`: as PostgreSQL would, as a rule.

    `events_created_idx` of `events` is `events_2026_created_idx` on its partition `events_2026`.
    """
    end = index.removeprefix(table) if index.startswith(f"{table}_") else f"_{index}"
    whole = partition + end
    if len(whole.encode()) <= LONGEST_NAME:
        return whole
    mark = "_" + sha256(f"{partition}.{index}".encode()).hexdigest()[:8]
    room = LONGEST_NAME - len(mark.encode())
    return whole.encode()[:room].decode(errors="ignore") + mark


def create(schema: str, table: str, name: str, definition: Definition) -> str:
    """CREATE INDEX CONCURRENTLY, never with IF NOT EXISTS: that reports success over an INVALID leftover."""
    return _create("index concurrently", name, sql.SQL("on"), identifier(schema, table), definition)


def create_only(schema: str, table: str, name: str, definition: Definition) -> str:
    """CREATE INDEX … ON ONLY: the index of a partitioned table without its partitions, at once, and INVALID.

    Without its tablespace: PostgreSQL refuses to be told the default one here (0A000); `move` may name any.
    """
    bare = definition.model_copy(update={"tablespace": ""})
    return _create("index", name, sql.SQL("on only"), identifier(schema, table), bare)


def rehearse(table: str, definition: Definition) -> str:
    """The same index on an empty copy of its table, among the session's temporary tables."""
    return _create("index", "", sql.SQL("on"), identifier("pg_temp", table), definition)


def hypothetical(schema: str, table: str, definition: Definition) -> str:
    """The same index as a planner sees it, before it is there: without a name, a space, and pages of its own."""
    bare = definition.model_copy(update={"tablespace": "", "options": ()})
    return _create("index", "", sql.SQL("on"), identifier(schema, table), bare)


def inverse(schema: str, table: str, name: str, definition: Definition) -> list[str]:
    """What makes an index of this definition again, comment and statistics targets included."""
    return [create(schema, table, name, definition), *describe(schema, name, definition)]


def _create(what: str, name: str, on: sql.SQL, table: sql.Composable, definition: Definition) -> str:
    parts = [
        sql.SQL("create unique" if definition.unique else "create"),
        verbatim(what),
        *([identifier(name)] if name else []),
        on,
        table,
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
    return sql.SQL(", ").join(sql.SQL("{} = {}").format(identifier(name), literal(value)) for name, value in pairs)


def drop(schema: str, name: str) -> str:
    """DROP INDEX CONCURRENTLY."""
    return sql.SQL("drop index concurrently {}").format(identifier(schema, name)).as_string(None)


def drop_partitioned(schema: str, name: str) -> str:
    """DROP INDEX: that of a partitioned table goes with those of its partitions, and cannot go concurrently."""
    return sql.SQL("drop index {}").format(identifier(schema, name)).as_string(None)


def attach(schema: str, name: str, part_schema: str, part: str) -> str:
    """ALTER INDEX … ATTACH PARTITION."""
    return (
        sql.SQL("alter index {} attach partition {}")
        .format(identifier(schema, name), identifier(part_schema, part))
        .as_string(None)
    )


def reindex(schema: str, name: str, tablespace: str = "") -> str:
    """REINDEX INDEX CONCURRENTLY, into another tablespace where one is given (14+)."""
    where = sql.SQL("(tablespace {}) ").format(identifier(tablespace)) if tablespace else sql.SQL("")
    return sql.SQL("reindex {}index concurrently {}").format(where, identifier(schema, name)).as_string(None)


def reindex_copy(name: str) -> str:
    """What REINDEX CONCURRENTLY calls the index that it builds beside `name`, where nothing has that name yet."""
    end = "_ccnew"
    return name.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end


def move(schema: str, name: str, tablespace: str) -> str:
    """ALTER INDEX … SET TABLESPACE: of a partitioned index, which has no pages of its own."""
    return (
        sql.SQL("alter index {} set tablespace {}")
        .format(identifier(schema, name), identifier(tablespace))
        .as_string(None)
    )


def cluster_on(schema: str, table: str, name: str) -> str:
    """ALTER TABLE … CLUSTER ON: what CLUSTER will sort by; sorts nothing."""
    return sql.SQL("alter table {} cluster on {}").format(identifier(schema, table), identifier(name)).as_string(None)


def replica_identity(schema: str, table: str, name: str) -> str:
    """ALTER TABLE … REPLICA IDENTITY USING INDEX."""
    return (
        sql.SQL("alter table {} replica identity using index {}")
        .format(identifier(schema, table), identifier(name))
        .as_string(None)
    )


def depend(schema: str, name: str, extension: str) -> str:
    """ALTER INDEX … DEPENDS ON EXTENSION."""
    return (
        sql.SQL("alter index {} depends on extension {}")
        .format(identifier(schema, name), identifier(extension))
        .as_string(None)
    )


def describe(schema: str, name: str, definition: Definition) -> list[str]:
    """What CREATE INDEX cannot say: comment and statistics targets."""
    found = [comment(schema, name, definition.comment)] if definition.comment else []
    return found + [
        set_statistics(schema, name, number, target) for number, target in definition.statistics if target != -1
    ]


def comment(schema: str, name: str, text: str) -> str:
    """COMMENT ON INDEX; none for an empty text."""
    said = literal(text) if text else sql.SQL("null")
    return sql.SQL("comment on index {} is {}").format(identifier(schema, name), said).as_string(None)


def set_statistics(schema: str, name: str, number: int, target: int) -> str:
    """ALTER INDEX … SET STATISTICS of the expression with this number, from 1."""
    return (
        sql.SQL("alter index {} alter column {} set statistics {}")
        .format(identifier(schema, name), verbatim(str(number)), verbatim(str(target)))
        .as_string(None)
    )


def literal(text: str) -> sql.Composable:
    """A string constant: only quotes are doubled, as our sessions have standard_conforming_strings on."""
    return verbatim("'" + text.replace("'", "''") + "'")


def rename(schema: str, name: str, to: str) -> str:
    """ALTER INDEX … RENAME."""
    return sql.SQL("alter index {} rename to {}").format(identifier(schema, name), identifier(to)).as_string(None)


def set_options(schema: str, name: str, wanted: dict[str, str], surplus: list[str]) -> list[str]:
    """ALTER INDEX … SET and RESET that bring the storage parameters to `wanted`."""
    index = identifier(schema, name)
    found = []
    if wanted:
        pairs = options(tuple(wanted.items()))
        found.append(sql.SQL("alter index {} set ({})").format(index, pairs).as_string(None))
    if surplus:
        names = sql.SQL(", ").join(identifier(name) for name in surplus)
        found.append(sql.SQL("alter index {} reset ({})").format(index, names).as_string(None))
    return found
